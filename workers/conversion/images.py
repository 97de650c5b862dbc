"""Pictures: what a JPEG, PNG or other picture becomes when it is sent."""

import io
import struct
from pathlib import Path

import msgspec
from PIL import AvifImagePlugin, Image, ImageOps, UnidentifiedImageError, WebPImagePlugin

from workers.conversion.files import Refusal, finished
from workers.conversion.jobs import Converted, Job

_LOADED = (AvifImagePlugin, WebPImagePlugin)  # by itself, Pillow would load every format to find these two
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "AVIF")
_MOST_PIXELS = 50_000_000
_MOST_JPEG_PIXELS = 120_000_000  # which phones take, and which is decoded at a fraction of its size
_COMPRESSED_WIDTH = 600
_HD_EDGE = 2560
_THUMBNAIL_EDGE = 100
_TALLEST = 1 << 16
_ORIENTATION = 0x0112
_TURNED = (5, 6, 7, 8)
_MOST_PROFILE_BYTES = 1 << 16

Image.MAX_IMAGE_PIXELS = _MOST_JPEG_PIXELS // 2  # Pillow warns there, and refuses twice as many


def convert(job: Job) -> Converted:
    """A JPEG (`compress`, `hd`), or the file itself when it is a JPEG or PNG, or else a PNG."""
    with opened(job.source) as image:
        turned = image.getexif().get(_ORIENTATION) in _TURNED
        if job.hd:
            return _as_jpeg(image, (_HD_EDGE, _HD_EDGE), 92, job.output)
        if job.compress:
            box = (_TALLEST, _COMPRESSED_WIDTH) if turned else (_COMPRESSED_WIDTH, _TALLEST)
            return _as_jpeg(image, box, 80, job.output)
        if mime := {"JPEG": "image/jpeg", "MPO": "image/jpeg", "PNG": "image/png"}.get(image.format or ""):
            size = image.size[::-1] if turned else image.size
            return _described(finished(job.source, mime), size, thumbnail(image, _THUMBNAIL_EDGE))
        upright = _upright(image)
        upright.save(job.output, "PNG", compress_level=3)
        size = upright.size
        return _described(finished(job.output, "image/png"), size, thumbnail(upright, _THUMBNAIL_EDGE))


def opened(source: Path) -> Image.Image:
    """The picture, not yet decoded, by its content; raises `Refusal` for no picture and for a huge one."""
    try:
        image = Image.open(source, formats=_FORMATS)
    except UnidentifiedImageError:
        raise Refusal("is not a picture that can be read (JPEG, PNG, WebP, GIF, BMP, AVIF)") from None
    except Image.DecompressionBombError:
        raise too_large(_MOST_JPEG_PIXELS) from None
    most = _MOST_JPEG_PIXELS if image.format in ("JPEG", "MPO") else _MOST_PIXELS
    if image.width * image.height > most:
        raise too_large(most)
    return image


def too_large(most: int = _MOST_PIXELS) -> Refusal:
    """For pictures with too many pixels."""
    return Refusal(f"is too large to be converted: it has more than {most // 10**6} million pixels")


def eight_bits(image: Image.Image) -> Image.Image:
    """A picture of 16 bits of grey in 8; Pillow itself would cut off what is brighter than the 256th part."""
    if not image.mode.startswith("I"):
        return image
    return image.convert("I").point(lambda value: value * (1 / 256)).convert("L")


def thumbnail(image: Image.Image, edge: int) -> bytes:
    """A JPEG of a few kB that fits into a square with this edge; the image itself may be changed."""
    buffer = io.BytesIO()
    flat(shrunk(image, (edge, edge))).save(buffer, "JPEG", quality=70)
    return buffer.getvalue()


def shrunk(image: Image.Image, box: tuple[int, int]) -> Image.Image:
    """The picture upright and fitted into the box, which is meant for it before it is turned.

    A JPEG that is not decoded yet is decoded at a fraction of its size: faster, and of little memory.
    """
    if image.mode in ("1", "P", "PA"):  # these would be resized without any smoothing
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    image = eight_bits(image)
    image.thumbnail(box, reducing_gap=1.0)
    return _upright(image)


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except (SyntaxError, ValueError, KeyError, OSError, struct.error):  # all that broken EXIF makes it raise
        return image


def flat(image: Image.Image) -> Image.Image:
    """The picture in RGB, what is transparent turned white."""
    if image.has_transparency_data:
        image = image.convert("RGBA")
        ground = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(ground, image).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def _as_jpeg(image: Image.Image, box: tuple[int, int], quality: int, output: Path) -> Converted:
    profile = image.info.get("icc_profile") or b""
    keeps = image.mode == "RGB" and len(profile) <= _MOST_PROFILE_BYTES
    image = flat(shrunk(image, box))
    image.save(output, "JPEG", quality=quality, icc_profile=profile if keeps else None)
    size = image.size
    return _described(finished(output, "image/jpeg"), size, thumbnail(image, _THUMBNAIL_EDGE))


def _described(converted: Converted, size: tuple[int, int], small: bytes) -> Converted:
    return msgspec.structs.replace(converted, width=size[0], height=size[1], thumbnail=small)
