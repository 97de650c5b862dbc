"""What a download makes of hosts that refuse, lie, stall and break off, and of files that are not right."""

import asyncio
import errno
import shutil
import stat
from collections import namedtuple
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
from aiohttp import web

from tests.workers.media import hosts
from tests.workers.media.conftest import encrypted
from tests.workers.media.hosts import Host
from workers.media import download
from workers.media.download import Failed, Sink, Source
from workers.media.way import Way
from workers.shard.media import MediaRow

MOST = 1_000_000
ROW, MADE = encrypted(b"picture" * 1000)


class Reach(msgspec.Struct):
    """A source with the host that it reaches."""

    host: Host
    source: Source
    path: Path

    async def failure(self, row: MediaRow = ROW, most: int = MOST) -> Failed:
        with pytest.raises(Failed) as caught:
            await self.source.download(row, self.path, most)
        return caught.value


@pytest.fixture
async def reach(tmp_path: Path) -> AsyncIterator[Reach]:
    async with hosts.host(tmp_path) as (host, network):
        with ThreadPoolExecutor(1) as executor:
            source = Source(Way(network), executor, 0.2)
            yield Reach(host, source, tmp_path / "part")
            await source.close()


async def test_whatsapp_is_asked_as_its_own_clients_ask(reach: Reach) -> None:
    await reach.failure()
    (request,) = reach.host.requests
    assert ["mmg.whatsapp.net:443"] == reach.host.tunnels
    assert "mmg.whatsapp.net" == request.host
    assert "/v/file" == request.path
    assert "https://web.whatsapp.com" == request.headers["Origin"]
    assert ["ccb", "hash", "mms-type", "__wa-mms"] == list(request.query)
    assert "image" == request.query["mms-type"]


@pytest.mark.parametrize(
    ("status", "fate"),
    [
        (403, "expired"),
        (404, "expired"),
        (410, "expired"),
        (400, "failed"),
        (301, "failed"),
        (206, "failed"),
        (429, "later"),
        (500, "later"),
        (503, "later"),
    ],
)
async def test_the_status_decides_whether_it_is_tried_again(reach: Reach, status: int, fate: str) -> None:
    reach.host.answer = hosts.body(b"", status, Location="https://elsewhere.example/")
    failure = await reach.failure()
    assert fate == failure.fate
    assert 1 == len(reach.host.requests)


async def test_whatsapp_may_ask_for_more_patience(reach: Reach) -> None:
    reach.host.answer = hosts.body(b"", 429, **{"Retry-After": "120"})
    assert 120.0 == (await reach.failure()).after


async def test_an_expired_link_says_that_nobody_can_be_asked_again(reach: Reach) -> None:
    assert "cannot ask" in (await reach.failure()).why


async def test_a_transfer_that_breaks_off_is_tried_again(reach: Reach) -> None:
    reach.host.answer = hosts.cut(MADE.ciphertext)
    assert "later" == (await reach.failure()).fate


async def test_a_silent_host_is_tried_again(reach: Reach) -> None:
    over = asyncio.Event()
    reach.host.answer = hosts.stuck(MADE.ciphertext, over)
    failure = await reach.failure()
    over.set()
    assert ("later", "WhatsApp did not answer in time") == (failure.fate, failure.why)


async def test_an_answer_that_is_not_http_is_tried_again(reach: Reach) -> None:
    reach.host.answer = hosts.garbage()
    assert "later" == (await reach.failure()).fate


async def test_a_proxy_that_refuses_is_tried_again(reach: Reach) -> None:
    reach.host.refusing = True
    assert "later" == (await reach.failure()).fate


async def test_another_certificate_is_not_trusted(reach: Reach, tmp_path: Path) -> None:
    hosts.tls(tmp_path)  # the client reads the new one, the host has the old one
    assert "later" == (await reach.failure()).fate
    assert [] == reach.host.requests


async def test_what_is_too_large_is_not_even_read(reach: Reach) -> None:
    reach.host.answer = hosts.body(MADE.ciphertext)
    failure = await reach.failure(most=100)
    assert "failed" == failure.fate
    assert not reach.path.exists()


