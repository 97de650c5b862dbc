"""Files and accidents that are meant to hurt: they cost one request, and the next one works."""

import asyncio
import contextlib
import os
import resource
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.workers.conversion import samples
from wagateway.contract import Problem
from workers.conversion.converter import Converter, Limits
from workers.conversion.jobs import Converted

Convert = Callable[[Converter, Path], Awaitable[Converted]]


async def _image(converter: Converter, source: Path) -> Converted:
    return await converter.image(source, "image", compress=True, hd=False)


async def _sticker(converter: Converter, source: Path) -> Converted:
    return await converter.sticker(source, "sticker")


async def _video(converter: Converter, source: Path) -> Converted:
    return await converter.video(source, "video", compress=False, hd=False)


async def _audio(converter: Converter, source: Path) -> Converted:
    return await converter.audio(source, "audio")


async def _voice(converter: Converter, source: Path) -> Converted:
    return await converter.voice(source, "audio")


@contextlib.asynccontextmanager
async def _converter(folder: Path, limits: Limits | None = None) -> AsyncIterator[Converter]:
    converter = Converter(folder, limits)
    try:
        yield converter
    finally:
        await converter.close()


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "picture"
    samples.drawing(200, 100).save(path, "JPEG")
    return path


def _helpers() -> list[int]:
    """The conversion processes of this process."""
    children = " ".join((task / "children").read_text() for task in Path("/proc/self/task").iterdir())
    commands = {int(pid): Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children.split()}
    return [pid for pid, command in commands.items() if b"workers.conversion" in command]


async def _end_of(pid: int) -> None:
    loop, ended, descriptor = asyncio.get_running_loop(), asyncio.Event(), os.pidfd_open(pid)
    loop.add_reader(descriptor, ended.set)
    try:
        await asyncio.wait_for(ended.wait(), 5)
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


async def _started(work: Awaitable[Converted]) -> "asyncio.Task[Converted]":
    """The work as a task that has handed its job over, to a process that is stopped."""
    task = asyncio.ensure_future(work)
    await asyncio.wait({task}, timeout=0.05)
    assert not task.done()
    return task


@pytest.mark.parametrize("convert", [_image, _sticker])
async def test_a_bomb_is_refused_before_it_is_decoded(out: Path, tmp_path: Path, convert: Convert) -> None:
    bomb = samples.bomb_png(tmp_path / "bomb", 30_000, 30_000)
    async with _converter(out) as converter:
        with pytest.raises(
            Problem, match="is too large to be converted: it has more than 120 million pixels"
        ):
            await convert(converter, bomb)


async def test_a_small_animation_on_a_huge_ground_is_refused(out: Path, tmp_path: Path) -> None:
    bomb = samples.animation(tmp_path / "bomb.webp", (16, 16), 3)
    data = bytearray(bomb.read_bytes())
    assert b"VP8X" == data[12:16]
    data[24:30] = (16_382).to_bytes(3, "little") * 2
    bomb.write_bytes(data)
    async with _converter(out) as converter:
        with pytest.raises(Problem, match=r"is too large|is damaged") as caught:
            await _sticker(converter, bomb)
        assert 400 == caught.value.status


async def test_a_video_with_a_huge_picture_is_refused(out: Path, tmp_path: Path) -> None:
    bomb = samples.film(tmp_path / "bomb", "mp4", "libx264", (4608, 2592), frames=1)
    async with _converter(out) as converter:
        with pytest.raises(Problem, match="video: is too large to be converted"):
            await _video(converter, bomb)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
async def test_a_truncated_picture_is_refused(out: Path, tmp_path: Path, kind: str) -> None:
    source = tmp_path / "upload"
    samples.drawing(400, 300).save(source, kind)
    source.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    async with _converter(out) as converter:
        with pytest.raises(Problem, match="damaged") as caught:
            await _image(converter, source)
    assert "VALIDATION_ERROR" == caught.value.code
    assert [] == list(out.iterdir())


async def test_a_truncated_video_is_refused(out: Path, tmp_path: Path) -> None:
    source = samples.film(tmp_path / "upload", "mp4", "libx264")
    source.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    async with _converter(out) as converter:
        for convert in (_video, _audio, _voice):
            with pytest.raises(Problem, match=r"damaged|has no"):
                await convert(converter, source)
    assert [] == list(out.iterdir())


async def test_files_that_name_other_files_are_not_followed(out: Path, tmp_path: Path) -> None:
    secret = samples.film(tmp_path / "secret.mp4", "mp4", "libx264", audio="aac")
    lists = {
        "m3u8": f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{secret}\n#EXT-X-ENDLIST\n",
        "concat": f"ffconcat version 1.0\nfile {secret}\n",
        "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 1 RTP/AVP 96\n",
        "mpd": f"<MPD><Period><BaseURL>file://{secret}</BaseURL></Period></MPD>",
    }
    async with _converter(out) as converter:
        for name, text in lists.items():
            source = tmp_path / f"upload.{name}"
            source.write_text(text)
            for convert in (_video, _audio, _voice):
                with pytest.raises(Problem, match="is no audio or video that can be read"):
                    await convert(converter, source)


