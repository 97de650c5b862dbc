"""Downloads through a device's own proxy: it is used and nothing else is, and its password stays secret."""

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.workers.media import hosts
from tests.workers.media.conftest import encrypted
from tests.workers.media.hosts import Host
from workers.media.download import Failed, Source
from workers.media.way import Way

ROW, MADE = encrypted(b"picture" * 1000)
SECRET = "p%40ss"

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture
async def executor() -> AsyncIterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as made:
        yield made


@asynccontextmanager
async def source(
    folder: Path, executor: ThreadPoolExecutor, proxy: str
) -> AsyncIterator[tuple[Source, Host]]:
    async with hosts.host(folder) as (host, network):
        host.answer = hosts.body(MADE.ciphertext)
        made = Source(Way(network, proxy), executor, 0.5)
        yield made, host
        await made.close()


@asynccontextmanager
async def proxy(serve: Serve) -> AsyncIterator[str]:
    """A proxy's place, with a name and a password before it."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"dora:{SECRET}@127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def test_the_devices_own_proxy_takes_the_place_of_the_sandboxes(
    tmp_path: Path, executor: ThreadPoolExecutor
) -> None:
    heads = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with proxy(serve) as place, source(tmp_path, executor, f"http://{place}") as (from_, host):
        with pytest.raises(Failed) as caught:
            await from_.download(ROW, tmp_path / "part", 1_000_000)
    assert b"CONNECT mmg.whatsapp.net:443 HTTP/1.1" == heads[0].splitlines()[0]
    assert b"Basic " + base64.b64encode(b"dora:p@ss") in heads[0]
    assert ("later", []) == (caught.value.fate, host.tunnels)
    assert SECRET not in caught.value.why


async def test_a_socks_proxy_that_refuses_is_tried_again(
    tmp_path: Path, executor: ThreadPoolExecutor
) -> None:
    said = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(16)
        writer.write(b"\x05\x02")
        said.append(await reader.read(64))
        writer.write(b"\x01\x01")  # a wrong password
        writer.close()

    async with proxy(serve) as place, source(tmp_path, executor, f"socks5://{place}") as (from_, host):
        with pytest.raises(Failed) as caught:
            await from_.download(ROW, tmp_path / "part", 1_000_000)
    assert [b"\x01\x04dora\x04p@ss"] == said
    assert ("later", []) == (caught.value.fate, host.tunnels)
    assert SECRET not in caught.value.why


@pytest.mark.parametrize("scheme", ["http", "https", "socks5"])
async def test_nothing_goes_past_a_dead_proxy(
    tmp_path: Path, executor: ThreadPoolExecutor, scheme: str
) -> None:
    async with source(tmp_path, executor, f"{scheme}://dora:{SECRET}@127.0.0.1:1") as (from_, host):
        with pytest.raises(Failed) as caught:
            await from_.download(ROW, tmp_path / "part", 1_000_000)
    assert ("later", [], []) == (caught.value.fate, host.tunnels, host.requests)
    assert SECRET not in caught.value.why
