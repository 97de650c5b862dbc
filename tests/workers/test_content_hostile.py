"""Nothing that a stranger can write into a message is more than a message."""

import json
import random
import struct
from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError

from wagateway.events import Event, encode
from wagateway.whatsapp.protos import E2E
from workers.content import Content, interpret, option_texts, text_of, timer_of, unseal
from workers.payloads import Facts, payload_of

FACTS = Facts(id="A1", chat="1@g.us", sender="2@lid", timestamp=1_800_000_000_000, is_from_me=False)
_ODD = [b"", b"\xff\xfe", b"a\x00\x1b", "\u202e@123@lid\n".encode(), b"x" * 3000, b"/", b"{", b"[" * 5000]
_NUMBERS = [0, 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1]
_FLOATS = [float("nan"), float("inf"), -1.5, 1e308]
_BYTES = (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES)
_FIXED: dict[int, Callable[[random.Random], bytes]] = {
    FieldDescriptor.TYPE_DOUBLE: lambda dice: struct.pack("<d", dice.choice(_FLOATS)),
    FieldDescriptor.TYPE_FLOAT: lambda dice: struct.pack("<f", dice.choice(_FLOATS[:3])),
    FieldDescriptor.TYPE_FIXED64: lambda dice: dice.randbytes(8),
    FieldDescriptor.TYPE_SFIXED64: lambda dice: dice.randbytes(8),
    FieldDescriptor.TYPE_FIXED32: lambda dice: dice.randbytes(4),
    FieldDescriptor.TYPE_SFIXED32: lambda dice: dice.randbytes(4),
}


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def tagged(field: FieldDescriptor, dice: random.Random, depth: int) -> bytes:
    """One field with a value that its type allows and its sender should not have chosen."""
    if field.type in _FIXED:
        value = _FIXED[field.type](dice)
        return varint(field.number << 3 | (1 if len(value) == 8 else 5)) + value
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        inner = field.message_type
        value = written(inner, dice, depth - 1) if depth and inner else b""
        return varint(field.number << 3 | 2) + varint(len(value)) + value
    if field.type in _BYTES:
        value = dice.choice([*_ODD, dice.randbytes(32)])
        return varint(field.number << 3 | 2) + varint(len(value)) + value
    return varint(field.number << 3) + varint(dice.choice(_NUMBERS))


def written(kind: Descriptor, dice: random.Random, depth: int) -> bytes:
    fields = list(kind.fields)
    chosen = fields if len(fields) < 12 else dice.sample(fields, dice.randint(1, 8))
    return b"".join(tagged(field, dice, depth) for field in chosen)


def check(read: Content | None) -> None:
    """What was read can be stored and told."""
    if read is None:
        return
    for path in ("", "statics/media/x.bin"):
        payload = payload_of(read, FACTS, lambda jid: (jid, ""), path)
        event = Event(
            event="message", device_id="", session_id="", seq=1, event_id="", timestamp="", payload=payload
        )
        json.loads(encode(event), parse_constant=pytest.fail)
    read.text.encode()
    if read.media is not None:
        assert 0 <= read.media.size < 2**63
        assert len(read.media.filename) <= 255
        assert read.media.direct_path.startswith("/")


def run(message: E2E.Message) -> None:
    for flag in (False, True):
        check(read := interpret(message, ephemeral=flag, view_once=flag, edit=flag))
    text_of(message)
    timer_of(message)
    option_texts(message, [b"", b"x" * 32])
    if read is not None:
        unseal(read, message, ["1@lid", "\x00"], ["2@lid", ""])


@pytest.mark.parametrize("field", list(E2E.Message.DESCRIPTOR.fields), ids=lambda field: field.name)
def test_every_field_of_a_message_can_hold_anything(field: Any) -> None:
    dice = random.Random(field.number)
    read = 0
    for _ in range(12):
        try:
            message = E2E.Message.FromString(tagged(field, dice, 4))
        except DecodeError:
            continue
        run(message)
        read += 1
    assert read > 0


def test_bytes_at_random_are_read_as_far_as_they_parse() -> None:
    dice = random.Random(1)
    for _ in range(400):
        raw = bytearray(written(E2E.Message.DESCRIPTOR, dice, 3))
        for _ in range(dice.randint(0, 3)):
            raw[dice.randrange(len(raw))] = dice.randrange(256)
        try:
            message = E2E.Message.FromString(bytes(raw))
        except DecodeError:
            continue
        run(message)


def test_messages_inside_messages_end_somewhere() -> None:
    message = E2E.Message(conversation="deep")
    for number in range(40):
        if number % 2:
            message = E2E.Message(ephemeralMessage=E2E.FutureProofMessage(message=message))
        else:
            message = E2E.Message(commentMessage=E2E.CommentMessage(message=message))
    run(E2E.Message.FromString(message.SerializeToString()))
