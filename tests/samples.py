"""Small media files made on the spot: what tests and benchmarks send."""

import functools
import io
import math
import random
import struct
import wave
import zlib

import av
from PIL import Image


@functools.cache
def jpeg(width: int = 640, height: int = 480, seed: int = 1, quality: int = 90) -> bytes:
    """A picture with detail: about 200 KB at 1024x768 and quality 90."""
    rng = random.Random(seed)
    coarse = Image.frombytes("RGB", (width // 4, height // 4), rng.randbytes(width // 4 * (height // 4) * 3))
    out = io.BytesIO()
    coarse.resize((width, height), Image.Resampling.BICUBIC).save(out, "JPEG", quality=quality)
    return out.getvalue()


@functools.cache
def png(width: int = 64, height: int = 48) -> bytes:
    """A picture with transparency."""
    out = io.BytesIO()
    Image.new("RGBA", (width, height), (200, 30, 30, 128)).save(out, "PNG")
    return out.getvalue()


def png_of(width: int, height: int, rows: bytes) -> bytes:
    """A PNG of one bit a pixel that claims a size, with these compressed rows."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@functools.cache
def gif(frames: int = 4) -> bytes:
    """An animation."""
    out = io.BytesIO()
    pictures = [Image.new("RGB", (80, 60), (60 * number % 256, 80, 120)) for number in range(frames)]
    pictures[0].save(out, "GIF", save_all=True, append_images=pictures[1:], duration=80)
    return out.getvalue()


@functools.cache
def wav(seconds: float = 1.0, rate: int = 16000) -> bytes:
    """A tone that swells."""
    count = int(seconds * rate)
    tone = (int(20000 * n / count * math.sin(2 * math.pi * 440 * n / rate)) for n in range(count))
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(b"".join(struct.pack("<h", sample) for sample in tone))
    return out.getvalue()


@functools.cache
def video(codec: str = "mpeg4", container: str = "avi", frames: int = 12) -> bytes:
    """A short film of changing colours."""
    out = io.BytesIO()
    with av.open(out, "w", format=container) as film:
        stream = film.add_stream(codec, rate=12)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for number in range(frames):
            picture = Image.new("RGB", (160, 120), (number * 20 % 256, 90, 160))
            film.mux(stream.encode(av.VideoFrame.from_image(picture)))
        film.mux(stream.encode())
    return out.getvalue()


PDF = b"""%PDF-1.1
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 4 0 R>>endobj
4 0 obj<</Length 32>>stream
0 0 1 rg 20 20 100 120 re f
endstream endobj
trailer<</Root 1 0 R>>
"""
