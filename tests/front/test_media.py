"""Files of the media stores: who may have them, as what they are served, and how they are fetched."""

import asyncio
import hashlib
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from yarl import URL

from tests.front.conftest import LINK_KEY, Answer, Stage, Staging
from wagateway import links
from wagateway.commands.internal import StartWorker
from wagateway.commands.messages import DownloadedMedia, FetchMedia, MediaFile
from wagateway.contract import Problem
from wagateway.settings import Secret
from wagateway.spec import device_folder
from wagateway.wire import device_key

CONTENT = b"0123456789" * 20_000
KEY = device_key("a")
JID = "628111@s.whatsapp.net"


class Kept(msgspec.Struct, frozen=True):
    """A file in the store of device `a`."""

    path: Path
    url: str


def keep(stage: Stage, content: bytes = CONTENT, extension: str = ".jpg") -> Kept:
    media_id = hashlib.sha256(content).hexdigest()
    path = device_folder(stage.settings.storage, "a") / "media" / media_id[:2] / media_id
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return Kept(path, f"/statics/media/{KEY}/{media_id}{extension}")


@pytest.fixture
async def kept(stage: Stage) -> Kept:
    stage.add("a", jid=JID)
    return keep(stage)


async def get(stage: Stage, url: str, method: str = "GET", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await stage.call(method, url, headers=named)


async def test_a_file_is_an_attachment_that_no_browser_runs(stage: Stage, kept: Kept) -> None:
    answer = await get(stage, kept.url)
    assert (200, CONTENT) == (answer.status, answer.raw)
    name = kept.url.rpartition("/")[2]
    expected = {
        "Content-Type": "image/jpeg",
        "Content-Length": str(len(CONTENT)),
        "Content-Disposition": f'attachment; filename="{name}"',
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Cache-Control": "private, max-age=31536000, immutable",
        "Accept-Ranges": "bytes",
        "Etag": f'"{name.partition(".")[0]}"',
    }
    assert expected == {name: answer.headers.get(name) for name in expected}
    assert [] == stage.asked


async def test_head_says_the_same_without_the_file(stage: Stage, kept: Kept) -> None:
    answer = await get(stage, kept.url, "HEAD", Range="bytes=0-1")
    assert (200, b"", str(len(CONTENT))) == (answer.status, answer.raw, answer.headers["Content-Length"])


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
async def test_files_are_only_read(stage: Stage, kept: Kept, method: str) -> None:
    answer = await get(stage, kept.url, method)
    assert (405, "GET, HEAD") == (answer.status, answer.headers["Allow"])


@pytest.mark.parametrize(
    ("asked", "first", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=5-9", 5, 10),
        ("bytes=5-", 5, 200_000),
        ("bytes=-7", 199_993, 200_000),
        ("bytes=-999999", 0, 200_000),
        ("bytes=199999-999999999999", 199_999, 200_000),
        ("bytes=100-149999", 100, 150_000),
    ],
)
async def test_a_range(stage: Stage, kept: Kept, asked: str, first: int, end: int) -> None:
    answer = await get(stage, kept.url, Range=asked)
    assert (206, CONTENT[first:end]) == (answer.status, answer.raw)
    assert f"bytes {first}-{end - 1}/200000" == answer.headers["Content-Range"]
    assert str(end - first) == answer.headers["Content-Length"]


@pytest.mark.parametrize("asked", ["bytes=200000-", "bytes=200000-200001", "bytes=-0", "bytes=999999999999-"])
async def test_a_range_that_is_not_there_is_416(stage: Stage, kept: Kept, asked: str) -> None:
    answer = await get(stage, kept.url, Range=asked)
    assert (416, "RANGE_NOT_SATISFIABLE") == (answer.status, answer.code)
    assert "bytes */200000" == answer.headers["Content-Range"]


@pytest.mark.parametrize(
    "asked",
    ["bytes=5-4", "bytes=-", "bytes=a-b", "bytes=0-1,5-6", "lines=0-1", "", "bytes=" + "9" * 99 + "-"],
)
async def test_a_range_that_is_none_is_ignored(stage: Stage, kept: Kept, asked: str) -> None:
    answer = await get(stage, kept.url, Range=asked)
    assert (200, len(CONTENT)) == (answer.status, len(answer.raw))


async def test_if_range_asks_for_all_when_the_file_is_another(stage: Stage, kept: Kept) -> None:
    tag = f'"{kept.path.name}"'
    assert 206 == (await get(stage, kept.url, Range="bytes=0-1", If_Range=tag)).status
    for other in ('"x"', f"W/{tag}", "Wed, 21 Oct 2015 07:28:00 GMT"):
        assert 200 == (await get(stage, kept.url, Range="bytes=0-1", If_Range=other)).status


async def test_who_has_it_is_told_so(stage: Stage, kept: Kept) -> None:
    tag = f'"{kept.path.name}"'
    for known in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        answer = await get(stage, kept.url, If_None_Match=known)
        assert (304, b"", tag) == (answer.status, answer.raw, answer.headers["Etag"])
    assert 200 == (await get(stage, kept.url, If_None_Match='"x"')).status


async def test_an_empty_file(stage: Stage) -> None:
    stage.add("a")
    url = keep(stage, b"").url
    assert (200, b"") == ((answer := await get(stage, url)).status, answer.raw)
    assert 416 == (await get(stage, url, Range="bytes=0-")).status


async def test_w28_the_extension_says_the_type_and_is_never_active(stage: Stage, kept: Kept) -> None:
    base = kept.url.removesuffix(".jpg")
    for extension, kind in ((".pdf", "application/pdf"), (".bin", "application/octet-stream")):
        assert kind == (await get(stage, base + extension)).headers["Content-Type"]
    for extension in (".html", ".svg", ".js", ".xml", ".exe", ".JPG", "", ".", ".jpg.html", ".jpg/"):
        assert 404 == (await get(stage, base + extension)).status


@pytest.mark.parametrize(
    "path",
    [
        "",
        KEY,
        f"{KEY}/",
        f"{KEY}/..%2f..%2fshard.db",
        f"{KEY}/../../shard.db",
        f"{KEY}/{'0' * 63}.jpg",
        f"{KEY}/{'A' * 64}.jpg",
        f"{KEY}/{'0' * 64}%00.jpg",
        f"{KEY}/{'0' * 64}.jpg%0a",
        f"../{KEY}/{'0' * 64}.jpg",
        f"{KEY}//{'0' * 64}.jpg",
        f"{'0' * 16}/{'0' * 64}.jpg",
        f"{KEY[:-1]}%30/{'0' * 64}.jpg",
        "%F0%9F%98%80",
    ],
)
async def test_nothing_else_is_there(stage: Stage, kept: Kept, path: str) -> None:
    answer = await get(stage, f"/statics/media/{path}")
    assert (404, "NOT_FOUND") == (answer.status, answer.code)
    assert [] == stage.asked


async def test_links_pipes_and_folders_are_not_followed(stage: Stage, kept: Kept) -> None:
    secret = kept.path.parent / "secret"
    kept.path.rename(secret)
    stage.answers["FetchMedia"] = gone
    kept.path.mkdir()
    assert 404 == (await get(stage, kept.url)).status
    kept.path.rmdir()
    os.mkfifo(kept.path)
    assert 404 == (await get(stage, kept.url)).status
    kept.path.unlink()
    kept.path.symlink_to(secret)
    assert 404 == (await get(stage, kept.url)).status


async def gone(_: object) -> MediaFile:
    raise Problem(404, "MEDIA_GONE", "WhatsApp has it no more")


async def test_a_removed_device_has_no_files(stage: Stage, kept: Kept) -> None:
    assert 200 == (await get(stage, kept.url)).status
    stage.remove("a")
    async with asyncio.timeout(5):
        while (answer := await get(stage, kept.url)).status == 200:
            pass  # the table is on its way
    assert (404, "NOT_FOUND") == (answer.status, answer.code)


async def test_a_missing_file_is_fetched_by_the_worker(stage: Stage, kept: Kept) -> None:
    elsewhere = kept.path.rename(kept.path.parent / "fetched")

    async def fetch(command: object) -> MediaFile:
        assert FetchMedia(media_id=kept.path.name) == command
        return MediaFile(str(elsewhere), len(CONTENT), "image/jpeg")

    stage.answers["FetchMedia"] = fetch
    assert (200, CONTENT) == ((answer := await get(stage, kept.url)).status, answer.raw)
    assert [
        ("supervisor", StartWorker(device_id="a", dials=False)),
        ("a", FetchMedia(media_id=kept.path.name)),
    ] == stage.asked


async def test_a_worker_that_has_it_no_more_is_heard(stage: Stage, kept: Kept) -> None:
    kept.path.unlink()
    stage.answers["FetchMedia"] = gone
    answer = await get(stage, kept.url)
    assert (404, "MEDIA_GONE") == (answer.status, answer.code)


async def test_a_fetched_file_that_is_not_there_is_404(stage: Stage, kept: Kept) -> None:
    kept.path.unlink()

    async def fetch(_: object) -> MediaFile:
        return MediaFile(str(kept.path), 1, "image/jpeg")

    stage.answers["FetchMedia"] = fetch
    assert (404, "NOT_FOUND") == ((answer := await get(stage, kept.url)).status, answer.code)


async def test_a_slow_fetch_is_504(staging: Staging) -> None:
    stage = await staging(request_timeout=0.1)
    stage.add("a", jid=JID, worker="running")
    kept = keep(stage)
    kept.path.unlink()

    async def never(_: object) -> MediaFile:
        await asyncio.Event().wait()
        raise AssertionError

    stage.answers["FetchMedia"] = never
    assert (504, "GATEWAY_TIMEOUT") == ((answer := await get(stage, kept.url)).status, answer.code)


async def test_a_device_that_was_never_linked_fetches_nothing(stage: Stage) -> None:
    stage.add("a")
    kept = keep(stage)
    kept.path.unlink()
    answer = await get(stage, kept.url)
    assert (401, "DEVICE_NOT_LOGGED_IN") == (answer.status, answer.code)


async def test_a_file_that_is_cut_short_breaks_the_connection(stage: Stage, kept: Kept) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.port, limit=1024)
    with kept.path.open("r+b") as file:
        file.truncate(200_000_000)
    writer.write(f"GET {kept.url} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    got = len(await reader.readexactly(1000))
    with kept.path.open("r+b") as file:
        file.truncate(1)
    async with asyncio.timeout(5):
        try:
            while chunk := await reader.read(65536):
                got += len(chunk)
        except ConnectionResetError:
            pass
    assert 200_000_000 > got
    writer.close()


async def test_a_reader_that_leaves_harms_nobody(stage: Stage, kept: Kept) -> None:
    with kept.path.open("r+b") as file:
        file.truncate(200_000_000)
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.port, limit=1024)
    writer.write(f"GET {kept.url} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    await reader.readexactly(1000)
    writer.transport.abort()
    assert 206 == (await get(stage, kept.url, Range="bytes=0-9")).status


CREDENTIALS = {"Authorization": "Basic bWU6cGFzcw=="}


@pytest.fixture
async def locked(staging: Staging) -> Stage:
    stage = await staging(basic_auth=[Secret("me:pass")], base_path="/wa")
    stage.add("a", jid=JID)
    return stage


def signed(path: str, seconds: float = 60, key: bytes = LINK_KEY) -> str:
    return f"{path}?{links.sign(key, path, int(time.time() + seconds))}"


async def test_w27_files_are_behind_authentication(locked: Stage) -> None:
    kept = keep(locked)
    assert (401, "UNAUTHORIZED") == ((answer := await get(locked, f"/wa{kept.url}")).status, answer.code)
    assert 200 == (await get(locked, f"/wa{kept.url}", **CREDENTIALS)).status
    assert 404 == (await get(locked, kept.url, **CREDENTIALS)).status


async def test_a_signed_link_needs_no_credentials(locked: Stage) -> None:
    url = signed(keep(locked).url)
    assert (200, CONTENT) == ((answer := await get(locked, f"/wa{url}")).status, answer.raw)
    assert 206 == (await get(locked, f"/wa{url}", Range="bytes=0-1")).status
    assert 200 == (await get(locked, f"/wa{url}", "HEAD")).status
    assert 405 == (await get(locked, f"/wa{url}", "POST")).status


async def test_a_late_link_is_403(locked: Stage) -> None:
    url = signed(keep(locked).url, -1)
    assert (403, "LINK_EXPIRED") == ((answer := await get(locked, f"/wa{url}")).status, answer.code)


async def test_a_tampered_link_is_403(locked: Stage) -> None:
    path = keep(locked).url
    good = signed(path)
    for bad in (
        good[:-1] + ("0" if good[-1] != "0" else "1"),
        good.replace("expires=", "expires=9"),
        good.replace(".jpg", ".pdf"),
        good.replace(KEY, "0" * 16),
        good.partition("&")[0],
        f"{path}?{good.partition('&')[2]}",
        f"{good}&expires=1",
        signed(path, key=b"another"),
        f"{path}?expires=&signature=",
        f"{path}?expires=%F0%9F%98%80&signature=%ff",
    ):
        answer = await get(locked, f"/wa{bad}")
        assert (403, "LINK_INVALID") == (answer.status, answer.code), bad


async def test_a_link_opens_nothing_else(locked: Stage) -> None:
    for path in ("/chats", "/devices", "/statics/qrcode/x"):
        assert 401 == (await get(locked, f"/wa{signed(path)}")).status


async def test_a_download_comes_with_a_link_that_works(locked: Stage) -> None:
    kept = keep(locked)
    locked.add("a", jid=JID, worker="running")

    async def download(_: object) -> DownloadedMedia:
        return DownloadedMedia("M1", "Media downloaded", "image", "x.jpg", kept.url, len(CONTENT))

    locked.answers["DownloadMessageMedia"] = download
    answer = await get(locked, "/wa/message/M1/download?phone=628123", **CREDENTIALS)
    got: dict[str, Any] = answer.body["result"]
    assert (200, "Media downloaded", kept.url) == (answer.status, answer.message, got["file_path"])
    link = URL(got["file_url"])
    assert f"http://127.0.0.1:{locked.port}/wa{kept.url}" == str(link.with_query(None))
    assert (200, CONTENT) == ((file := await get(locked, link.raw_path_qs)).status, file.raw)
    expires = datetime.fromisoformat(got["expires_at"])
    assert timedelta(minutes=59) < expires - datetime.now(UTC) <= timedelta(hours=1)
    assert expires.timestamp() == int(link.query["expires"])


async def test_the_link_leads_to_where_the_client_came(staging: Staging) -> None:
    stage = await staging(trusted_proxies=["127.0.0.0/8"])
    stage.add("a", jid=JID, worker="running")

    async def download(_: object) -> DownloadedMedia:
        return DownloadedMedia("M1", "", "image", "x.jpg", "/statics/media/x", 1)

    stage.answers["DownloadMessageMedia"] = download
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "wa.example.com"}
    answer = await get(stage, "/message/M1/download?phone=628123", **headers)
    assert answer.body["result"]["file_url"].startswith("https://wa.example.com/statics/media/x?expires=")
