"""The preview of a link: what its page says of itself, and the page's picture."""

import asyncio
import secrets
from pathlib import Path

import msgspec

from wagateway.contract import Problem
from wagateway.media_types import UNKNOWN
from workers.egress import Egress, Page, Refused, fetch, read
from workers.webpage import Webpage, read_webpage

SECONDS = 15.0  # as the real server has it
WAITS = (0.3, 1.0)
"""Seconds before another try."""

_RETRIED = (403, 408, 429, 502, 503, 504)
_MOST_PAGE = 1 << 20
_MOST_IMAGE = 5_000_000
_HTML = ("text/html", "application/xhtml+xml")
_LEFT_FOR_IMAGE = 0.5


class Preview(msgspec.Struct, frozen=True):
    """Texts are "" where the page has none; `canonical` is where the page says it is, or where it was found.

    `image` is a new file, as the server sent it and the caller's to remove; None for no picture.
    """

    title: str
    description: str
    canonical: str
    image: Path | None


async def preview(
    egress: Egress,
    link: str,
    folder: Path,
    *,
    seconds: float = SECONDS,
    waits: tuple[float, ...] = WAITS,
) -> Preview:
    """Fetch the page, and its picture into `folder`, within so many seconds in all.

    A link that is refused or does not answer raises the `Problem` of `egress.read` for the field `link`.
    A picture that cannot be had does not: the page has none then. What is no web page has no texts.
    """
    clock = asyncio.get_running_loop().time
    deadline = clock() + seconds
    page = await _page(egress, link, deadline, waits)
    if page.mime_type in (*_HTML, UNKNOWN):
        said = await asyncio.to_thread(read_webpage, page.body, page.charset, page.url)
    else:
        said = Webpage(title="", description="", image="", canonical=page.url)
    left = deadline - clock()
    image = await _picture(egress, said.image, folder, left) if left > _LEFT_FOR_IMAGE else None
    return Preview(said.title, said.description, said.canonical, image)


async def _page(egress: Egress, link: str, deadline: float, waits: tuple[float, ...]) -> Page:
    clock = asyncio.get_running_loop().time
    for wait in waits:
        try:
            return await _read(egress, link, deadline - clock())
        except Refused as refused:
            if refused.answered not in _RETRIED or clock() + wait >= deadline:
                raise
        await asyncio.sleep(wait)
    return await _read(egress, link, deadline - clock())


async def _read(egress: Egress, link: str, seconds: float) -> Page:
    return await read(egress, link, most=_MOST_PAGE, seconds=seconds, field="link", accept=_HTML)


async def _picture(egress: Egress, url: str, folder: Path, seconds: float) -> Path | None:
    if not url:
        return None
    into = folder / secrets.token_hex(16)
    try:
        got = await fetch(
            egress, url, into, most=_MOST_IMAGE, seconds=seconds, field="link", accept=("image/*",)
        )
    except Problem:  # a page without its picture is worth sending, whatever kept the picture away
        return None
    return got.path
