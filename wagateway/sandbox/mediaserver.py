"""The media host's HTTP server: files go to disk and come from it piece by piece."""

import asyncio
import json
import os
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import structlog

from wagateway.sandbox import http
from wagateway.sandbox.identity import MEDIA_HOST
from wagateway.sandbox.media import MediaHost
from wagateway.whatsapp.errors import ProtocolError

log = structlog.get_logger()

MAX_BODY = 2 * 1024**3
_CHUNK = 64 * 1024
_PIECES_A_SECOND = 10
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


class Pace:
    """Lets bytes through no faster than so many a second; 0 is as fast as possible."""

    def __init__(self, bytes_per_second: int) -> None:
        self._rate = bytes_per_second
        self._start = 0.0
        self._total = 0
        self.piece = min(_CHUNK, max(1, bytes_per_second // _PIECES_A_SECOND)) if bytes_per_second else _CHUNK

    async def passed(self, size: int) -> None:
        """Wait until so many more bytes may have passed."""
        if self._rate:
            now = asyncio.get_running_loop().time()
            self._start = self._start or now
            self._total += size
            await asyncio.sleep(self._start + self._total / self._rate - now)


async def serve(host: MediaHost, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the requests of one connection until it ends."""
    try:
        while True:
            raw = await reader.readuntil(http.END)
            request = http.parse(raw[: -len(http.END)])
            await _Exchange(host, request, reader, writer).run()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass  # the client has left
    except (ProtocolError, asyncio.LimitOverrunError) as error:
        log.info("media.broke_protocol", why=str(error))
    finally:
        writer.close()


class _Exchange:
    """One request and its answer, with the faults that were in force when it came."""

    def __init__(
        self,
        host: MediaHost,
        request: http.Request,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._host = host
        self._request = request
        self._reader = reader
        self._writer = writer
        self._delay = host.faults.delay
        self._pace = Pace(host.faults.bytes_per_second)

    async def run(self) -> None:
        """Do what it asks for."""
        self._host.tally.begun += 1
        self._host.bell.ring()
        match self._request.method:
            case "POST":
                await self._upload()
            case "GET":
                await self._download()
            case "DELETE":
                self._host.delete(self._token())
                await self._answer(200)
            case _:
                await self._answer(405)

    def _token(self) -> str:
        url = urlsplit(self._request.target)
        return parse_qs(url.query).get("token", [url.path])[0]

    async def _upload(self) -> None:
        if self._request.size > MAX_BODY:
            raise ProtocolError("an upload is too large")
        part = self._host.begin()
        try:
            await self._receive(part, self._request.size)
            status = self._host.faults.failed_upload()
            path = self._host.keep(part, self._token()) if not status else ""
        finally:
            part.unlink(missing_ok=True)
        if status:
            await self._fail(status)
            return
        # Counted before it is told, so that who was told finds it counted.
        self._host.tally.uploads += 1
        self._host.bell.ring()
        found = {"url": f"https://{MEDIA_HOST}{path}", "direct_path": path, "handle": "sandbox"}
        await self._answer(200, json.dumps(found).encode(), "application/json")

    async def _receive(self, part: Path, missing: int) -> None:
        with part.open("wb") as file:
            while missing:
                data = await self._reader.read(min(self._pace.piece, missing))
                if not data:
                    raise asyncio.IncompleteReadError(b"", missing)
                file.write(data)
                missing -= len(data)
                await self._pace.passed(len(data))

    async def _download(self) -> None:
        target = self._request.target
        file = self._host.find(target)
        status = self._host.faults.failed_download()
        if status or file is None:
            await self._fail(status or (410 if self._host.is_gone(target) else 404))
            return
        await asyncio.sleep(self._delay)
        with file.open("rb") as source:
            size = source.seek(0, os.SEEK_END)
            start, end = self._range(size)
            source.seek(start)
            if (start, end) == (0, size):
                self._writer.write(http.head(200, size))
            else:
                where = f"bytes {start}-{end - 1}/{size}"
                self._writer.write(http.head(206, end - start, content_range=where))
            while start < end:
                data = source.read(min(self._pace.piece, end - start))
                start += len(data)
                await self._pace.passed(len(data))
                self._writer.write(data)
                await self._writer.drain()
        self._host.tally.downloads += 1
        self._host.bell.ring()

    def _range(self, size: int) -> tuple[int, int]:
        asked = _RANGE.fullmatch(self._request.headers.get("range", ""))
        if asked is None or int(asked[1]) >= size:
            return 0, size
        return int(asked[1]), min(size, int(asked[2]) + 1) if asked[2] else size

    async def _fail(self, status: int) -> None:
        self._host.tally.failures += 1
        self._host.bell.ring()
        await self._answer(status)

    async def _answer(self, status: int, body: bytes = b"", kind: str = "application/octet-stream") -> None:
        await asyncio.sleep(self._delay)
        self._writer.write(http.head(status, len(body), kind) + body)
        await self._writer.drain()
