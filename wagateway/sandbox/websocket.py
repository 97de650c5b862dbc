"""The server's end of a websocket: just what WhatsApp's clients use of RFC 6455."""

import base64
import hashlib

from wagateway.whatsapp.errors import ProtocolError

BINARY, CLOSE, PING, PONG = 2, 8, 9, 10
MAX_MESSAGE = 1 << 25

_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def accept(key: str) -> str:
    """The `Sec-WebSocket-Accept` for a client's `Sec-WebSocket-Key`."""
    return base64.b64encode(hashlib.sha1(key.encode() + _MAGIC).digest()).decode()  # noqa: S324  the RFC's choice


def message(opcode: int, payload: bytes) -> bytes:
    """One unfragmented, unmasked message."""
    size = len(payload)
    if size < 126:
        head = bytes((0x80 | opcode, size))
    elif size < 1 << 16:
        head = bytes((0x80 | opcode, 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((0x80 | opcode, 127)) + size.to_bytes(8, "big")
    return head + payload


class Reader:
    """Cuts a client's bytes into messages, as (opcode, payload); `ProtocolError` for what is none."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._parts: list[bytes] = []
        self._opcode = 0

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """The messages that `data` completes."""
        self._buffer += data
        messages = []
        while (frame := self._frame()) is not None:
            final, opcode, payload = frame
            if opcode >= CLOSE:
                messages.append((opcode, payload))
                continue
            self._opcode = opcode or self._opcode
            if final and not self._parts:
                messages.append((self._opcode, payload))
                continue
            self._parts.append(payload)
            if sum(map(len, self._parts)) > MAX_MESSAGE:
                raise ProtocolError("a websocket message is too large")
            if final:
                messages.append((self._opcode, b"".join(self._parts)))
                self._parts = []
        return messages

    def _frame(self) -> tuple[bool, int, bytes] | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        size, start = buffer[1] & 0x7F, 2
        if size >= 126:
            start = 4 if size == 126 else 10
            if len(buffer) < start:
                return None
            size = int.from_bytes(buffer[2:start], "big")
        if size > MAX_MESSAGE or not buffer[1] & 0x80:
            raise ProtocolError("a websocket frame is too large or not masked")
        end = start + 4 + size
        if len(buffer) < end:
            return None
        payload = _unmask(bytes(buffer[start : start + 4]), bytes(buffer[start + 4 : end]))
        final, opcode = bool(buffer[0] & 0x80), buffer[0] & 0x0F
        del buffer[:end]
        return final, opcode, payload


def _unmask(mask: bytes, data: bytes) -> bytes:
    # As one number each: a byte at a time would cost more than all the cryptography.
    size = len(data)
    repeated = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(data, "big") ^ int.from_bytes(repeated, "big")).to_bytes(size, "big")
