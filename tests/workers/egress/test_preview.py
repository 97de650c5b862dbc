"""A link's page and picture become its preview; a link that does not answer has none."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.workers.egress.conftest import Site, answer, egress, moved, refused, site
from wagateway.contract import Problem
from workers.egress import Egress
from workers.preview import Preview, preview

PAGE = b"<title>Title</title><meta name=description content=Words><meta property=og:image content=/p.jpg>"
JPEG = b"\xff\xd8 a picture"
AT_ONCE = (0.0, 0.0)


@pytest.fixture
async def blog() -> AsyncIterator[Site]:
    """A page with a picture."""
    async with site() as made:
        made.answers["/post"] = answer(PAGE, Content_Type="text/html; charset=utf-8")
        made.answers["/p.jpg"] = answer(JPEG, Content_Type="image/jpeg")
        yield made


@pytest.fixture
async def to_blog(blog: Site) -> AsyncIterator[Egress]:
    async with egress(blog) as made:
        yield made


async def test_a_page_has_texts_and_a_picture(blog: Site, to_blog: Egress, tmp_path: Path) -> None:
    got = await preview(to_blog, blog.url("/post"), tmp_path)
    assert got.image is not None
    assert Preview("Title", "Words", blog.url("/post"), got.image) == got
    assert JPEG == got.image.read_bytes()
    assert [got.image] == list(tmp_path.iterdir())


async def test_a_link_that_moved_is_followed(blog: Site, to_blog: Egress, tmp_path: Path) -> None:
    blog.answers["/short"] = moved("/post")
    got = await preview(to_blog, blog.url("/short"), tmp_path)
    assert ("Title", blog.url("/post")) == (got.title, got.canonical)


@pytest.mark.parametrize("status", [403, 408, 429, 502, 503, 504])
async def test_a_busy_server_is_asked_three_times(
    blog: Site, to_blog: Egress, tmp_path: Path, status: int
) -> None:
    busy = answer(status=f"{status} x")
    blog.answers["/post"] = [busy, busy, answer(PAGE, Content_Type="text/html")]
    assert "Title" == (await preview(to_blog, blog.url("/post"), tmp_path, waits=AT_ONCE)).title


async def test_a_server_that_stays_busy_has_failed(blog: Site, to_blog: Egress, tmp_path: Path) -> None:
    blog.answers["/post"] = answer(status="503 x")
    with refused("URL_FETCH_FAILED", "HTTP 503"):
        await preview(to_blog, blog.url("/post"), tmp_path, waits=AT_ONCE)
    assert 3 == len(blog.asked)


async def test_a_missing_page_is_asked_for_once(blog: Site, to_blog: Egress, tmp_path: Path) -> None:
    blog.answers["/post"] = answer(status="404 x")
    with refused("URL_FETCH_FAILED", "HTTP 404"):
        await preview(to_blog, blog.url("/post"), tmp_path, waits=AT_ONCE)
    assert 1 == len(blog.asked)


async def test_no_try_begins_after_the_time_is_up(blog: Site, to_blog: Egress, tmp_path: Path) -> None:
    blog.answers["/post"] = answer(status="503 x")
    with refused("URL_FETCH_FAILED", "HTTP 503"):
        await preview(to_blog, blog.url("/post"), tmp_path, seconds=5, waits=(10.0,))


async def test_a_refused_link_is_not_allowed(to_blog: Egress, tmp_path: Path) -> None:
    with pytest.raises(Problem, match="link: the address is link-local"):
        await preview(to_blog, "http://169.254.169.254/latest/meta-data", tmp_path)


async def test_a_silent_server_is_a_timeout(blog: Site, to_blog: Egress, tmp_path: Path) -> None:
    async def silent(writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    blog.answers["/post"] = silent
    with refused("URL_TIMEOUT", "in time"):
        await preview(to_blog, blog.url("/post"), tmp_path, seconds=0.1)


@pytest.mark.parametrize(
    "picture",
    [
        answer(status="404 x"),
        answer(b"<html>", Content_Type="text/html"),
        answer(bytes(5_000_001), Content_Type="image/png"),
        b"",
        moved("http://169.254.169.254/p.jpg"),
        moved("file:///etc/passwd"),
    ],
    ids=["missing", "page", "large", "nothing", "metadata", "file"],
)
async def test_a_bad_picture_is_no_picture(
    blog: Site, to_blog: Egress, tmp_path: Path, picture: bytes
) -> None:
    blog.answers["/p.jpg"] = picture
    assert Preview("Title", "Words", blog.url("/post"), None) == await preview(
        to_blog, blog.url("/post"), tmp_path
    )
    assert [] == list(tmp_path.iterdir())


async def test_a_slow_picture_is_no_picture(blog: Site, to_blog: Egress, tmp_path: Path) -> None:
    async def silent(writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    blog.answers["/p.jpg"] = silent
    assert (await preview(to_blog, blog.url("/post"), tmp_path, seconds=0.55)).image is None


async def test_what_is_no_page_has_no_texts(blog: Site, to_blog: Egress, tmp_path: Path) -> None:
    blog.answers["/post"] = answer(PAGE, Content_Type="application/pdf")
    assert Preview("", "", blog.url("/post"), None) == await preview(to_blog, blog.url("/post"), tmp_path)


async def test_a_page_is_read_for_a_mebibyte_and_no_further(
    blog: Site, to_blog: Egress, tmp_path: Path
) -> None:
    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<title>Title</title>")
        while True:
            writer.write(b" " * 65536)
            await writer.drain()

    blog.answers["/post"] = endless
    assert "Title" == (await preview(to_blog, blog.url("/post"), tmp_path)).title
