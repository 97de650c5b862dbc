"""A process seen from its parent: its death is an event of the loop, at once and without polling."""

import asyncio
import contextlib
import os
import signal
import time
from pathlib import Path

_TAIL_BYTES = 2048


class Child:
    """A child process by pid; also for one that was only adopted (see `zygote`)."""

    def __init__(self, pid: int, output: Path) -> None:
        self.pid = pid
        self.started_at = time.time()
        self.output = output
        self._began = time.monotonic()
        self._descriptor = os.pidfd_open(pid)
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[int] = self._loop.create_future()
        self._loop.add_reader(self._descriptor, self._reap)

    @property
    def lived(self) -> float:
        """Seconds since it was started."""
        return time.monotonic() - self._began

    def send(self, number: signal.Signals) -> None:
        """A signal; nothing when it has ended."""
        if not self.ended.done():
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._descriptor, number)

    async def stop(self, patience: float) -> int:
        """SIGTERM, SIGKILL after `patience` seconds; returns the exit code (a signal is negative)."""
        self.send(signal.SIGTERM)
        await asyncio.wait({self.ended}, timeout=patience)
        self.send(signal.SIGKILL)
        return await asyncio.shield(self.ended)

    def last_words(self) -> str:
        """The end of what it wrote to stdout and stderr."""
        try:
            with self.output.open("rb") as file:
                file.seek(max(0, self.output.stat().st_size - _TAIL_BYTES))
                return file.read().decode(errors="replace")
        except OSError:
            return ""

    def _reap(self) -> None:
        self._loop.remove_reader(self._descriptor)
        try:
            self.ended.set_result(_exit_code(self._descriptor))
        finally:
            os.close(self._descriptor)


def _exit_code(descriptor: int) -> int:
    try:
        result = os.waitid(os.P_PIDFD, descriptor, os.WEXITED)
    except ChildProcessError:  # somebody else reaped it: how it ended is lost
        return 1
    assert result is not None
    return result.si_status if result.si_code == os.CLD_EXITED else -result.si_status