async def test_an_answer_can_be_looked_at_without_reading_the_file(reach: Reach) -> None:
    reach.host.answer = hosts.body(MADE.ciphertext)
    assert await reach.source.has(ROW)
    reach.host.answer = hosts.not_found
    assert not await reach.source.has(ROW)
    reach.host.answer = hosts.body(b"", 500)
    with pytest.raises(Failed):
        await reach.source.has(ROW)


async def test_whoever_is_cancelled_leaves_no_thread_at_the_file(reach: Reach) -> None:
    over, begun = asyncio.Event(), asyncio.Event()
    stuck = hosts.stuck(MADE.ciphertext, over)

    async def answer(request: web.Request) -> web.StreamResponse:
        begun.set()
        return await stuck(request)

    reach.host.answer = answer
    task = asyncio.ensure_future(reach.source.download(ROW, reach.path, MOST))
    await asyncio.wait_for(begun.wait(), 5)
    task.cancel()
    over.set()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("//evil.example/x", "https://mmg.whatsapp.net//evil.example/x"),
        ("/@evil.example/", "https://mmg.whatsapp.net/@evil.example/"),
        ("/v/x", "https://mmg.whatsapp.net/v/x"),
        ("@evil.example/", None),
        (".evil.example/", None),
        (":1/", None),
        ("", None),
        ("/a b", None),
        ("/a\r\nHost: evil.example", None),
        ("/a#b", None),
        ("/ä", None),
        ("/" + "a" * 4096, None),
    ],
)
def test_a_hostile_path_leads_to_whatsapp_or_nowhere(path: str, expected: str | None) -> None:
    row = msgspec.structs.replace(ROW, direct_path=path)
    if expected is None:
        with pytest.raises(Failed):
            download._link(row)
    else:
        link = download._link(row)
        assert "mmg.whatsapp.net" == link.host
        assert expected == str(link).partition("?")[0]


def write(row: MediaRow, data: bytes, path: Path, most: int = MOST, step: int = 1000) -> bytes:
    sink = Sink(row, path, most, len(data))
    try:
        for at in range(0, len(data), step):
            sink.take(data[at : at + step])
        sink.finish()
    finally:
        sink.close()
    return path.read_bytes()


def test_a_file_is_decrypted_into_a_private_file(tmp_path: Path) -> None:
    path = tmp_path / "part"
    assert b"picture" * 1000 == write(ROW, MADE.ciphertext, path)
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)


def test_a_file_without_a_key_is_taken_as_it_is(tmp_path: Path) -> None:
    row = msgspec.structs.replace(ROW, media_key=b"", enc_sha256=b"")
    assert b"picture" * 1000 == write(row, b"picture" * 1000, tmp_path / "part")
    with pytest.raises(Failed):
        write(row, b"other", tmp_path / "other")


@pytest.mark.parametrize("wrong", ["id", "enc_sha256", "media_key", "content"])
def test_what_does_not_fit_the_message_is_refused_for_good(tmp_path: Path, wrong: str) -> None:
    row, data = ROW, MADE.ciphertext
    if wrong == "content":
        data = data[:-1] + bytes([data[-1] ^ 1])
    else:
        other = {"id": "0" * 64, "enc_sha256": b"0" * 32, "media_key": b"0" * 32}
        row = msgspec.structs.replace(ROW, **{wrong: other[wrong]})
    with pytest.raises(Failed) as caught:
        write(row, data, tmp_path / "part")
    assert "failed" == caught.value.fate


def test_a_file_without_an_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="larger than"):
        write(ROW, MADE.ciphertext, tmp_path / "part", most=5000)


def test_a_full_disk_is_no_fault_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "free")  # noqa: PYI024
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(download._RESERVE))
    with pytest.raises(Failed) as caught:
        write(ROW, MADE.ciphertext, tmp_path / "part")
    assert "full" == caught.value.fate
    assert not (tmp_path / "part").exists()


@pytest.mark.parametrize(("number", "fate"), [(errno.ENOSPC, "full"), (errno.EIO, "disk")])
def test_a_disk_that_fails_on_the_way_is_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, fate: str
) -> None:
    def fsync(descriptor: int) -> None:
        raise OSError(number, "no")

    monkeypatch.setattr(download.os, "fsync", fsync)
    with pytest.raises(Failed) as caught:
        write(ROW, MADE.ciphertext, tmp_path / "part")
    assert fate == caught.value.fate
