"""Walking over a protobuf that is too large to be decoded at once."""

from collections.abc import Iterator
from mmap import mmap
from typing import NamedTuple

Data = bytes | mmap

_LONGEST_VARINT = 10


class Malformed(ValueError):
    """The bytes are no protobuf message, or one that is cut short."""


class Field(NamedTuple):
    """One field of a message: the bytes from `at` to `end` are all of it, those from `start` its value."""

    number: int
    at: int
    start: int
    end: int


def walk(data: Data, start: int, end: int) -> Iterator[Field]:
    """The fields of the message between the two places, in their order; raises `Malformed`."""
    while start < end:
        tag, begin = varint(data, start, end)
        match tag & 7:
            case 0:
                _, after = varint(data, begin, end)
            case 1:
                after = begin + 8
            case 2:
                size, begin = varint(data, begin, end)
                after = begin + size
            case 5:
                after = begin + 4
            case kind:
                raise Malformed(f"a field of the unknown type {kind}")
        if after > end:
            raise Malformed("a field that is cut short")
        yield Field(tag >> 3, start, begin, after)
        start = after


def varint(data: Data, start: int, end: int) -> tuple[int, int]:
    """The number that begins at a place, and the place after it; raises `Malformed`."""
    value = shift = 0
    for place in range(start, min(end, start + _LONGEST_VARINT)):
        byte = data[place]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place + 1
        shift += 7
    raise Malformed("a number without end")
