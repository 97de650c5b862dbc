"""A webhook endpoint that costs next to nothing, and some that misbehave."""

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator
from typing import Literal

Manner = Literal["good", "hanging", "slow", "endless"]

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_TAKEN = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
_ENDLESS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
_CHUNK = b"1000\r\n" + bytes(0x1000) + b"\r\n"
_SLOW_SECONDS = 2.0
_CHUNK_SECONDS = 0.05


class Sink:
    """Takes deliveries and keeps when each came, on the monotonic clock, with its body."""

    def __init__(self, manner: Manner) -> None:
        self.manner = manner
        self.bodies: list[tuple[float, bytes]] = []
        self.wanted = 0
        self.enough = asyncio.Event()

    def took(self, body: bytes) -> None:
        """One delivery."""
        self.bodies.append((time.monotonic(), body))
        if len(self.bodies) >= self.wanted:
            self.enough.set()

    async def until(self, count: int, within: float) -> None:
        """Returns once so many have come since the start."""
        self.wanted = count
        self.enough.clear()
        if len(self.bodies) < count:
            await asyncio.wait_for(self.enough.wait(), within)


class _Connection(asyncio.Protocol):
    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._buffer = b""
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        found = _LENGTH.search(self._buffer, 0, end) if end >= 0 else None
        if found is None or len(self._buffer) < end + 4 + int(found[1]):
            return
        body, self._buffer = self._buffer[end + 4 :], b""
        match self._sink.manner:
            case "good":
                self._answer()
                self._sink.took(body)
            case "slow":
                self._timer = asyncio.get_running_loop().call_later(_SLOW_SECONDS, self._answer)
            case "endless":
                self._transport.write(_ENDLESS)  # type: ignore[attr-defined]
                self._pour()

    def connection_lost(self, error: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _answer(self) -> None:
        self._transport.write(_TAKEN)  # type: ignore[attr-defined]

    def _pour(self) -> None:
        self._transport.write(_CHUNK)  # type: ignore[attr-defined]
        self._timer = asyncio.get_running_loop().call_later(_CHUNK_SECONDS, self._pour)


@contextlib.asynccontextmanager
async def sink(manner: Manner = "good") -> AsyncIterator[tuple[Sink, str]]:
    """A listening endpoint and its URL."""
    made = Sink(manner)
    server = await asyncio.get_running_loop().create_server(lambda: _Connection(made), "127.0.0.1", 0)
    try:
        yield made, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    finally:
        server.close()
