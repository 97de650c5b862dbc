"""What audio and video become."""

import hashlib
from pathlib import Path

import av
import pytest
from av.container import InputContainer
from PIL import Image

from tests.workers.conversion import samples
from workers.conversion.converter import Converter
from workers.conversion.jobs import Converted

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of files that no test changes."""
    folder = tmp_path_factory.mktemp("films")
    samples.film(folder / "mp4", "mp4", "libx264", audio="aac")
    samples.film(folder / "mov", "mov", "libx264", audio="aac")
    samples.film(folder / "mkv", "matroska", "libx264", audio="libopus")
    samples.film(folder / "avi", "avi", "mpeg4", (320, 240), audio="libmp3lame")
    samples.film(folder / "webm", "webm", "libvpx-vp9", (160, 120))
    samples.film(folder / "turned", "mp4", "libx264", (1600, 800), frames=2, rotation=-90)
    return folder


def _boxes(path: Path) -> list[str]:
    """The names of an MP4's outermost parts, in order."""
    data, names = path.read_bytes(), []
    while data:
        names.append(data[4:8].decode())
        data = data[int.from_bytes(data[:4]) :]
    return names


def _codecs(container: InputContainer) -> list[str]:
    return sorted(stream.codec_context.name for stream in container.streams)


def _check_mp4(converted: Converted, codecs: list[str], frames: int) -> None:
    data = converted.path.read_bytes()
    assert (len(data), hashlib.sha256(data).hexdigest()) == (converted.size, converted.sha256)
    boxes = _boxes(converted.path)
    assert boxes.index("moov") < boxes.index("mdat")
    with av.open(str(converted.path)) as container:
        assert codecs == _codecs(container)
        decoded = list(container.decode(container.streams.video[0]))
        assert (frames, "yuv420p") == (len(decoded), decoded[0].format.name)


async def test_an_mp4_that_whatsapp_plays_stays_as_it_is(converter: Converter, films: Path) -> None:
    converted = await converter.video(films / "mp4", "video", compress=False, hd=False)
    assert (films / "mp4", "video/mp4", 320, 240, 1) == (
        converted.path, converted.mime_type, converted.width, converted.height, converted.seconds,
    )  # fmt: skip
    assert (100, 75) == samples.size_of(converted.thumbnail)


@pytest.mark.parametrize("name", ["mov", "mkv", "avi", "webm"])
async def test_other_videos_become_mp4(converter: Converter, films: Path, name: str) -> None:
    converted = await converter.video(films / name, "video", compress=False, hd=False)
    assert films / name != converted.path
    assert (1, "video/mp4") == (converted.seconds, converted.mime_type)
    _check_mp4(converted, ["h264"] if name == "webm" else ["aac", "h264"], frames=10)


@pytest.mark.parametrize(("hd", "size"), [(False, (320, 640)), (True, (640, 1280))])
async def test_a_smaller_video_keeps_its_rotation(
    converter: Converter, films: Path, hd: bool, size: tuple[int, int]
) -> None:
    converted = await converter.video(films / "turned", "video", compress=True, hd=hd)

    assert size == (converted.width, converted.height)
    _check_mp4(converted, ["h264"], frames=2)
    with av.open(str(converted.path)) as container:
        frame = next(container.decode(container.streams.video[0]))
        assert (size[::-1], -90) == ((frame.width, frame.height), frame.rotation)


async def test_the_thumbnail_of_a_turned_video_is_upright(
    converter: Converter, films: Path, tmp_path: Path
) -> None:
    converted = await converter.video(films / "turned", "video", compress=False, hd=False)

    assert (800, 1600) == (converted.width, converted.height)
    (tmp_path / "thumbnail").write_bytes(converted.thumbnail)
    with Image.open(tmp_path / "thumbnail") as image:
        assert (50, 100) == image.size
        # A quarter to the right, as players show it: what was left is at the top.
        assert image.getpixel((25, 10))[0] > 150 > image.getpixel((25, 90))[0]


async def test_odd_sizes_and_animations_become_even_videos(converter: Converter, tmp_path: Path) -> None:
    source = samples.animation(tmp_path / "upload.gif", (99, 51), 5)
    converted = await converter.video(source, "video", compress=False, hd=False)
    assert (0, 0) == (converted.width % 2, converted.height % 2)
    _check_mp4(converted, ["h264"], frames=5)


@pytest.mark.parametrize(
    ("container", "codec", "mime_type"),
    [
        ("mp3", "libmp3lame", "audio/mpeg"),
        ("adts", "aac", "audio/aac"),
        ("ipod", "aac", "audio/mp4"),
        ("ogg", "libopus", "audio/ogg; codecs=opus"),
        ("amr", "libopencore_amrnb", "audio/amr"),
    ],
)
async def test_audio_that_whatsapp_plays_stays_as_it_is(
    converter: Converter, tmp_path: Path, container: str, codec: str, mime_type: str
) -> None:
    source = samples.sound(tmp_path / "upload", container, codec, 2)
    converted = await converter.audio(source, "audio")
    assert (source, mime_type, 2) == (converted.path, converted.mime_type, converted.seconds)


@pytest.mark.parametrize(
    ("container", "codec"),
    [("wav", "pcm_s16le"), ("flac", "flac"), ("matroska", "libopus"), ("aiff", "pcm_s16be")],
)
async def test_other_audio_becomes_m4a(
    converter: Converter, tmp_path: Path, container: str, codec: str
) -> None:
    source = samples.sound(tmp_path / "upload", container, codec, 2)

    converted = await converter.audio(source, "audio")

    assert ("audio/mp4", 2) == (converted.mime_type, converted.seconds)
    with av.open(str(converted.path)) as made:
        assert ["aac"] == _codecs(made)


async def test_the_sound_of_a_video_can_be_sent_alone(converter: Converter, films: Path) -> None:
    converted = await converter.audio(films / "mp4", "audio")
    assert (True, 1) == (films / "mp4" != converted.path, converted.seconds)


@pytest.mark.parametrize(
    ("container", "codec"), [("mp3", "libmp3lame"), ("wav", "pcm_s16le"), ("amr", "libopencore_amrnb")]
)
async def test_any_audio_becomes_a_voice_note(
    converter: Converter, tmp_path: Path, container: str, codec: str
) -> None:
    source = samples.sound(tmp_path / "upload", container, codec, 2, loud_after=1)

    converted = await converter.voice(source, "audio")

    assert ("audio/ogg; codecs=opus", 2) == (converted.mime_type, converted.seconds)
    with av.open(str(converted.path)) as made:
        stream = made.streams.audio[0]
        assert ("ogg", "opus", 48_000, 1) == (
            made.format.name, stream.codec_context.name, stream.sample_rate, stream.codec_context.channels,
        )  # fmt: skip
        assert 1.9 < sum(frame.samples for frame in made.decode(stream)) / 48_000 < 2.1


async def test_an_opus_file_is_a_voice_note_already(converter: Converter, tmp_path: Path) -> None:
    source = samples.sound(tmp_path / "upload", "ogg", "libopus", 2, loud_after=1)

    converted = await converter.voice(source, "audio")

    assert (source, 2, 64) == (converted.path, converted.seconds, len(converted.waveform))
    assert max(converted.waveform[:30]) < 20
    assert min(converted.waveform[34:]) > 80
    assert 100 == max(converted.waveform)
