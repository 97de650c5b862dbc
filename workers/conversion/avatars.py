"""Pictures that accounts and groups are shown with: square JPEGs, small enough for WhatsApp."""

from PIL import Image

from workers.conversion.files import Refusal, finished
from workers.conversion.images import flat, opened, shrunk
from workers.conversion.jobs import Converted, Job

_EDGE = 640
_MOST_BYTES = 100 << 10
_QUALITIES = (85, 70, 55, 40, 25, 10)


def convert(job: Job) -> Converted:
    """The middle of the picture, as sharp as fits."""
    with opened(job.source) as image:
        square = _middle(flat(shrunk(image, _box(image))))
        for quality in _QUALITIES:
            square.save(job.output, "JPEG", quality=quality)
            if job.output.stat().st_size <= _MOST_BYTES:
                return finished(job.output, "image/jpeg")
    raise Refusal(f"is too large to be converted: it would be more than {_MOST_BYTES >> 10} KiB")


def _box(image: Image.Image) -> tuple[int, int]:
    """What the picture fits into with its shorter edge of no more than an avatar's."""
    shorter = min(image.size)
    if shorter <= _EDGE:
        return image.size
    return -(-image.width * _EDGE // shorter), -(-image.height * _EDGE // shorter)


def _middle(image: Image.Image) -> Image.Image:
    edge = min(*image.size, _EDGE)
    left, top = (image.width - edge) // 2, (image.height - edge) // 2
    return image.crop((left, top, left + edge, top + edge))
