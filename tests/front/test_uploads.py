"""Files that come with a form: where they go, what is refused, and that nothing of them stays."""

import asyncio
import errno
import hashlib
import io
import os
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.front.conftest import Answer, Stage, Staging
from wagateway.commands.sending import MAX_FILE, MessageSent, SendFile, SendImage
from wagateway.contract import Command, Problem, Upload
from wagateway.front import uploads
from wagateway.front.forms import TEXT_LIMIT, UPLOAD_LIMIT
from wagateway.front.multipart import Multipart
from wagateway.front.serving import Pieces
from wagateway.settings import Secret

PHONE = "628123"
NOT_UPLOADED = "must be an uploaded file (multipart/form-data)."


class Worker:
    """Takes what it is sent: the commands, and what their files hold at that moment."""

    def __init__(self, stage: Stage) -> None:
        self.commands: list[Any] = []
        self.contents: list[bytes] = []
        self.claims = False
        stage.add("a", jid="1@s.whatsapp.net", worker="running")
        for name in ("SendFile", "SendImage"):
            stage.answers[name] = self

    async def __call__(self, command: Command[Any]) -> MessageSent:
        assert isinstance(command, SendFile | SendImage)
        file = command.file if isinstance(command, SendFile) else command.image
        self.commands.append(command)
        if file is not None:
            path = Path(file.path)
            assert 0o600 == path.stat().st_mode & 0o777
            self.contents.append(path.read_bytes())
            if self.claims:
                path.rename(path.parent.parent / "claimed")
        return MessageSent("3EB0", "sent")


@pytest.fixture
async def worker(stage: Stage) -> Worker:
    return Worker(stage)


def spool(stage: Stage) -> list[Path]:
    return list((stage.settings.storage / "spool").iterdir())


def form(content: bytes = b"hello", name: str = "notes.txt", field: str = "file", **texts: str) -> Any:
    data = aiohttp.FormData(default_to_multipart=True, quote_fields=False)
    data.add_field(field, io.BytesIO(content), filename=name, content_type="text/plain; charset=x")
    for key, value in {"phone": PHONE, **texts}.items():
        data.add_field(key, value)
    return data


async def send(stage: Stage, data: Any = None, path: str = "/send/file", **options: Any) -> Answer:
    return await stage.call("POST", path, "a", data=data, **options)


def expect_invalid(stage: Stage, answer: Answer, message: str) -> None:
    assert (400, "VALIDATION_ERROR", message) == (answer.status, answer.code, answer.message)
    assert [] == stage.asked
    assert [] == spool(stage)


async def test_the_worker_gets_the_file_and_nothing_is_left_of_it(stage: Stage, worker: Worker) -> None:
    content = os.urandom(3_000_000)
    answer = await send(stage, form(content, "C:\\x\\holiday.jpg", "image", caption="sea"), "/send/image")
    assert 200 == answer.status, answer.raw
    (command,) = worker.commands
    assert (PHONE, "sea") == (command.phone, command.caption)
    upload = command.image
    digest = hashlib.sha256(content).hexdigest()
    assert Upload(upload.path, len(content), digest, "holiday.jpg", "text/plain") == upload
    assert stage.settings.storage / "spool" == Path(upload.path).parent
    assert [content] == worker.contents
    assert [] == spool(stage)


async def test_a_file_that_the_worker_took_stays_with_it(stage: Stage, worker: Worker) -> None:
    worker.claims = True
    assert 200 == (await send(stage, form())).status
    assert b"hello" == (stage.settings.storage / "claimed").read_bytes()


async def test_the_file_may_come_last(stage: Stage, worker: Worker) -> None:
    data = aiohttp.FormData({"phone": PHONE, "caption": "x", "is_forwarded": "on"}, default_to_multipart=True)
    data.add_field("file", b"hello", filename="x")
    assert 200 == (await send(stage, data)).status
    assert [b"hello"] == worker.contents
    assert worker.commands[0].is_forwarded


async def test_the_spool_is_private_and_empty_at_the_start(staging: Staging, stage: Stage) -> None:
    folder = stage.settings.storage / "spool"
    (folder / ("0" * 32)).write_bytes(b"left by a crash")
    again = await staging()
    assert (0o700, []) == (folder.stat().st_mode & 0o777, spool(again))


