"""Stickers: pictures and animations as WebP of 512x512 pixels with a transparent ground."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
from PIL import Image, ImageOps

from workers.conversion.files import Refusal, finished
from workers.conversion.images import opened, shrunk, too_large
from workers.conversion.jobs import Converted, Job

_EDGE = 512
_STATIC_BYTES = 100_000
_ANIMATED_BYTES = 500 << 10
_MOST_MILLISECONDS = 10_000  # WhatsApp plays no more
_SHORTEST_MILLISECONDS = 66  # of a frame that is kept
_BROWSER_MILLISECONDS = 100  # what viewers make of frames that last (almost) no time
_MOST_DECODED_PIXELS = 500_000_000
_STATIC_QUALITIES = (85, 70, 50, 30, 10)
_ANIMATED_STEPS = ((70, 1), (40, 1), (30, 2), (15, 3), (5, 5))
"""Quality, and of how many frames one is kept."""

Frame = tuple[Image.Image, int]
"""A picture and how many milliseconds it is shown."""


def convert(job: Job) -> Converted:
    """A WebP; the file itself when it is a sticker already."""
    with opened(job.source) as image:
        animated = getattr(image, "is_animated", False)
        if _is_sticker(image, job.source, _ANIMATED_BYTES if animated else _STATIC_BYTES):
            image.load()
            return _described(job.source, animated=animated)
        if animated:
            _write_animation(list(_thinned(_frames(image))), job.output)
        else:
            _write_picture(_square(shrunk(image, (_EDGE, _EDGE))), job.output)
        return _described(job.output, animated=animated)


def _is_sticker(image: Image.Image, source: Path, most: int) -> bool:
    return image.format == "WEBP" and image.size == (_EDGE, _EDGE) and source.stat().st_size <= most


def _square(image: Image.Image) -> Image.Image:
    image = ImageOps.contain(image.convert("RGBA"), (_EDGE, _EDGE))
    ground = Image.new("RGBA", (_EDGE, _EDGE))
    ground.paste(image, ((_EDGE - image.width) // 2, (_EDGE - image.height) // 2))
    return ground


def _write_picture(image: Image.Image, output: Path) -> None:
    for quality in _STATIC_QUALITIES:
        image.save(output, "WEBP", quality=quality, method=4)
        if output.stat().st_size <= _STATIC_BYTES:
            return


def _frames(image: Image.Image) -> Iterator[Frame]:
    """The frames of the first ten seconds: an animation without an end costs no more."""
    shown = decoded = number = 0
    while shown < _MOST_MILLISECONDS:
        try:
            image.seek(number)
            square = _square(image)
        except EOFError:
            return
        decoded += image.width * image.height
        if decoded > _MOST_DECODED_PIXELS:
            raise too_large()
        milliseconds = int(image.info.get("duration") or 0)
        if milliseconds < _BROWSER_MILLISECONDS // 5:
            milliseconds = _BROWSER_MILLISECONDS
        milliseconds = min(milliseconds, _MOST_MILLISECONDS - shown)
        yield square, milliseconds
        shown += milliseconds
        number += 1


def _thinned(frames: Iterator[Frame]) -> Iterator[Frame]:
    """Frames that are shown too shortly give their time to the one before."""
    kept: Frame | None = None
    for frame in frames:
        if kept is not None and kept[1] < _SHORTEST_MILLISECONDS:
            kept = (kept[0], kept[1] + frame[1])
            continue
        if kept is not None:
            yield kept
        kept = frame
    if kept is not None:
        yield kept


def _write_animation(frames: list[Frame], output: Path) -> None:
    for quality, step in _ANIMATED_STEPS:
        pictures = [picture for picture, _ in frames[::step]]
        durations = [sum(time for _, time in frames[at : at + step]) for at in range(0, len(frames), step)]
        pictures[0].save(
            output,
            "WEBP",
            save_all=True,
            append_images=pictures[1:],
            duration=durations,
            loop=0,
            quality=quality,
            method=0,
        )
        if output.stat().st_size <= _ANIMATED_BYTES:
            return
    raise Refusal(f"is too large to be converted: it would be more than {_ANIMATED_BYTES >> 10} KiB")


def _described(path: Path, *, animated: bool) -> Converted:
    converted = finished(path, "image/webp")
    return msgspec.structs.replace(converted, width=_EDGE, height=_EDGE, animated=animated)
