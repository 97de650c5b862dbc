"""Conversion processes and the death of those around them."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from tests.workers.conversion import samples
from wagateway.contract import Problem
from workers.conversion.converter import Converter, Lane
from workers.conversion.jobs import Converted, Job, Refused

_WORKER = """
import asyncio, sys
from pathlib import Path
from workers.conversion.converter import Converter

async def work(folder, picture, film):
    converter = Converter(folder)
    await converter.image(picture, "image", compress=True, hd=False)
    film = asyncio.create_task(converter.video(film, "video", compress=True, hd=False))
    await asyncio.wait({film}, timeout=0.2)
    print(*(task.read_text() for task in Path("/proc/self/task").glob("*/children")), flush=True)
    await film

asyncio.run(work(*map(Path, sys.argv[1:])))
"""


async def _gone(descriptor: int) -> None:
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(descriptor, ended.set)
    try:
        await asyncio.wait_for(ended.wait(), 5)
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


async def test_nothing_runs_on_after_kill_9_of_the_worker(tmp_path: Path) -> None:
    samples.drawing(200, 100).save(tmp_path / "picture", "JPEG")
    film = samples.film(tmp_path / "film", "mp4", "libx264", (1280, 720), frames=600)
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _WORKER, tmp_path, tmp_path / "picture", film, stdout=asyncio.subprocess.PIPE
    )
    assert worker.stdout is not None
    async with asyncio.timeout(20):
        helpers = [int(pid) for pid in (await worker.stdout.readline()).split()]
    descriptors = [os.pidfd_open(pid) for pid in helpers]
    assert 2 == len(descriptors)

    worker.send_signal(signal.SIGKILL)
    await worker.wait()

    for descriptor in descriptors:
        await _gone(descriptor)


async def test_a_job_that_spins_is_ended_by_its_share_of_the_processor(tmp_path: Path) -> None:
    film = samples.film(tmp_path / "film", "mp4", "libx264", (1280, 720), frames=600)
    lane = Lane(20)
    try:
        outcome = await lane.run(Job("video", film, tmp_path / "output", 0, hd=True), 60)
    finally:
        await lane.close()
    assert Refused("takes too long to be converted") == outcome
    assert not (tmp_path / "output").exists()


async def test_damage_anywhere_costs_no_more_than_the_request(tmp_path: Path) -> None:
    film = samples.film(tmp_path / "film", "mp4", "libx264", audio="aac").read_bytes()
    voice = samples.sound(tmp_path / "voice", "ogg", "libopus").read_bytes()
    animation = samples.animation(tmp_path / "sticker.webp", (200, 200), 5).read_bytes()
    samples.drawing(300, 200).save(tmp_path / "picture", "JPEG")
    picture = (tmp_path / "picture").read_bytes()
    (tmp_path / "out").mkdir()
    converter = Converter(tmp_path / "out")
    source = tmp_path / "damaged"
    try:
        for round_ in range(25):
            for data, work in (
                (film, converter.video(source, "video", compress=True, hd=False)),
                (voice, converter.voice(source, "audio")),
                (voice, converter.audio(source, "audio")),
                (animation, converter.sticker(source, "sticker")),
                (picture, converter.image(source, "image", compress=True, hd=False)),
            ):
                source.write_bytes(_damaged(data, round_))
                outcome = (await asyncio.gather(work, return_exceptions=True))[0]
                if not isinstance(outcome, Converted):
                    assert isinstance(outcome, Problem)
                    assert 400 == outcome.status
    finally:
        await converter.close()


def _damaged(data: bytes, seed: int) -> bytes:
    damaged = bytearray(data)
    for number in range(1 + seed % 7):
        at = (seed * 7919 + number * 104729) % len(damaged)
        damaged[at] ^= 1 + (seed * 31 + number) % 255
    return bytes(damaged)
