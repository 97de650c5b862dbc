"""Uploads to a real gateway: the front's memory and everybody else's requests do not feel them."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.harness import Answer, Gateway, gateway

MEGABYTE = 1_000_000
MOST_GROWTH = 8_000_000
DEVICE = "shop"


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with gateway(tmp_path) as started:
        await started.call("POST", "/devices", json={"device_id": DEVICE})
        yield started


async def upload(running: Gateway, file: Path) -> Answer:
    """A file for nobody: the front refuses it, but only when it has read and hashed all of it."""
    form = aiohttp.FormData(default_to_multipart=True)
    with file.open("rb") as content:
        form.add_field("video", content, filename="film.mp4", content_type="video/mp4")
        return await running.call("POST", "/send/video", DEVICE, data=form)


def expect_all_was_read(running: Gateway, answer: Answer) -> None:
    assert (400, "phone: cannot be blank.") == (answer.status, answer.body["message"])
    assert [] == list((running.storage / "spool").iterdir())


def memory(pid: int, name: str) -> int:
    """Bytes that a line of the process's status says."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(lines[name].split()[0]) * 1024


async def growth(running: Gateway, *files: Path) -> tuple[int, list[Answer], float]:
    """How far the front's memory rises above what it was before these uploads at once; their seconds."""
    await upload(running, files[0])  # the first one brings threads and code, once
    pid = await running.pid_of("front")
    Path(f"/proc/{pid}/clear_refs").write_text("5")  # VmHWM begins anew
    before, begin = memory(pid, "VmRSS"), time.monotonic()
    answered = await asyncio.gather(*(upload(running, file) for file in files))
    return memory(pid, "VmHWM") - before, answered, time.monotonic() - begin


def sized(folder: Path, size: int) -> Path:
    file = folder / f"{size}.bin"
    with file.open("wb") as out:
        out.truncate(size)
    return file


async def status_delays(running: Gateway) -> list[float]:
    """How long a status takes, over and over until cancelled."""
    delays: list[float] = []
    try:
        while True:
            begin = time.monotonic()
            answer = await running.call("GET", "/app/status", DEVICE)
            delays.append(time.monotonic() - begin)
            assert 200 == answer.status
    except asyncio.CancelledError:
        return delays


async def test_a_large_upload_takes_no_memory_and_delays_nobody(running: Gateway, tmp_path: Path) -> None:
    asking = asyncio.create_task(status_delays(running))
    grown, (answer,), seconds = await growth(running, sized(tmp_path, 100 * MEGABYTE))
    asking.cancel()
    delays = sorted(await asking)
    print(f"100 MB in {seconds:.2f} s, {grown / MEGABYTE:.1f} MB more")
    print(f"the slowest of {len(delays)} others took {delays[-1]:.3f} s")
    expect_all_was_read(running, answer)
    assert MOST_GROWTH > grown
    assert 1 > delays[-1]
    assert 0.1 > delays[len(delays) // 2]


async def test_many_uploads_at_once_take_little_memory(running: Gateway, tmp_path: Path) -> None:
    grown, answered, seconds = await growth(running, *[sized(tmp_path, MEGABYTE)] * 64)
    print(f"64 of 1 MB in {seconds:.2f} s, {grown / MEGABYTE:.1f} MB more")
    for answer in answered:
        expect_all_was_read(running, answer)
    assert MOST_GROWTH > grown


async def test_a_killed_front_leaves_no_file(running: Gateway) -> None:
    spool = running.storage / "spool"
    _, writer = await asyncio.open_connection("127.0.0.1", int(running.url.rpartition(":")[2]))
    head = f"POST /send/video HTTP/1.1\r\nHost: x\r\nX-Device-Id: {DEVICE}\r\nContent-Length: 1000000\r\n"
    head += "Content-Type: multipart/form-data; boundary=x\r\n\r\n"
    part = '--x\r\nContent-Disposition: form-data; name="video"; filename="x"\r\n\r\n'
    writer.write((head + part).encode() + b"y" * 1000)
    while not list(spool.iterdir()):
        assert 200 == (await running.call("GET", "/app/info")).status
    os.kill(await running.pid_of("front"), signal.SIGKILL)
    writer.close()
    assert 200 == (await ask_again(running)).status
    assert [] == list(spool.iterdir())


async def ask_again(running: Gateway) -> Answer:
    """The next front's answer: those who asked the last one see their connection break."""
    while True:
        try:
            return await running.call("GET", "/app/info", headers={"Connection": "close"})
        except aiohttp.ClientError:
            continue
