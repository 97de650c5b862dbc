"""The head of the log: how far it goes, and waiting for more."""

import asyncio
from contextlib import suppress


class Head:
    """Knows the newest event; waited for on the loop it was made on."""

    def __init__(self) -> None:
        self.seq = 0
        self._loop = asyncio.get_running_loop()
        self._moved = asyncio.Event()
        self._closed = False

    def committed(self, seq: int) -> None:
        """The log holds events up to this one; any thread may say so."""
        with suppress(RuntimeError):  # the loop is closed: the next start reads on
            self._loop.call_soon_threadsafe(self._move, seq)

    async def beyond(self, seq: int) -> None:
        """Returns once there is an event after this one."""
        while self.seq <= seq:
            await self._moved.wait()

    async def within(self, seconds: float, seq: int) -> bool:
        """Whether there is an event after this one, once there is, or so much time has passed.

        At once when the head is closed.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.seq <= seq and not self._closed:
                    await self._moved.wait()
        return self.seq > seq

    def close(self) -> None:
        """End what `within` waits for, now and from now on: the worker is about to stop."""
        self._closed = True
        self._wake()

    def _move(self, seq: int) -> None:
        if seq > self.seq:
            self.seq = seq
            self._wake()

    def _wake(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()
