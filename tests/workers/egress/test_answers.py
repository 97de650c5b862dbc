"""Bad answers and limits end in a named problem and leave no file."""

import asyncio
import contextlib
import errno
import gzip
import os
from pathlib import Path
from typing import Any

import pytest

from tests.workers.egress.conftest import BODY, Site, answer, egress, get, page, refused
from wagateway.contract import Problem
from workers.egress import Egress, Refused
from workers.egress.egress import Patience


@pytest.mark.parametrize("status", ["206 Partial", "304 x", "400 x", "404 x", "500 x", "503 x", "999 x"])
async def test_a_status_without_a_file_is_refused(
    server: Site, reach: Egress, into: Path, status: str
) -> None:
    server.answers["/"] = answer(b"", status)
    with refused("URL_FETCH_FAILED", "HTTP ", into):
        await get(reach, server.url(), into)


async def test_the_status_of_a_refusal_is_told(server: Site, reach: Egress) -> None:
    server.answers["/"] = answer(b"", "429 x")
    with pytest.raises(Refused) as caught:
        await page(reach, server.url())
    assert 429 == caught.value.answered


async def test_another_type_than_asked_for_is_refused(server: Site, reach: Egress, into: Path) -> None:
    server.answers["/"] = answer(b"<html>", Content_Type="text/html")
    with refused("URL_FETCH_FAILED", "sent text/html instead of image/* or application/pdf", into):
        await get(reach, server.url(), into, accept=("image/*", "application/pdf"))
    assert "Accept: image/*, application/pdf, */*;q=0.5" in server.asked[0]


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabcde",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"HTTP/1.1 200 OK\r\nNo colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 40_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 " + b"a" * 10_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n",
        answer(b"abc", Content_Encoding="br"),
        answer(gzip.compress(b"abc", mtime=0), Content_Encoding="gzip, gzip"),
        answer(b"not gzip at all", Content_Encoding="gzip"),
        answer(gzip.compress(BODY)[:-20], Content_Encoding="gzip"),
        answer(b"", Content_Encoding="gzip"),
    ],
)
async def test_a_broken_answer_is_a_failed_fetch_and_leaves_no_file(
    server: Site, reach: Egress, into: Path, broken: bytes
) -> None:
    server.answers["/"] = broken
    with refused("URL_FETCH_FAILED", "", into):
        await get(reach, server.url(), into)


async def test_endless_headers_are_cut_off(server: Site, reach: Egress, into: Path) -> None:
    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"X-More: and more\r\n" * 1000)
            await writer.drain()

    server.answers["/"] = endless
    with refused("URL_FETCH_FAILED", "cannot be read", into):
        await get(reach, server.url(), into)
    await asyncio.wait_for(server.ended.wait(), 5)


async def test_endless_interim_answers_end_with_the_time(server: Site, reach: Egress, into: Path) -> None:
    async def endless(writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)
            await writer.drain()

    server.answers["/"] = endless
    with refused("URL_TIMEOUT", "in time", into):
        await get(reach, server.url(), into, seconds=0.1)


async def test_a_length_beyond_the_limit_is_refused_at_once(server: Site, reach: Egress, into: Path) -> None:
    async def announced(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n")
        await writer.drain()
        await asyncio.Event().wait()

    server.answers["/"] = announced
    with refused("URL_TOO_LARGE", "larger than 1,000 bytes", into):
        await get(reach, server.url(), into, most=1000)


async def test_a_body_beyond_the_limit_is_cut_off_without_a_length(
    server: Site, reach: Egress, into: Path
) -> None:
    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(BODY)
            await writer.drain()

    server.answers["/"] = endless
    with refused("URL_TOO_LARGE", "larger than 1,000,000 bytes", into):
        await get(reach, server.url(), into)
    await asyncio.wait_for(server.ended.wait(), 5)


async def test_a_file_of_exactly_the_limit_is_taken(server: Site, reach: Egress, into: Path) -> None:
    server.answers["/"] = answer(BODY)
    assert len(BODY) == (await get(reach, server.url(), into, most=len(BODY))).size


async def test_a_bomb_is_refused_by_what_it_unpacks_to(server: Site, reach: Egress, into: Path) -> None:
    server.answers["/"] = answer(gzip.compress(bytes(50_000_000)), Content_Encoding="gzip")
    with refused("URL_TOO_LARGE", "larger than 1,000,000 bytes", into):
        await get(reach, server.url(), into)


async def test_a_page_that_is_a_bomb_is_read_as_far_as_wanted(server: Site, reach: Egress) -> None:
    server.answers["/"] = answer(gzip.compress(bytes(50_000_000)), Content_Encoding="gzip")
    assert 1000 == len((await page(reach, server.url())).body)


async def test_a_slow_body_is_a_timeout(server: Site, reach: Egress, into: Path) -> None:
    async def slow(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        tick = asyncio.Event()
        while True:  # always something, so that only the time in all can end it
            writer.write(b"x")
            await writer.drain()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(tick.wait(), 0.01)

    server.answers["/"] = slow
    with refused("URL_TIMEOUT", "in time", into):
        await get(reach, server.url(), into, seconds=0.15)
    await asyncio.wait_for(server.ended.wait(), 5)


@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"])
async def test_a_silent_server_is_a_timeout(server: Site, into: Path, begun: bytes) -> None:
    async def silent(writer: asyncio.StreamWriter) -> None:
        writer.write(begun)
        await writer.drain()
        await asyncio.Event().wait()

    server.answers["/"] = silent
    async with egress(server, patience=Patience(idle=0.05)) as reach:
        with refused("URL_TIMEOUT", "in time", into):
            await get(reach, server.url(), into)


async def test_a_fetch_that_is_cancelled_leaves_no_file(server: Site, reach: Egress, into: Path) -> None:
    begun = asyncio.Event()

    async def half(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n" + BODY * 3)
        await writer.drain()
        begun.set()
        await asyncio.Event().wait()

    server.answers["/"] = half
    task = asyncio.create_task(get(reach, server.url(), into, most=10_000_000))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [] == list(into.parent.iterdir())


@pytest.mark.parametrize(
    ("number", "status", "code"),
    [
        (errno.ENOSPC, 507, "STORAGE_FULL"),
        (errno.EDQUOT, 507, "STORAGE_FULL"),
        (errno.EIO, 503, "STORAGE_FAILED"),
    ],
)
async def test_a_disk_that_takes_no_more_leaves_no_file(
    server: Site,
    reach: Egress,
    into: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    status: int,
    code: str,
) -> None:
    def full(file: int, data: Any) -> int:
        raise OSError(number, os.strerror(number))

    server.answers["/"] = answer(BODY)
    monkeypatch.setattr("workers.egress.sink.os.write", full)
    with pytest.raises(Problem) as caught:
        await get(reach, server.url(), into)
    monkeypatch.undo()
    assert (status, code) == (caught.value.status, caught.value.code)
    assert not into.exists()


async def test_a_file_that_is_there_is_not_touched(server: Site, reach: Egress, into: Path) -> None:
    server.answers["/"] = answer(b"x")
    into.write_text("mine")
    with pytest.raises(FileExistsError):
        await get(reach, server.url(), into)
    assert "mine" == into.read_text()
