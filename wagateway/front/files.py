"""Answering with a file that never changes: whole, a range of it, or word that the client has it already."""

import asyncio
import os
import re
from collections.abc import Mapping
from concurrent.futures import Executor

import structlog
from aiohttp import web

from wagateway.contract import Problem
from wagateway.front.answers import SERVER, refused

_BLOCK = 65536
_STALLED_SECONDS = 60.0
_RANGE = re.compile(r"bytes=\s*([0-9]{0,18})-([0-9]{0,18})\s*")
_ALWAYS = {
    "Accept-Ranges": "bytes",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Server": SERVER,
    "X-Content-Type-Options": "nosniff",
}

log = structlog.get_logger()


class OpenFile:
    """An open file of `size` bytes; reads on the threads of `disk`."""

    def __init__(self, descriptor: int, size: int, disk: Executor) -> None:
        self.size = size
        self._descriptor = descriptor
        self._disk = disk
        self._reading: asyncio.Future[bytes] | None = None

    async def read(self, size: int, at: int) -> bytes:
        """At most `size` bytes from this place on."""
        loop = asyncio.get_running_loop()
        self._reading = loop.run_in_executor(self._disk, os.pread, self._descriptor, size, at)
        return await asyncio.shield(self._reading)

    def close(self) -> None:
        """Close it, once nobody reads from it any more: its number could be another file's by then."""
        if self._reading is None or self._reading.done():
            os.close(self._descriptor)
        else:
            self._reading.add_done_callback(lambda _: os.close(self._descriptor))


async def answer(
    request: web.BaseRequest, file: OpenFile, tag: str, headers: Mapping[str, str]
) -> web.StreamResponse:
    """The answer to a GET or HEAD of the file; `tag` names its contents and `headers` are those of a 200."""
    quoted = f'"{tag}"'
    about = {**_ALWAYS, **headers, "ETag": quoted}
    if (wanted := request.headers.get("If-None-Match")) is not None and _names(wanted, quoted):
        return web.Response(status=304, headers={**about})
    first, end, partial = 0, file.size, False
    if request.method == "GET" and request.headers.get("If-Range", quoted).strip() == quoted:
        span = _span(request.headers.get("Range", ""), file.size)
        if span is not None and span[0] >= span[1]:
            return _unsatisfiable(file.size)
        first, end, partial = (*span, True) if span is not None else (first, end, partial)
    response = web.StreamResponse(status=206 if partial else 200, headers=about)
    if partial:
        response.headers["Content-Range"] = f"bytes {first}-{end - 1}/{file.size}"
    response.content_length = end - first
    await _sent(request, response, file, first, end)
    return response


async def _sent(
    request: web.BaseRequest, response: web.StreamResponse, file: OpenFile, first: int, end: int
) -> None:
    await response.prepare(request)
    try:
        if request.method != "HEAD":
            await _copied(response, file, first, end)
        await response.write_eof()
    except BaseException as error:
        # The client has the head and a part: only a broken connection tells it that there is no more.
        if request.transport is not None:
            request.transport.abort()
        if not isinstance(error, ConnectionError | TimeoutError | asyncio.CancelledError):
            log.exception("file.cut_short")
        raise ConnectionResetError("the file was not sent whole") from error


async def _copied(response: web.StreamResponse, file: OpenFile, at: int, end: int) -> None:
    while at < end:
        block = await file.read(min(_BLOCK, end - at), at)
        if not block:
            raise EOFError("the file became shorter")
        at += len(block)
        async with asyncio.timeout(_STALLED_SECONDS):
            await response.write(block)


def _names(header: str, quoted: str) -> bool:
    tags = [tag.strip().removeprefix("W/") for tag in header.split(",")]
    return quoted in tags or tags == ["*"]


def _span(header: str, size: int) -> tuple[int, int] | None:
    """The first byte and the one behind the last; None for no range, or for one that is to be ignored.

    Nothing between them means that the file has no such bytes.
    """
    found = _RANGE.fullmatch(header)
    if found is None or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if not first:
        return max(size - int(last), 0) if int(last) else size, size
    if last and int(last) < int(first):
        return None
    return int(first), min(int(last) + 1, size) if last else size


def _unsatisfiable(size: int) -> web.Response:
    response = refused(Problem(416, "RANGE_NOT_SATISFIABLE", f"The file has {size} bytes"))
    response.headers["Content-Range"] = f"bytes */{size}"
    return response