async def test_an_empty_file_input_is_no_file(stage: Stage, worker: Worker) -> None:
    assert 200 == (await send(stage, form(b"", "", file_url="http://x/y"))).status
    assert (None, "http://x/y") == (worker.commands[0].file, worker.commands[0].file_url)


async def test_a_blank_text_is_no_file(stage: Stage, worker: Worker) -> None:
    for options in ({"json": {"phone": PHONE, "file": ""}}, {"data": {"phone": PHONE, "file": ""}}):
        assert 200 == (await stage.call("POST", "/send/file", "a", **options)).status
    data = aiohttp.FormData({"phone": PHONE, "file": ""}, default_to_multipart=True)
    assert 200 == (await send(stage, data)).status
    assert [None] * 3 == [command.file for command in worker.commands]


async def test_an_empty_file_is_refused(stage: Stage) -> None:
    stage.add("a", jid="1@s.whatsapp.net", worker="running")
    expect_invalid(stage, await send(stage, form(b"")), "file: the file is empty.")


FORGED = {"path": "/etc/passwd", "size": 1, "sha256": "0" * 64}


@pytest.mark.parametrize("value", [FORGED, "/etc/passwd", ["x"], 7, True])
async def test_json_cannot_name_a_file(stage: Stage, worker: Worker, value: object) -> None:
    answer = await stage.call("POST", "/send/file", "a", json={"phone": PHONE, "file": value})
    expect_invalid(stage, answer, f"file: {NOT_UPLOADED}")


async def test_no_text_can_name_a_file(stage: Stage, worker: Worker) -> None:
    texts = {"phone": PHONE, "file": "/etc/passwd"}
    expect_invalid(stage, await send(stage, texts), f"file: {NOT_UPLOADED}")
    data = aiohttp.FormData(texts, default_to_multipart=True)
    expect_invalid(stage, await send(stage, data), f"file: {NOT_UPLOADED}")
    answer = await send(stage, form(), "/send/file?file=/etc/passwd")
    expect_invalid(stage, answer, f"file: {NOT_UPLOADED}")


async def test_a_file_for_a_text_and_two_for_one_field_are_refused(stage: Stage, worker: Worker) -> None:
    expect_invalid(stage, await send(stage, form(field="caption")), "caption: must not be a file.")
    twice = form()
    twice.add_field("file", b"again", filename="x")
    expect_invalid(stage, await send(stage, twice), "file: must be given once.")
    answer = await send(stage, form(field="surprise"))
    expect_invalid(stage, answer, "surprise: is not a field of this request.")


async def test_too_large_a_file_is_refused_when_all_of_it_was_read(stage: Stage, worker: Worker) -> None:
    answer = await send(stage, form(b"x" * (MAX_FILE + 1)))
    expect_invalid(stage, answer, "file: max file size is 50 MB.")
    assert "Connection" not in answer.headers


async def took(folder: Path, size: int, most: int) -> Upload | None:
    body = [part(NAMED, b"x" * size) + b"--x--"]

    async def more() -> bytes:
        return body.pop()

    form = Multipart("multipart/form-data; boundary=x", more)
    with uploads.Spool(folder) as spool:
        async with uploads.Spooled(spool) as spooled:
            named = await form.next()
            assert named is not None
            return await spooled.take(form, named, "file", most)


async def test_a_file_of_exactly_the_most_bytes_is_taken(tmp_path: Path) -> None:
    upload = await took(tmp_path, 1_000_000, 1_000_000)
    assert upload is not None
    assert 1_000_000 == upload.size
    with pytest.raises(Problem, match="file: max file size is 1 MB"):
        await took(tmp_path, 1_000_001, 1_000_000)
    assert [] == list(tmp_path.iterdir())


async def test_too_large_a_body_is_413_before_it_is_read(stage: Stage, worker: Worker) -> None:
    head = "POST /send/file HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=x\r\n"
    head += f"Content-Length: {UPLOAD_LIMIT + 1}\r\nExpect: 100-continue\r\n\r\n"
    assert (await status_line(stage, head.encode())).startswith(b"HTTP/1.1 413 ")


async def test_an_endless_body_is_413(stage: Stage, worker: Worker) -> None:
    async def endless() -> Any:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'
        while True:
            yield b"x" * 2**20

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = await send(stage, endless(), headers=headers)
    assert (413, "PAYLOAD_TOO_LARGE") == (answer.status, answer.code)
    assert [] == spool(stage)


