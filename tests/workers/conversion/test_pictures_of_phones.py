"""Pictures that are odd and honest."""

import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from PIL import Image

from tests import samples
from workers.conversion.converter import Converter


@pytest.fixture
async def converter(tmp_path: Path) -> AsyncIterator[Converter]:
    made = Converter(tmp_path)
    yield made
    await made.close()


def grey16(path: Path) -> Path:
    """A gradient of 16 bits from black to white."""
    image = Image.new("I;16", (256, 64))
    image.putdata([column * 257 for _ in range(64) for column in range(256)])
    image.save(path, "PNG")
    return path


@pytest.mark.parametrize("compress", [True, False])
async def test_sixteen_bits_of_grey_stay_a_gradient(
    tmp_path: Path, converter: Converter, compress: bool
) -> None:
    got = await converter.image(grey16(tmp_path / "in.png"), "image", compress=compress, hd=False)
    small = Image.open(io.BytesIO(got.thumbnail)).convert("L")
    left, middle, right = (small.getpixel((int(small.width * at), 5)) for at in (0.05, 0.5, 0.95))
    assert isinstance(left, int)
    assert isinstance(middle, int)
    assert isinstance(right, int)
    assert left < 40 < 100 < middle < 160 < 220 < right


async def test_sixteen_bits_of_grey_make_a_sticker(tmp_path: Path, converter: Converter) -> None:
    got = await converter.sticker(grey16(tmp_path / "in.png"), "sticker")
    assert 512 == got.width


@pytest.mark.parametrize("exif", [b"Exif\0\0\0\0", b"Exif\0\0GARBAGE!", b"Exif\0\0XX*\0\0\0\0\x08"])
async def test_broken_exif_is_ignored(tmp_path: Path, converter: Converter, exif: bytes) -> None:
    picture = samples.jpeg()
    marker = b"\xff\xe1" + (len(exif) + 2).to_bytes(2) + exif
    source = tmp_path / "in.jpg"
    source.write_bytes(picture[:2] + marker + picture[2:])
    got = await converter.image(source, "image", compress=True, hd=False)
    assert (600, 450) == (got.width, got.height)


async def test_a_phone_takes_more_than_fifty_million_pixels(tmp_path: Path, converter: Converter) -> None:
    source = tmp_path / "in.jpg"
    Image.new("RGB", (9248, 6936), "teal").save(source, "JPEG", quality=30)
    got = await converter.image(source, "image", compress=True, hd=False)
    assert (600, 450) == (got.width, got.height)
