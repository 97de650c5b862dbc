"""What waits to be done by itself, and the login that all of it waits for."""

import asyncio
from collections import deque
from contextlib import suppress
from typing import Generic, TypeVar

import structlog

from workers.device import Device

T = TypeVar("T")

log = structlog.get_logger()


class Waiting(Generic[T]):
    """Put things on any thread, which never waits, and take them on the loop.

    Beyond `most` the oldest are dropped, and logged under `name`.
    """

    def __init__(self, name: str, most: int) -> None:
        self._name = name
        self._loop = asyncio.get_running_loop()
        self._things: deque[T] = deque(maxlen=most)
        self._more = asyncio.Event()
        self._dropped = 0

    def put(self, thing: T) -> None:
        """Add the newest."""
        if len(self._things) == self._things.maxlen:
            self._dropped += 1
        self._things.append(thing)
        with suppress(RuntimeError):  # the loop is closed: nobody will take it any more
            self._loop.call_soon_threadsafe(self._more.set)

    async def some(self) -> None:
        """Returns when there is something to take."""
        while not self._things:
            self._more.clear()
            await self._more.wait()

    def take(self) -> list[T]:
        """All of it, oldest first."""
        if self._dropped:
            log.warning("automation.dropped", what=self._name, count=self._dropped)
            self._dropped = 0
        taken = []
        while self._things:
            taken.append(self._things.popleft())
        return taken


class Login:
    """Lets wait for the device to be logged in."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._came = asyncio.Event()

    def connected(self) -> None:
        """The device has logged in."""
        self._came.set()

    async def wait(self) -> None:
        """Returns when the device is logged in."""
        while self._device.state != "logged_in":
            self._came.clear()
            await self._came.wait()
