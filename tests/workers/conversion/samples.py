"""Files to convert, made for the tests."""

import io
import math
import struct
import zlib
from array import array
from fractions import Fraction
from pathlib import Path

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image, ImageDraw

RATE = 48_000
SAMPLES = 960


def drawing(width: int, height: int, mode: str = "RGB") -> Image.Image:
    """A picture with a red left half and some shapes."""
    image = Image.new(mode, (width, height), (40, 90, 200, 128)[: len(mode)])
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, width // 2 - 1, height), fill=(200, 30, 30, 255)[: len(mode)])
    draw.ellipse((width // 3, height // 3, width // 2, height // 2), fill=(250, 240, 10, 255)[: len(mode)])
    return image


def animation(path: Path, size: tuple[int, int], frames: int, milliseconds: int = 100) -> Path:
    """An animated GIF, PNG or WebP, by the name of the path; every frame differs."""
    pictures = []
    for number in range(frames):
        picture = Image.new("RGBA", size, (0, 0, 0, 0))
        edge = size[0] // 4
        left = number * (size[0] - edge) // max(1, frames - 1)
        ImageDraw.Draw(picture).rectangle((left, 0, left + edge, size[1]), fill=(250, 60, 60, 255))
        pictures.append(picture)
    pictures[0].save(
        path, save_all=True, append_images=pictures[1:], duration=milliseconds, loop=0, disposal=2
    )
    return path


def bomb_png(path: Path, width: int, height: int) -> Path:
    """A small file that says it is a huge picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(bytes(1 + 3 * width)) for _ in range(min(height, 500))) + packer.flush()
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )
    return path


def tone(seconds: float, *, loud_after: float = 0.0) -> list[AudioFrame]:
    """Frames of a 440 Hz tone, quiet until `loud_after`."""
    frames = []
    for number in range(int(seconds * RATE / SAMPLES)):
        first = number * SAMPLES
        loud = 12_000 if first / RATE >= loud_after else 1200
        times = range(first, first + SAMPLES)
        wave = array("h", (int(loud * math.sin(math.tau * 440 * at / RATE)) for at in times))
        frame = AudioFrame(format="s16", layout="mono", samples=SAMPLES)
        frame.planes[0].update(wave.tobytes())
        frame.sample_rate, frame.pts, frame.time_base = RATE, first, Fraction(1, RATE)
        frames.append(frame)
    return frames


def sound(path: Path, container: str, codec: str, seconds: float = 1.0, *, loud_after: float = 0.0) -> Path:
    """An audio file."""
    with av.open(str(path), "w", format=container) as output:
        rate = 8000 if codec == "libopencore_amrnb" else RATE
        stream = output.add_stream(codec, rate=rate, layout="mono")
        assert isinstance(stream, AudioStream)
        resampler = av.AudioResampler(stream.codec_context.format, "mono", rate)
        for frame in tone(seconds, loud_after=loud_after):
            for resampled in resampler.resample(frame):
                output.mux(stream.encode(resampled))
        output.mux(stream.encode(None))
    return path


def film(
    path: Path,
    container: str,
    codec: str,
    size: tuple[int, int] = (320, 240),
    *,
    frames: int = 10,
    audio: str = "",
    rotation: int = 0,
) -> Path:
    """A video of ten frames per second: its left half is red."""
    with av.open(str(path), "w", format=container) as output:
        stream = output.add_stream(codec, rate=10, width=size[0], height=size[1], pix_fmt="yuv420p")
        assert isinstance(stream, VideoStream)
        if codec == "libx264":
            stream.options = {"preset": "ultrafast", "bf": "2"}  # with frames out of order
        if rotation:
            stream.set_display_rotation(rotation)
        heard = output.add_stream(audio, rate=RATE, layout="mono") if audio else None
        picture = VideoFrame.from_image(drawing(*size))
        for number in range(frames):
            picture.pts, picture.time_base = number, Fraction(1, 10)
            output.mux(stream.encode(picture.reformat(format="yuv420p")))
        output.mux(stream.encode(None))
        if isinstance(heard, AudioStream):
            for frame in tone(frames / 10):
                output.mux(heard.encode(frame))
            output.mux(heard.encode(None))
    return path


def pdf(path: Path, pages: int) -> Path:
    """A PDF of plain pages."""
    first, *others = (drawing(300, 400) for _ in range(pages))
    first.save(path, "PDF", save_all=True, append_images=others)
    return path


def size_of(jpeg: bytes) -> tuple[int, int]:
    """Width and height of a JPEG."""
    with Image.open(io.BytesIO(jpeg), formats=["JPEG"]) as image:
        image.load()
        return image.size