async def test_an_empty_file_is_refused(out: Path, tmp_path: Path) -> None:
    source = tmp_path / "upload"
    source.touch()
    async with _converter(out) as converter:
        for convert in (_image, _sticker, _video, _audio, _voice):
            with pytest.raises(Problem):
                await convert(converter, source)


async def test_w39_a_process_that_takes_too_long_is_killed_and_the_next_job_works(
    out: Path, picture: Path, tmp_path: Path
) -> None:
    animation = samples.animation(tmp_path / "upload.gif", (512, 512), 60)
    async with _converter(out, Limits(sticker=0.02)) as converter:
        with pytest.raises(Problem, match=r"sticker: takes too long to be converted: more than 0\.02 s"):
            await _sticker(converter, animation)
        assert [] == list(out.iterdir())
        assert 200 == (await _image(converter, picture)).width


async def test_a_file_that_needs_too_much_memory_is_refused(out: Path, picture: Path, tmp_path: Path) -> None:
    large = tmp_path / "large"
    samples.drawing(5000, 5000, "RGBA").save(large, "PNG", compress_level=1)
    async with _converter(out) as converter:
        await _image(converter, picture)
        (helper,) = _helpers()
        resource.prlimit(helper, resource.RLIMIT_AS, (96 << 20, 96 << 20))
        with pytest.raises(Problem, match="image: is too large to be converted: it needs too much memory"):
            await _image(converter, large)
        assert 200 == (await _image(converter, picture)).width


async def test_kill_9_in_the_middle_of_a_job_costs_one_request(out: Path, picture: Path) -> None:
    async with _converter(out) as converter:
        await _image(converter, picture)
        (helper,) = _helpers()
        os.kill(helper, signal.SIGSTOP)
        task = await _started(_image(converter, picture))
        os.kill(helper, signal.SIGKILL)
        with pytest.raises(Problem, match="image: cannot be converted"):
            await task
        assert 200 == (await _image(converter, picture)).width
        assert helper not in _helpers()


async def test_a_process_that_died_while_it_had_nothing_to_do_costs_nothing(out: Path, picture: Path) -> None:
    async with _converter(out) as converter:
        await _image(converter, picture)
        (helper,) = _helpers()
        os.kill(helper, signal.SIGKILL)
        await _end_of(helper)
        assert 200 == (await _image(converter, picture)).width


async def test_a_cancelled_job_ends_its_process(out: Path, picture: Path) -> None:
    async with _converter(out) as converter:
        await _image(converter, picture)
        (helper,) = _helpers()
        os.kill(helper, signal.SIGSTOP)
        task = await _started(_image(converter, picture))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert 200 == (await _image(converter, picture)).width
    assert [] == _helpers()


async def test_a_video_does_not_hold_up_a_picture(out: Path, picture: Path, tmp_path: Path) -> None:
    film = samples.film(tmp_path / "film", "mp4", "libx264")
    async with _converter(out) as converter:
        await _video(converter, film)
        (helper,) = _helpers()
        os.kill(helper, signal.SIGSTOP)
        task = await _started(_video(converter, film))
        assert 200 == (await _image(converter, picture)).width
        os.kill(helper, signal.SIGCONT)
        assert 320 == (await task).width


async def test_a_process_without_a_job_ends_and_comes_back(out: Path, picture: Path) -> None:
    async with _converter(out, Limits(idle=0.01)) as converter:
        await _image(converter, picture)
        for helper in _helpers():
            await _end_of(helper)
        assert 200 == (await _image(converter, picture)).width


async def test_close_ends_what_runs_and_refuses_the_rest(out: Path, picture: Path) -> None:
    async with _converter(out) as converter:
        await _image(converter, picture)
        (helper,) = _helpers()
        os.kill(helper, signal.SIGSTOP)
        running, waiting = [await _started(_image(converter, picture)) for _ in range(2)]
        await converter.close()
        assert [] == _helpers()
        for task in (running, waiting):
            with pytest.raises(Problem) as caught:
                await task
            assert 503 == caught.value.status


async def test_the_process_is_confined(out: Path, picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAGATEWAY_SECRET", "hunter2")
    async with _converter(out) as converter:
        await _image(converter, picture)
        (helper,) = _helpers()
        proc = Path(f"/proc/{helper}")
        status = dict(line.split(":\t", 1) for line in (proc / "status").read_text().splitlines())
        limits = (proc / "limits").read_text()
        assert ("1", "0077") == (status["NoNewPrivs"], status["Umask"])
        assert helper == os.getsid(helper)
        assert b"hunter2" not in (proc / "environ").read_bytes()
        assert {"0", "1", "2"} == {path.name for path in (proc / "fd").iterdir()}
        for line in ("Max address space         1610612736", "Max core file size        0 "):
            assert line in limits
        assert 0o600 == (await _image(converter, picture)).path.stat().st_mode & 0o777
