"""Fetches a file or a page by its URL, within limits."""

import asyncio
import contextlib
import re
import unicodedata
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import unquote

import aiohttp
import msgspec
from yarl import URL

from wagateway.media_types import UNKNOWN, plain
from workers.egress.body import BLOCK, blocks
from workers.egress.egress import Egress
from workers.egress.problems import Refused, failed, not_allowed, timed_out, too_large
from workers.egress.sink import Sink

REDIRECTS = 3
_MOVED = (301, 302, 303, 307, 308)
_PARTIAL = 206
_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,64}/[a-z0-9!#$&^_.+-]{1,64}")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:+-]{1,40})", re.IGNORECASE)
_CODED_NAME = re.compile(r"filename\*\s*=\s*utf-8'[^']*'([^;\s]+)", re.IGNORECASE)
_PLAIN_NAME = re.compile(r"filename\s*=\s*(?:\"([^\"]*)\"|([^;\"]+))", re.IGNORECASE)
_SAYS_NOTHING = (UNKNOWN, "binary/octet-stream", "application/force-download")
_WRITTEN_AT_ONCE = 8 * BLOCK
_LONGEST_NAME = 255


class Fetched(msgspec.Struct, frozen=True):
    """A file that was fetched: `size` in bytes, `sha256` in hex, `url` after all redirects.

    `mime_type` and `name` are what the server says, the name without folders; "" when there is none.
    """

    path: Path
    size: int
    sha256: str
    mime_type: str
    name: str
    url: str


class Page(msgspec.Struct, frozen=True):
    """The beginning of what is at `url`, the place after all redirects; `charset` is "" when not told."""

    body: bytes
    mime_type: str
    charset: str
    url: str


async def fetch(
    egress: Egress,
    url: str,
    into: Path,
    *,
    most: int,
    seconds: float,
    field: str,
    accept: tuple[str, ...] = (),
) -> Fetched:
    """Write the file at the URL to the new file `into` (mode 0600), which is not there after a failure.

    `most` is in bytes, `seconds` for everything. `accept` are MIME types, or `image/*`; a server that
    says nothing of the type is believed. Raises 400 `URL_NOT_ALLOWED`, `URL_FETCH_FAILED`, `URL_TOO_LARGE`
    or `URL_TIMEOUT`, each text beginning with `field`; 507 `STORAGE_FULL`, 503 `STORAGE_FAILED`.
    """
    with contextlib.ExitStack() as unless_finished:
        async with _answer(egress, url, field, seconds, accept) as response:
            mime_type, name = _mime_type(response), _name(url, response)
            if not _accepted(mime_type, accept):
                raise failed(field, f"the server sent {mime_type} instead of {' or '.join(accept)}")
            if (response.content_length or 0) > most:
                raise too_large(field, most)
            sink = unless_finished.enter_context(Sink(into))
            await _store(response, sink, most, field)
        # After the last await: whoever is cancelled or timed out before has no file.
        return Fetched(into, sink.size, sink.finish(), mime_type, name, str(response.url))


async def read(
    egress: Egress, url: str, *, most: int, seconds: float, field: str, accept: tuple[str, ...] = ()
) -> Page:
    """The first `most` bytes of the page at the URL; what comes after them is left unread.

    `accept` is told to the server and not insisted on. Raises what `fetch` raises, but no
    `URL_TOO_LARGE`; a status other than 2xx is a `Refused`, which tells it.
    """
    async with _answer(egress, url, field, seconds, accept) as response:
        body = bytearray()
        async with contextlib.aclosing(blocks(response, field)) as pieces:
            async for piece in pieces:
                body += piece
                if len(body) >= most:
                    break
        return Page(bytes(body[:most]), _mime_type(response), _charset(response), str(response.url))


@contextlib.asynccontextmanager
async def _answer(
    egress: Egress, url: str, field: str, seconds: float, accept: tuple[str, ...]
) -> AsyncIterator[aiohttp.ClientResponse]:
    headers = {"Accept": ", ".join((*accept, "*/*;q=0.5"))}
    try:
        async with asyncio.timeout(seconds):
            for _ in range(REDIRECTS + 1):
                async with egress.request("GET", url, field, headers=headers) as response:
                    if response.status not in _MOVED:
                        if not 200 <= response.status < 300 or response.status == _PARTIAL:
                            raise Refused(field, response.status)
                        yield response
                        return
                    url = _next(response, field)
            raise failed(field, f"the server redirected more than {REDIRECTS} times")
    except TimeoutError:
        raise timed_out(field) from None


def _next(response: aiohttp.ClientResponse, field: str) -> str:
    try:
        place = response.url.join(URL(response.headers.get("Location", "")))
    except ValueError:
        raise failed(field, "the server redirected to what is not a valid URL") from None
    if response.url.scheme == "https" and place.scheme == "http":
        raise not_allowed(field, "the server redirected from https to http, where anybody could answer")
    return str(place)


async def _store(response: aiohttp.ClientResponse, sink: Sink, most: int, field: str) -> None:
    left = most
    waiting = bytearray()
    async with contextlib.aclosing(blocks(response, field)) as pieces:
        async for piece in pieces:
            left -= len(piece)
            if left < 0:
                raise too_large(field, most)
            waiting += piece
            if len(waiting) >= _WRITTEN_AT_ONCE:
                await asyncio.to_thread(sink.write, bytes(waiting))
                waiting.clear()
    await asyncio.to_thread(sink.write, bytes(waiting))


def _mime_type(response: aiohttp.ClientResponse) -> str:
    told = plain(response.headers.get("Content-Type", ""))
    return told if _TYPE.fullmatch(told) else UNKNOWN


def _accepted(mime_type: str, accept: tuple[str, ...]) -> bool:
    if not accept or mime_type in _SAYS_NOTHING:
        return True
    return any(kind in (mime_type, f"{mime_type.partition('/')[0]}/*") for kind in accept)


def _charset(response: aiohttp.ClientResponse) -> str:
    told = _CHARSET.search(response.headers.get("Content-Type", ""))
    return told[1].lower() if told else ""


def _name(url: str, response: aiohttp.ClientResponse) -> str:
    """What the server calls the file, else the end of the URL that was asked for, else of the last one."""
    asked = URL(url.strip(" ")).name
    for name in (_disposed(response), asked if "." in asked else "", response.url.name, asked):
        last = name.replace("\\", "/").rpartition("/")[2]
        shown = "".join(letter for letter in last if unicodedata.category(letter)[0] != "C").strip(" .")
        if shown:
            return shown[-_LONGEST_NAME:]
    return ""


def _disposed(response: aiohttp.ClientResponse) -> str:
    # By hand: the standard parser raises on what a hostile server can write here.
    header = response.headers.get("Content-Disposition", "")
    coded = _CODED_NAME.search(header)
    if coded:
        return unquote(coded[1])
    plain_name = _PLAIN_NAME.search(header)
    return (plain_name[1] or plain_name[2] or "") if plain_name else ""
