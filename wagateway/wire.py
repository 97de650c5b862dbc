"""How processes find each other and what a command and a reply look like as a frame."""

import hashlib
import os
import struct
from collections.abc import Iterator
from pathlib import Path

import msgspec

_REQUEST = struct.Struct("!QdB")  # request id, deadline in monotonic seconds, length of the name
_LENGTH = struct.Struct("!I")
_REPLY = struct.Struct("!QHI")  # request id, HTTP status, Retry-After in seconds

MAX_FRAME = 64 * 1024 * 1024
"""Bytes; ZeroMQ cuts a peer off for good that sends more."""
_BATCH = 1024 * 1024  # bytes that are sent together


class Request(msgspec.Struct, frozen=True):
    """A command on the wire: `body` is its msgpack, `deadline` is CLOCK_MONOTONIC seconds."""

    id: int
    deadline: float
    name: str
    body: bytes


class Reply(msgspec.Struct, frozen=True):
    """An answer on the wire: `body` is the finished JSON envelope, passed on untouched."""

    id: int
    status: int
    retry_after: int
    body: bytes


class Malformed(ValueError):
    """Frames that no peer of ours sends."""


def pack_request(request: Request) -> bytes:
    """One frame, `id+deadline+length of name | name | body`: frames cost more than the bytes in them."""
    name = request.name.encode()
    return _REQUEST.pack(request.id, request.deadline, len(name)) + name + request.body


def unpack_request(frame: bytes) -> Request:
    """The reverse of `pack_request`; raises `Malformed`."""
    try:
        number, deadline, length = _REQUEST.unpack_from(frame)
        end = _REQUEST.size + length
        return Request(number, deadline, frame[_REQUEST.size : end].decode(), frame[end:])
    except (ValueError, struct.error) as error:
        raise Malformed(str(error)) from error


def pack_reply(reply: Reply) -> bytes:
    """One frame, `id+status+retry_after | body`."""
    return _REPLY.pack(reply.id, reply.status, reply.retry_after) + reply.body


def unpack_reply(frame: bytes) -> Reply:
    """The reverse of `pack_reply`; raises `Malformed`."""
    try:
        number, status, retry_after = _REPLY.unpack_from(frame)
    except struct.error as error:
        raise Malformed(str(error)) from error
    return Reply(number, status, retry_after, frame[_REPLY.size :])


def pack_batch(frames: list[bytes]) -> bytes:
    """One frame for what one turn of the loop has to say: each with its length before it."""
    return b"".join(part for frame in frames for part in (_LENGTH.pack(len(frame)), frame))


def groups(frames: list[bytes]) -> Iterator[list[bytes]]:
    """The frames in the order given, so many together as one batch may hold, and never none."""
    group: list[bytes] = []
    size = 0
    for frame in frames:
        if group and size + len(frame) > _BATCH:
            yield group
            group, size = [], 0
        group.append(frame)
        size += len(frame)
    if group:
        yield group


def unpack_batch(batch: bytes) -> list[bytes]:
    """The reverse of `pack_batch`; raises `Malformed`."""
    frames, at = [], 0
    while at < len(batch):
        try:
            (length,) = _LENGTH.unpack_from(batch, at)
        except struct.error as error:
            raise Malformed(str(error)) from error
        at += _LENGTH.size + length
        if at > len(batch):
            raise Malformed("a frame is cut short")
        frames.append(batch[at - length : at])
    return frames


def device_key(device_id: str) -> str:
    """A short file name for a device: an ipc path ends at 107 bytes, and an id is not a path."""
    return hashlib.sha256(device_id.encode()).hexdigest()[:16]


def worker_socket(runtime: Path, device_id: str) -> str:
    """Where the worker of a device answers commands."""
    return f"ipc://{runtime}/{device_key(device_id)}.sock"


def supervisor_socket(runtime: Path) -> str:
    """Where the supervisor answers commands."""
    return f"ipc://{runtime}/supervisor.sock"


def supervisor_feed(runtime: Path) -> str:
    """Where the supervisor publishes the device table (see `commands.internal.DeviceTable`)."""
    return f"ipc://{runtime}/supervisor.feed"


def beats_socket(runtime: Path) -> str:
    """Where workers push their beats."""
    return f"ipc://{runtime}/beats.sock"


def sandbox_socket(runtime: Path) -> str:
    """Where the sandbox answers commands."""
    return f"ipc://{runtime}/sandbox.sock"


def runtime_folder(configured: Path | None, storage: Path) -> Path:
    """The folder of the sockets: as configured, systemd's, or one that follows from the storage folder.

    Every process and `wagatewayctl` compute the same path from the same settings.
    """
    if configured is not None:
        return configured
    if systemd := os.environ.get("RUNTIME_DIRECTORY"):
        return Path(systemd.split(":")[0])
    name = f"wagateway-{os.getuid()}-{device_key(str(storage.resolve()))[:8]}"
    parent = os.environ.get("XDG_RUNTIME_DIR") or "/tmp"  # noqa: S108  made 0700 and its owner checked
    return Path(parent) / name
