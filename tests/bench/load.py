"""A closed-loop HTTP load on keep-alive connections, cheap enough not to be what is measured."""

import asyncio
import re
import statistics
import time
from collections.abc import Callable

import msgspec

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class Load(msgspec.Struct, frozen=True):
    """What a load measured: seconds per request (sorted), requests per second, answers that were not 200."""

    latencies: list[float]
    rate: float
    failed: int

    def at(self, quantile: float) -> float:
        """The latency at a quantile, in milliseconds."""
        return self.latencies[min(len(self.latencies) - 1, int(len(self.latencies) * quantile))] * 1000

    @property
    def median(self) -> float:
        """Milliseconds."""
        return statistics.median(self.latencies) * 1000


class _Connection(asyncio.Protocol):
    """Sends the next request as soon as the last is answered."""

    def __init__(self, next_request: Callable[[], bytes | None], answered: Callable[[float, bool], None]):
        self._next = next_request
        self._answered = answered
        self._buffer = b""
        self._sent = 0.0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._ask()

    def _ask(self) -> None:
        request = self._next()
        if request is None:
            self._transport.close()
            return
        self._sent = time.perf_counter()
        self._transport.write(request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        length = _LENGTH.search(self._buffer, 0, end)
        size = end + 4 + (int(length[1]) if length else 0)
        if len(self._buffer) < size:
            return
        ok = self._buffer.startswith(b"HTTP/1.1 200")
        self._buffer = self._buffer[size:]
        self._answered(time.perf_counter() - self._sent, ok)
        self._ask()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


def request(method: str, path: str, device: str = "", body: bytes = b"") -> bytes:
    """The bytes of one request."""
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n"
    if device:
        head += f"X-Device-Id: {device}\r\n"
    if body:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body


def multipart(path: str, device: str, fields: dict[str, str], file: tuple[str, str, str, bytes]) -> bytes:
    """The bytes of one upload; `file` is field, name, MIME type and content."""
    field, name, kind, content = file
    parts = "".join(
        f'--edge\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'
        for key, value in fields.items()
    )
    parts += f'--edge\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n'
    body = parts.encode() + f"Content-Type: {kind}\r\n\r\n".encode() + content + b"\r\n--edge--\r\n"
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nX-Device-Id: {device}\r\n"
    head += f"Content-Type: multipart/form-data; boundary=edge\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def run(
    port: int, connections: int, *, seconds: float, make: Callable[[], bytes], most: int = 10**9
) -> Load:
    """Load `port` for `seconds` (at most `most` requests) and say what came back."""
    latencies: list[float] = []
    failed = 0
    left = most
    begin = time.perf_counter()
    end = begin + seconds

    def next_request() -> bytes | None:
        nonlocal left
        if left <= 0 or time.perf_counter() > end:
            return None
        left -= 1
        return make()

    def answered(latency: float, ok: bool) -> None:
        nonlocal failed
        latencies.append(latency)
        failed += not ok

    loop = asyncio.get_running_loop()
    opened = [
        await loop.create_connection(lambda: _Connection(next_request, answered), "127.0.0.1", port)
        for _ in range(connections)
    ]
    await asyncio.gather(*(protocol.done for _, protocol in opened))
    elapsed = time.perf_counter() - begin
    return Load(sorted(latencies), len(latencies) / elapsed, failed)
