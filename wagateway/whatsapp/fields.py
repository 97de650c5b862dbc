"""Signal's few protobuf messages, read and written field by field so that every byte is ours to say.

whatsmeow writes a message again before it checks its MAC, so fields must come in the order of their
numbers and zeros must be written: both hold here and neither is promised by a protobuf library.
"""

from wagateway.whatsapp.errors import ProtocolError

VERSION = b"\x33"
"""What Signal messages begin with: version 3 of at most 3."""

KEY_TYPE = b"\x05"
"""What a Curve25519 key on the wire begins with."""


class Fields:
    """The fields of one message by number; the last one counts when a number is repeated."""

    def __init__(self, data: bytes) -> None:
        self._values: dict[int, int | bytes] = {}
        position = 0
        while position < len(data):
            tag, position = _read_varint(data, position)
            value: int | bytes
            if tag & 7 == 0:
                value, position = _read_varint(data, position)
            elif tag & 7 == 2:
                size, start = _read_varint(data, position)
                position = start + size
                value = data[start:position]
            else:
                raise ProtocolError("a Signal message has a field of unknown type")
            self._values[tag >> 3] = value
        if position != len(data):
            raise ProtocolError("a Signal message is cut short")

    def number(self, field: int) -> int:
        """An integer field below 2^32; `ProtocolError` when it is missing."""
        value = self.optional_number(field)
        if value is None:
            raise ProtocolError(f"a Signal message lacks number {field}")
        return value

    def optional_number(self, field: int) -> int | None:
        """An integer field below 2^32, or None."""
        value = self._values.get(field)
        if value is None:
            return None
        if not isinstance(value, int) or value >= 1 << 32:
            raise ProtocolError(f"a Signal message has a bad number {field}")
        return value

    def data(self, field: int) -> bytes:
        """A bytes field; `ProtocolError` when it is missing."""
        value = self._values.get(field)
        if not isinstance(value, bytes):
            raise ProtocolError(f"a Signal message lacks bytes {field}")
        return value

    def key(self, field: int) -> bytes:
        """The 32 bytes of a public key; `ProtocolError` when they are missing or of another type."""
        value = self.data(field)
        if len(value) != 33 or value[:1] != KEY_TYPE:
            raise ProtocolError(f"a Signal message has a bad key {field}")
        return value[1:]


def write_fields(*fields: tuple[int, int | bytes]) -> bytes:
    """The message with these numbered fields, in the order given."""
    out = bytearray()
    for field, value in fields:
        if isinstance(value, int):
            _write_varint(out, field << 3)
            _write_varint(out, value)
        else:
            _write_varint(out, field << 3 | 2)
            _write_varint(out, len(value))
            out += value
    return bytes(out)


def versioned(data: bytes) -> bytes:
    """What follows the version byte; `ProtocolError` when it is not version 3."""
    if not data or data[0] >> 4 != 3:
        raise ProtocolError("not a Signal message of version 3")
    return data[1:]


def _write_varint(out: bytearray, value: int) -> None:
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)


def _read_varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while position < len(data) and shift < 70:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise ProtocolError("a Signal message has a bad number")
