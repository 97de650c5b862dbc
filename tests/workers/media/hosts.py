"""A media host that misbehaves as told, behind a proxy like the sandbox's."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from wagateway.sandbox import identity
from wagateway.spec import SandboxNetwork

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Host:
    """`answer` answers every request; `tunnels` are the names that clients asked the proxy for."""

    def __init__(self) -> None:
        self.answer: Answer = not_found
        self.requests: list[web.Request] = []
        self.tunnels: list[str] = []
        self.refusing = False
        self.port = 0
        self._pipes: set[asyncio.Task[None]] = set()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        return await self.answer(request)

    async def tunnel(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.tunnels.append(head.split()[1].decode())
        if self.refusing:
            writer.write(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
            writer.close()
            return
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        for source, sink in ((reader, inner_writer), (inner_reader, writer)):
            self._pipes.add(asyncio.ensure_future(_pipe(source, sink)))

    async def close(self) -> None:
        for task in self._pipes:
            task.cancel()
        await asyncio.gather(*self._pipes, return_exceptions=True)


async def _pipe(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
    except OSError:
        pass
    finally:
        sink.close()


@asynccontextmanager
async def host(folder: Path) -> AsyncIterator[tuple[Host, SandboxNetwork]]:
    """The host, and how to reach it."""
    ca, pem = tls(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    made = Host()
    runner = web.ServerRunner(web.Server(made.handle), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    made.port = runner.addresses[0][1]
    proxy = await asyncio.start_server(made.tunnel, "127.0.0.1", 0)
    port = proxy.sockets[0].getsockname()[1]
    try:
        yield made, SandboxNetwork(f"http://127.0.0.1:{port}", "", str(ca))
    finally:
        proxy.close()
        await made.close()
        await runner.cleanup()


def tls(folder: Path) -> tuple[Path, Path]:
    """Files with the certificate to trust and with the server's key and certificate."""
    ca, server = identity._make_tls()
    paths = folder / "ca.pem", folder / "server.pem"
    for path, pem in zip(paths, (ca, server), strict=True):
        path.write_bytes(pem)
    return paths


async def not_found(request: web.Request) -> web.StreamResponse:
    return web.Response(status=404)


def body(data: bytes, status: int = 200, **headers: str) -> Answer:
    """Always this answer."""

    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, body=data, headers=headers)

    return answer


def cut(data: bytes) -> Answer:
    """Promises one byte more than it sends before it hangs up."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(len(data) + 1)})
        await response.prepare(request)
        await response.write(data)
        assert request.transport is not None
        request.transport.close()
        return response

    return answer


def stuck(data: bytes, over: asyncio.Event) -> Answer:
    """Sends some and then nothing until the test is over."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(len(data) + 1)})
        await response.prepare(request)
        await response.write(data)
        await over.wait()
        return response

    return answer


def garbage() -> Answer:
    """Not HTTP."""

    async def answer(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.write(b"\x00\x01garbage\r\n\r\n")  # type: ignore[attr-defined]
        request.transport.close()
        return web.Response()

    return answer
