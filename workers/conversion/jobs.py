"""What a worker and its conversion process say to each other: jobs, and what became of them."""

from pathlib import Path
from typing import Literal

import msgspec

Kind = Literal["image", "video", "audio", "voice", "sticker", "thumbnail", "avatar"]

LENGTH_BYTES = 4
"""Every frame is its length (little-endian) and that much MessagePack."""

MOST_BYTES = 1 << 20
"""No honest frame is longer."""


class Job(msgspec.Struct, frozen=True):
    """One file to convert into `output`; `cpu_seconds` is all that it may take of the processor."""

    kind: Kind
    source: Path
    output: Path
    cpu_seconds: int
    compress: bool = False
    hd: bool = False


class Converted(msgspec.Struct, frozen=True, tag=True):
    """What a file became.

    `path` is the source, untouched, or a new file that belongs to the caller. `sha256` is hex, sizes are in
    bytes and in pixels as shown (turned upright), `thumbnail` is a JPEG, `waveform` 64 bytes of 0 to 100.
    What a kind of file does not have is 0 or empty; for a mere thumbnail `sha256` is empty too.
    """

    path: Path
    mime_type: str
    size: int
    sha256: str
    width: int = 0
    height: int = 0
    seconds: int = 0
    thumbnail: bytes = b""
    waveform: bytes = b""
    animated: bool = False
    pages: int = 0


class Refused(msgspec.Struct, frozen=True, tag=True):
    """The file cannot be used: `what` says why, as in "is not a picture"; `error` is for the log only."""

    what: str
    error: str = ""


Outcome = Converted | Refused


def encode(message: Job | Outcome) -> bytes:
    """A frame."""
    body = msgspec.msgpack.encode(message, enc_hook=str)
    return len(body).to_bytes(LENGTH_BYTES, "little") + body


def decode_job(body: bytes) -> Job:
    """The job of a frame's body; raises `msgspec.DecodeError`."""
    return msgspec.msgpack.decode(body, type=Job, dec_hook=_path)


def decode_outcome(body: bytes) -> Outcome:
    """The outcome of a frame's body; raises `msgspec.DecodeError`."""
    return msgspec.msgpack.decode(body, type=Outcome, dec_hook=_path)  # type: ignore[no-any-return]


def _path(kind: type, value: object) -> object:
    return kind(value)
