"""The media host over real sockets, without encryption."""

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from wagateway.sandbox import mediaserver
from wagateway.sandbox.faults import MediaFaults
from wagateway.sandbox.media import MediaHost

UPLOAD = "POST /mms/image/T{0}?auth=a&token=T{0} HTTP/1.1\r\nContent-Length: {1}\r\n\r\n"
SECONDS = 10


class Client:
    """One connection to the media host."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, served: asyncio.Future[None]
    ) -> None:
        self.served = served
        self._reader = reader
        self._writer = writer

    async def ask(self, head: str, body: bytes = b"") -> tuple[int, bytes]:
        """The status and the body of the answer."""
        self.begin(head, body)
        return await self.answer()

    def begin(self, head: str, body: bytes = b"") -> None:
        """Send a request and wait for nothing."""
        self._writer.write(head.encode() + body)

    async def answer(self) -> tuple[int, bytes]:
        """The next answer."""
        async with asyncio.timeout(SECONDS):
            raw = (await self._reader.readuntil(b"\r\n\r\n")).decode()
            fields = dict(line.split(": ", 1) for line in raw.split("\r\n")[1:-2])
            body = await self._reader.readexactly(int(fields["Content-Length"]))
        return int(raw.split(" ")[1]), body

    async def upload(self, data: bytes, token: str = "1") -> str:
        """The path of an uploaded file."""
        status, body = await self.ask(UPLOAD.format(token, len(data)), data)
        assert 200 == status
        path: str = json.loads(body)["direct_path"]
        return path

    async def get(self, path: str, **headers: str) -> tuple[int, bytes]:
        """The answer to a download."""
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return await self.ask(f"GET {path}&hash=x HTTP/1.1\r\n{lines}\r\n")

    def leave(self) -> None:
        """Close without waiting for anything."""
        self._writer.transport.abort()


@pytest.fixture
def host(tmp_path: Path) -> MediaHost:
    return MediaHost(tmp_path / "media")


@pytest_asyncio.fixture
async def client(host: MediaHost) -> AsyncIterator[Client]:
    served: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await mediaserver.serve(host, reader, writer)
        served.set_result(None)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    yield Client(reader, writer, served)
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    server.close()
    await asyncio.wait_for(served, SECONDS)


async def test_a_file_comes_back_until_it_is_deleted(client: Client, host: MediaHost) -> None:
    data = os.urandom(1_000_000)
    path = await client.upload(data)
    assert (200, data) == await client.get(path)
    assert 200 == (await client.ask("DELETE /mms/image/T1?token=T1 HTTP/1.1\r\n\r\n"))[0]
    assert 404 == (await client.get(path))[0]
    assert (4, 1, 1, 1) == (
        host.tally.begun, host.tally.uploads, host.tally.downloads, host.tally.failures,
    )  # fmt: skip


async def test_an_expired_file_is_gone_and_comes_back_with_the_next_upload(
    client: Client, host: MediaHost
) -> None:
    path = await client.upload(b"data")
    assert [True, False] == [host.expire(path) for _ in range(2)]
    assert 410 == (await client.get(path))[0]
    assert path == await client.upload(b"data")
    assert 200 == (await client.get(path))[0]
    assert 1 == host.expire_all()


@pytest.mark.parametrize(
    ("asked", "status", "body"),
    [
        ("bytes=2-", 206, b"2345"),
        ("bytes=1-2", 206, b"12"),
        ("bytes=0-99", 200, b"012345"),
        ("bytes=9-", 200, b"012345"),
        ("lines=1-2", 200, b"012345"),
    ],
)
async def test_a_part_of_a_file_can_be_asked_for(
    client: Client, asked: str, status: int, body: bytes
) -> None:
    path = await client.upload(b"012345")
    assert (status, body) == await client.get(path, Range=asked)


async def test_uploads_and_downloads_fail_as_often_as_they_are_to(client: Client, host: MediaHost) -> None:
    path = await client.upload(b"data")
    host.faults = MediaFaults(upload_failures=1, download_failures=2, status=503)
    assert 503 == (await client.ask(UPLOAD.format("2", 4), b"data"))[0]
    await client.upload(b"data", "2")
    assert [503, 503, 200] == [(await client.get(path))[0] for _ in range(3)]


async def test_bytes_come_no_faster_than_they_are_to(client: Client, host: MediaHost) -> None:
    path = await client.upload(bytes(10_000))
    host.faults = MediaFaults(bytes_per_second=50_000, delay=0.05)
    start = asyncio.get_running_loop().time()
    assert (200, bytes(10_000)) == await client.get(path)
    assert 0.24 < asyncio.get_running_loop().time() - start


async def test_a_client_that_leaves_in_the_middle_leaves_nothing_behind(
    client: Client, host: MediaHost, tmp_path: Path
) -> None:
    client.begin(UPLOAD.format("2", 1000), b"half")
    assert await host.bell.until(lambda: host.tally.begun == 1, SECONDS)
    client.leave()
    await asyncio.wait_for(client.served, SECONDS)
    assert [] == list((tmp_path / "media").iterdir())
    assert 0 == host.tally.uploads


async def test_an_unfinished_file_of_a_killed_process_is_removed(tmp_path: Path) -> None:
    MediaHost(tmp_path / "media").begin().write_bytes(b"half")
    MediaHost(tmp_path / "media")
    assert [] == list((tmp_path / "media").iterdir())


@pytest.mark.parametrize("path", ["/v/../sandbox.db", "/etc/passwd", "/v/", "/"])
async def test_the_media_host_gives_out_nothing_else(client: Client, tmp_path: Path, path: str) -> None:
    (tmp_path / "sandbox.db").write_bytes(b"keys")
    assert 404 == (await client.ask(f"GET {path} HTTP/1.1\r\n\r\n"))[0]


@pytest.mark.parametrize("head", ["GET /\r\n\r\n", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"])
async def test_what_is_no_request_ends_the_connection(client: Client, head: str) -> None:
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await client.ask(head)
