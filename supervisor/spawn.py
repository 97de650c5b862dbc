"""Starting processes: by exec for the fixed ones, through the zygote for workers."""

import asyncio
import ctypes
import os
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from supervisor.child import Child

_PR_SET_CHILD_SUBREAPER = 36
_READY_SECONDS = 30.0
_ANSWER_SECONDS = 2.0
_ANSWER_BYTES = 64


NO_FORK = b"0"
"""The zygote's answer when it could not fork; otherwise it is the pid."""


class ZygoteGone(Exception):
    """The zygote died before it had forked."""


class Order(msgspec.Struct, frozen=True):
    """One fork: where the child's stdout and stderr go, and its spec."""

    output: Path
    spec: bytes


def adopt_orphans() -> None:
    """Make grandchildren ours when their parent ends, so that we learn how they die."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def start(command: Sequence[str], output: Path, environment: dict[str, str], keep: Sequence[int]) -> Child:
    """Exec `command` with these descriptors kept open; its stdout and stderr go to the file `output`.

    Never to a pipe: Go ends a process that prints into a closed one.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    actions: list[tuple[object, ...]] = [
        (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(output), flags & ~os.O_CLOEXEC, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    # A descriptor duplicated onto itself loses its close-on-exec mark.
    actions += [(os.POSIX_SPAWN_DUP2, descriptor, descriptor) for descriptor in keep]
    # In a session of its own, so that Ctrl-C and a closing terminal reach the supervisor alone.
    pid = os.posix_spawn(command[0], list(command), environment, file_actions=actions, setsid=True)
    return Child(pid, output)


class Zygote:
    """The preloaded process that workers are forked from."""

    def __init__(
        self, runtime: Path, environment: dict[str, str], keep: Sequence[int], module: str = "workers.worker"
    ) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            command = [sys.executable, "-m", "supervisor.zygote", str(theirs.fileno()), module]
            self.child = start(command, runtime / "zygote.out", environment, [*keep, theirs.fileno()])
        self._socket = ours

    async def ready(self) -> None:
        """Wait until it has loaded everything; raises `ZygoteGone`."""
        self._socket.setblocking(False)
        try:
            async with asyncio.timeout(_READY_SECONDS):
                answer = await asyncio.get_running_loop().sock_recv(self._socket, _ANSWER_BYTES)
        except OSError as error:  # also a timeout
            raise ZygoteGone from error
        if not answer:
            raise ZygoteGone

    def fork(self, order: Order) -> Child:
        """A worker; raises `ZygoteGone`, or OSError when this machine has no room for a process.

        The loop waits for the few milliseconds that it takes. A zygote that takes longer is killed.
        """
        self._socket.settimeout(_ANSWER_SECONDS)
        try:
            self._socket.send(msgspec.msgpack.encode(order, enc_hook=str))
            answer = self._socket.recv(_ANSWER_BYTES)
        except OSError as error:
            self.child.send(signal.SIGKILL)
            raise ZygoteGone from error
        if not answer:
            raise ZygoteGone
        if answer == NO_FORK:
            raise BlockingIOError("no room for another process")
        return Child(int(answer), order.output)

    def close(self) -> None:
        """The zygote ends when its socket does; workers live on."""
        self._socket.close()
