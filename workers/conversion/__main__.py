"""The conversion process: reads jobs from its standard input (a socket), one at a time, and answers there.

It ends when the socket does, and with its parent.
"""

import argparse
import contextlib
import errno
import socket
from collections.abc import Callable

from workers.conversion import jobs
from workers.conversion.confine import allow_cpu, confine
from workers.conversion.files import Refusal
from workers.conversion.jobs import Converted, Job, Kind, Outcome, Refused


def main() -> None:
    """Serve until nobody asks any more."""
    parser = argparse.ArgumentParser(prog="workers.conversion")
    parser.add_argument("--parent", type=int, required=True, help="the pid that this process ends with")
    confine(parser.parse_args().parent)
    with socket.socket(fileno=0) as wire:
        while job := _next(wire):
            allow_cpu(job.cpu_seconds)
            wire.sendall(jobs.encode(_outcome(job)))


def _next(wire: socket.socket) -> Job | None:
    head = wire.recv(jobs.LENGTH_BYTES, socket.MSG_WAITALL)
    if len(head) < jobs.LENGTH_BYTES:
        return None
    return jobs.decode_job(wire.recv(int.from_bytes(head, "little"), socket.MSG_WAITALL))


def _outcome(job: Job) -> Outcome:
    try:
        return _work(job.kind)(job)
    except Refusal as refusal:
        outcome = Refused(str(refusal))
    except MemoryError:
        outcome = Refused("is too large to be converted: it needs too much memory")
    except Exception as error:  # noqa: BLE001 - the edge: a hostile file makes the libraries raise anything
        if isinstance(error, OSError) and error.errno == errno.EFBIG:
            outcome = Refused("is too large to be converted: the result would be more than 100 MB")
        else:
            outcome = Refused("cannot be read: it is damaged", f"{type(error).__name__}: {error}"[:500])
    with contextlib.suppress(FileNotFoundError):
        job.output.unlink()
    return outcome


def _work(kind: Kind) -> Callable[[Job], Converted]:
    """Loads only the libraries that this kind needs: a process for pictures stays small."""
    match kind:
        case "image":
            from workers.conversion.images import convert
        case "sticker":
            from workers.conversion.stickers import convert
        case "thumbnail":
            from workers.conversion.documents import convert
        case "avatar":
            from workers.conversion.avatars import convert
        case "video":
            from workers.conversion.video import convert
        case "audio":
            from workers.conversion.audio import convert
        case "voice":
            from workers.conversion.voice import convert
    return convert


if __name__ == "__main__":
    main()
