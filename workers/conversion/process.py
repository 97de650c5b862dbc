"""A conversion process as the worker sees it: started, asked one job at a time, killed."""

import asyncio
import contextlib
import os
import select
import signal
import socket
import sys
from pathlib import Path

from workers.conversion import jobs
from workers.conversion.jobs import Job, Outcome

_ROOT = Path(__file__).resolve().parents[2]
_ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "MALLOC_ARENA_MAX": "2",
    "PATH": "/usr/bin:/bin",
    "PYTHONPATH": str(_ROOT),
}
"""All that it is told: it meets files of strangers, and has nothing worth stealing."""


class Died(Exception):
    """The process ended before it answered; `signal` is what ended it, 0 for its own exit."""

    def __init__(self, number: int) -> None:
        super().__init__(f"signal {number}")
        self.signal = number


class Process:
    """Raises OSError when the machine has no room for it.

    It is started with exec and watched through a descriptor: the worker has threads of Go's, which neither
    a fork nor a handler for SIGCHLD may meet.
    """

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                self._descriptor = _spawn(theirs.fileno())
            except OSError:
                ours.close()
                raise
        ours.setblocking(False)
        self._wire = ours
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[int] = self._loop.create_future()
        self._asking = False
        self._loop.add_reader(self._descriptor, self._reap)

    @property
    def alive(self) -> bool:
        """Whether it can take a job, by the kernel's word."""
        if self.ended.done():
            return False
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        return not poll.poll(0)

    async def ask(self, job: Job) -> Outcome:
        """Have the job done; raises `Died`. Whoever gives up waiting must `kill` it."""
        self._asking = True
        try:
            await self._loop.sock_sendall(self._wire, jobs.encode(job))
            head = await self._read(jobs.LENGTH_BYTES)
            return jobs.decode_outcome(await self._read(int.from_bytes(head, "little")))
        except (OSError, EOFError):
            self.kill()
            raise Died(max(0, -await asyncio.shield(self.ended))) from None
        finally:
            self._asking = False
            if self.ended.done():
                self._wire.close()

    def kill(self) -> None:
        """End it at once; `ended` tells when it is gone."""
        if not self.ended.done():
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._descriptor, signal.SIGKILL)

    async def _read(self, size: int) -> bytes:
        if size > jobs.MOST_BYTES:
            raise EOFError
        data = bytearray()
        while len(data) < size:
            piece = await self._loop.sock_recv(self._wire, size - len(data))
            if not piece:
                raise EOFError
            data += piece
        return bytes(data)

    def _reap(self) -> None:
        self._loop.remove_reader(self._descriptor)
        result = os.waitid(os.P_PIDFD, self._descriptor, os.WEXITED)
        os.close(self._descriptor)
        if not self._asking:  # or the one who reads from it would not see its end
            self._wire.close()
        assert result is not None
        code = result.si_status if result.si_code == os.CLD_EXITED else -result.si_status
        self.ended.set_result(code)


def _spawn(wire: int) -> int:
    """A descriptor of the new process, which has the descriptor `wire` as its standard input."""
    command = [sys.executable, "-s", "-P", "-m", "workers.conversion", f"--parent={os.getpid()}"]
    actions = [
        (os.POSIX_SPAWN_DUP2, wire, 0),
        (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0),
        (os.POSIX_SPAWN_OPEN, 2, "/dev/null", os.O_WRONLY, 0),
    ]
    pid = os.posix_spawn(command[0], command, _ENVIRONMENT, file_actions=actions, setsid=True, setsigmask=())
    try:
        return os.pidfd_open(pid)
    except OSError:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        raise
