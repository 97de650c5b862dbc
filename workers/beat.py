"""Beats: the worker's "still alive", pushed from the loop that does the work."""

import asyncio
import time
from collections.abc import Callable
from typing import NoReturn

import msgspec
import zmq

from wagateway.commands.internal import Beat
from wagateway.link import Context
from wagateway.sockets import open_socket

_encode = msgspec.msgpack.Encoder().encode
_LAST_WORD_MS = 200
_FEW = 16  # more waiting beats than this say nothing that the newest does not


class Beats:
    """Pushes what `read(lag)` returns each `interval` seconds and on every `now()`.

    A beat that comes late because the loop was busy says so: `lag` is in seconds.
    """

    def __init__(
        self, context: Context, address: str, read: Callable[[float], Beat], interval: float = 1.0
    ) -> None:
        self._read = read
        self._interval = interval
        self._lag = 0.0
        self._socket = open_socket(context, zmq.PUSH)
        self._socket.setsockopt(zmq.SNDHWM, _FEW)
        self._socket.connect(address)

    def now(self) -> None:
        """Push a beat at once; with nobody to take it, it is dropped."""
        try:
            self._socket.send(_encode(self._read(self._lag)), zmq.NOBLOCK)
        except zmq.Again:
            return

    async def run(self) -> NoReturn:
        """Beat until cancelled."""
        while True:
            due = time.monotonic() + self._interval
            await asyncio.sleep(self._interval)
            self._lag = max(0.0, time.monotonic() - due)
            self.now()

    def close(self) -> None:
        """Push what is left, for a moment: the last beat says why the worker ends."""
        self._socket.close(_LAST_WORD_MS)