async def test_texts_are_small_even_beside_a_file(stage: Stage, worker: Worker) -> None:
    answer = await send(stage, form(caption="x" * (TEXT_LIMIT // 2), file_url="y" * (TEXT_LIMIT // 2)))
    assert (413, "PAYLOAD_TOO_LARGE") == (answer.status, answer.code)
    assert [] == spool(stage)


async def test_only_forms_with_files_may_be_large(stage: Stage, worker: Worker) -> None:
    large = b'{"caption":"' + b"x" * TEXT_LIMIT + b'"}'
    for kind in ("application/json", "application/x-www-form-urlencoded"):
        assert 413 == (await send(stage, io.BytesIO(large), headers={"Content-Type": kind})).status
    answer = await send(stage, form(b"x" * TEXT_LIMIT, message="x"), "/send/message")
    assert (413, "PAYLOAD_TOO_LARGE") == (answer.status, answer.code)


async def test_a_full_disk_is_507(stage: Stage, worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int, data: object) -> int:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(uploads.os, "write", full)
    answer = await send(stage, form(b"x" * 1_000_000))
    assert (507, "STORAGE_FULL") == (answer.status, answer.code)
    assert ([], []) == (stage.asked, spool(stage))


async def test_a_refusing_or_dying_worker_leaves_no_file(stage: Stage) -> None:
    stage.add("a", jid="1@s.whatsapp.net", worker="running")
    assert 418 == (await send(stage, form())).status
    assert [] == spool(stage)

    async def refuse(_: Command[Any]) -> object:
        stage.kill_worker("a")
        raise Problem(500, "X", "never answered")

    stage.answers["SendFile"] = refuse
    assert 503 == (await send(stage, form())).status
    assert [] == spool(stage)


async def status_line(stage: Stage, data: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
    writer.write(data)
    try:
        async with asyncio.timeout(10):
            return (await reader.readuntil(b"\r\n")).rstrip()
    finally:
        writer.close()


HEAD = (
    b"POST /send/file HTTP/1.1\r\nHost: x\r\nX-Device-Id: a\r\nContent-Length: 1000\r\n"
    b"Content-Type: multipart/form-data; boundary=x\r\n\r\n"
)
FILE = b'--x\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n' + b"y" * 100


async def test_a_client_that_goes_away_leaves_no_file(stage: Stage, worker: Worker) -> None:
    removed = asyncio.Event()
    loop, remove = asyncio.get_running_loop(), uploads._remove

    def removing(files: Any) -> None:
        remove(files)
        loop.call_soon_threadsafe(removed.set)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(uploads, "_remove", removing)
        _, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        writer.write(HEAD + FILE)
        async with asyncio.timeout(5):
            while not spool(stage):
                assert 200 == (await stage.call("GET", "/app/info")).status
            writer.close()
            await removed.wait()
    assert ([], []) == (stage.asked, spool(stage))


async def test_a_front_that_stops_leaves_no_file(stage: Stage, worker: Worker) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
    writer.write(HEAD + FILE)
    async with asyncio.timeout(5):
        while not spool(stage):
            assert 200 == (await stage.call("GET", "/app/info")).status
    await stage.drain(patience=0.05)
    assert b"HTTP/1.1 503 Service Unavailable\r\n" == await reader.readline()
    assert ([], []) == (stage.asked, spool(stage))
    writer.close()


async def test_a_client_that_stops_in_the_middle_is_408(staging: Staging) -> None:
    stage = await staging(body_seconds=0.1)
    stage.add("a", jid="1@s.whatsapp.net", worker="running")
    assert b"HTTP/1.1 408 Request Timeout" == await status_line(stage, HEAD + FILE)
    assert [] == spool(stage)


async def test_w33_a_client_that_never_ends_is_408(staging: Staging) -> None:
    stage = await staging(body_seconds=0.2)
    stage.add("a", jid="1@s.whatsapp.net", worker="running")
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
    writer.write(HEAD + FILE)
    answering = asyncio.create_task(reader.readuntil(b"\r\n"))
    while not answering.done():
        writer.write(b"y")
        await asyncio.wait({answering}, timeout=0.02)
    assert b"HTTP/1.1 408" == answering.result()[:12]
    writer.close()


async def test_w33_strangers_and_unknown_devices_are_refused_before_the_body(staging: Staging) -> None:
    stage = await staging(basic_auth=[Secret("me:pass")])
    expect = HEAD.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n")
    assert b"HTTP/1.1 401 Unauthorized" == await status_line(stage, expect)
    known = expect.replace(b"Host: x", b"Host: x\r\nAuthorization: Basic bWU6cGFzcw==")
    assert b"HTTP/1.1 404 Not Found" == await status_line(stage, known)


async def test_a_client_that_waits_to_be_asked_is_asked(stage: Stage, worker: Worker) -> None:
    body = FILE + b'\r\n--x\r\nContent-Disposition: form-data; name="phone"\r\n\r\n628123\r\n--x--'
    head = HEAD.replace(b"1000", str(len(body)).encode())
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
    writer.write(head.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"))
    async with asyncio.timeout(5):
        assert b"HTTP/1.1 100 Continue\r\n\r\n" == await reader.readuntil(b"\r\n\r\n")
        writer.write(body)
        assert (await reader.read()).startswith(b"HTTP/1.1 200")
    writer.close()
    assert [b"y" * 100] == worker.contents


def part(head: bytes, content: bytes = b"hi") -> bytes:
    return b"--x\r\n" + head + b"\r\n\r\n" + content + b"\r\n"


NAMED = b'Content-Disposition: form-data; name="file"; filename="x"'


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n" * 2_000_000,
        b"x" * 2_000_000,
        part(b"X: " + b"y" * 500_000),
        part(b"X" * 500_000),
        part(NAMED + b"\r\nContent-Type: multipart/mixed; boundary=x"),
        part(NAMED + b"\r\nContent-Transfer-Encoding: base64"),
        part(NAMED),
        part(b'Content-Disposition: form-data; name="phone"') * 5000 + b"--x--",
        part(b'Content-Disposition: form-data; name="phone"', b"\xff") + b"--x--",
        part(
            b'Content-Type: text/plain; charset=zip\r\nContent-Disposition: form-data; name="phone"', b"\xff"
        ),
        part(b'Content-Disposition: form-data; name="_charset_"', b"zip") + b"--x--",
        part(NAMED.replace(b'"x"', b'"' + b"n" * 9000 + b'"')) + b"--x--",
        part(NAMED + b"; filename*=bogus''%ff") + b"--x--",
        part(NAMED * 100) + b"--x--",
    ],
)
async def test_a_hostile_body_is_400_and_harms_nobody(stage: Stage, worker: Worker, body: bytes) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = await send(stage, io.BytesIO(body), headers=headers)
    assert 400 == answer.status, answer.raw
    assert ([], []) == (stage.asked, spool(stage))
    assert 200 == (await send(stage, form())).status


@pytest.mark.parametrize("kind", ["", "; boundary=", '; boundary="', "; boundary=" + "x" * 99])
async def test_no_boundary_is_400(stage: Stage, worker: Worker, kind: str) -> None:
    answer = await send(stage, FILE, headers={"Content-Type": "multipart/form-data" + kind})
    assert (400, "BAD_REQUEST") == (answer.status, answer.code)


async def test_a_broken_transfer_encoding_is_400(stage: Stage, worker: Worker) -> None:
    head = HEAD.replace(b"Content-Length: 1000", b"Transfer-Encoding: chunked")
    got = await status_line(stage, head + f"{len(FILE):x}\r\n".encode() + FILE + b"\r\nnonsense\r\n")
    assert b"400" == got.split()[1]
    assert [] == spool(stage)


async def test_many_uploads_at_once_are_told_apart(stage: Stage, worker: Worker) -> None:
    contents = {os.urandom(100_000) for _ in range(32)}
    answers = await asyncio.gather(*(send(stage, form(content)) for content in contents))
    assert {200} == {answer.status for answer in answers}
    assert contents == set(worker.contents)
    assert [] == spool(stage)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("a.png", "a.png"),
        ("/etc/passwd", "passwd"),
        ("..\\..\\a.png", "a.png"),
        ("..", ""),
        ("a/", ""),
        ("a\x00\r\n\x1b.png", "a.png"),
        ("\u202eé😀.png", "\u202eé😀.png"),
        ("x" * 300, "x" * 255),
    ],
)
def test_names_of_files(given: str, kept: str) -> None:
    assert kept == uploads.base_name(given)


def test_the_more_connections_the_less_each_is_handed_at_once() -> None:
    pieces = Pieces()
    sizes = []
    for pieces.open in (0, 1, 16, 64, 4096):
        sizes.append(len(pieces.next()))
    assert [2**18, 2**18, 2**15, 2**13, 2**13] == sizes
