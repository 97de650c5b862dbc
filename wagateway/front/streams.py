"""Answers without end: how many there may be, how they end, and how long they wait for a slow reader."""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

from aiohttp import web

from wagateway.contract import Problem
from wagateway.problems import device_unavailable

MOST = 2000
_END_SECONDS = 2.0
_AHEAD = 2**14  # bytes that wait for a reader in the process, beyond which its writer waits

T = TypeVar("T")


class Streams:
    """The answers without end that are open; `busy` are the requests that the front answers first."""

    def __init__(self, busy: set[asyncio.Task[Any]]) -> None:
        self.ending = False
        self._busy = busy
        self._open: set[asyncio.Task[Any]] = set()

    def admit(self) -> None:
        """Raises 503 when the front stops, or has as many as it can."""
        if self.ending:
            raise device_unavailable("The gateway is stopping")
        if len(self._open) >= MOST:
            raise Problem(503, "TOO_MANY_STREAMS", f"There are {MOST} listeners already", retry_after=5)

    async def run(self, stream: Awaitable[T]) -> T | None:
        """Do this until the client goes or the front stops, which makes it None; then say `closed`."""
        task = asyncio.current_task()
        assert task is not None
        self._busy.discard(task)
        self._open.add(task)
        try:
            return await stream
        except asyncio.CancelledError:
            if not self.ending:
                raise
            task.uncancel()
            return None

    def closed(self) -> None:
        """The running task has said goodbye."""
        task = asyncio.current_task()
        assert task is not None
        self._open.discard(task)

    async def end(self) -> None:
        """Cut all off; return when they have said goodbye, or will not."""
        self.ending = True
        for task in self._open:
            task.cancel()
        if self._open:
            await asyncio.wait(set(self._open), timeout=_END_SECONDS)


def flow(request: web.BaseRequest) -> None:
    """Keep little in memory for a client that reads more slowly than we write."""
    if request.transport is not None:
        request.transport.set_write_buffer_limits(high=_AHEAD)


async def patiently(request: web.BaseRequest, sending: Awaitable[None], size: int, seconds: float) -> None:
    """Have `size` bytes written to the client.

    Raises TimeoutError when it reads none of what waits for it in so many seconds.
    """
    left = _unsent(request) + size
    if await _in_time(sending, seconds):
        return
    # They are on their way, what lasts is the wait for room: it may go on as long as there is progress.
    while (now := _unsent(request)) < left:
        left = now
        if await _in_time(request.writer.drain(), seconds):
            return
    raise TimeoutError


async def _in_time(waiting: Awaitable[None], seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await waiting
    except TimeoutError:
        return False
    return True


def _unsent(request: web.BaseRequest) -> int:
    return 0 if request.transport is None else request.transport.get_write_buffer_size()
