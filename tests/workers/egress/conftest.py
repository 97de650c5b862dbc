"""A server on loopback that answers with the bytes a test writes, and an egress that may reach it."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from wagateway.contract import Problem
from workers.egress import Egress, Fetched, Page, Rules, fetch, read
from workers.egress.egress import Patience

Answer = bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]
BODY = bytes(range(256)) * 2000
IMPATIENT = Patience(lookup=5.0, connect=5.0, idle=5.0)


class Site:
    """`answers` by path: one for ever, or a list that is used up. `asked` holds the heads of requests."""

    def __init__(self, scheme: str) -> None:
        self.scheme = scheme
        self.port = 0
        self.answers: dict[str, Answer | list[Answer]] = {}
        self.asked: list[str] = []
        self.ended = asyncio.Event()

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"{self.scheme}://{host}:{self.port}{path}"

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.asked.append(head)
            answer = self.answers[head.split()[1]]
            if isinstance(answer, list):
                answer = answer.pop(0)
            if isinstance(answer, bytes):
                writer.write(answer)
                await writer.drain()
            else:
                await answer(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the other end had enough
        finally:
            writer.close()
            self.ended.set()


@contextlib.asynccontextmanager
async def site(tls: ssl.SSLContext | None = None) -> AsyncIterator[Site]:
    made = Site("https" if tls else "http")
    server = await asyncio.start_server(made.connection, "127.0.0.1", 0, ssl=tls)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()


def egress(
    *sites: Site, patience: Patience = IMPATIENT, lookup: object = None, tls: ssl.SSLContext | bool = True
) -> Egress:
    """An egress that may reach 127.0.0.1, at the ports of the sites."""
    ports = frozenset({80, 443, *(each.port for each in sites)})
    rules = Rules(allow=(ip_network("127.0.0.1/32"),), ports=ports)
    return Egress(rules, patience, lookup or nobody, tls)  # type: ignore[arg-type]


async def nobody(name: str) -> list[str]:
    raise OSError(f"{name} is not known")


def answer(body: bytes = b"", status: str = "200 OK", **headers: str) -> bytes:
    """An answer with its length and these headers, `Content_Type` for `Content-Type`."""
    headers.setdefault("Content-Length", str(len(body)))
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode() + body


def moved(place: str, status: str = "302 Found") -> bytes:
    return answer(status=status, Location=place)


@pytest.fixture
async def server() -> AsyncIterator[Site]:
    async with site() as made:
        yield made


@pytest.fixture
async def reach(server: Site) -> AsyncIterator[Egress]:
    async with egress(server) as made:
        yield made


@pytest.fixture
def into(tmp_path: Path) -> Path:
    return tmp_path / "file"


async def get(reach: Egress, url: str, into: Path, most: int = 1_000_000, **limits: Any) -> Fetched:
    limits = {"seconds": 5.0, "field": "image_url", **limits}
    return await fetch(reach, url, into, most=most, **limits)


async def page(reach: Egress, url: str, most: int = 1000) -> Page:
    return await read(reach, url, most=most, seconds=5, field="link")


@contextlib.contextmanager
def refused(code: str, text: str, into: Path | None = None) -> Any:
    """What is in the block fails like this, and leaves no file."""
    with pytest.raises(Problem) as caught:
        yield
    assert (400, code) == (caught.value.status, caught.value.code)
    assert text in caught.value.message
    assert caught.value.message.startswith(("image_url: ", "link: "))
    assert into is None or not into.exists()
