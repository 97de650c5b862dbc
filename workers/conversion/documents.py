"""Previews of documents that are pictures or PDF."""

from pathlib import Path

import msgspec
import pypdfium2  # type: ignore[import-untyped]
from PIL import Image

from wagateway.media_types import UNKNOWN
from workers.conversion.files import Refusal
from workers.conversion.images import opened, thumbnail
from workers.conversion.jobs import Converted, Job

_EDGE = 200
_HEAD_BYTES = 1024  # readers look for the mark of a PDF so far into it
_LARGEST_SCALE = 2.0


def convert(job: Job) -> Converted:
    """A small JPEG of a picture or of a PDF's first page; raises `Refusal` for anything else."""
    with job.source.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    size = job.source.stat().st_size
    if b"%PDF-" in head:
        pages, small = _first_page(job.source)
        return Converted(job.source, "application/pdf", size, "", thumbnail=small, pages=pages)
    with opened(job.source) as image:
        described = Converted(job.source, Image.MIME.get(image.format or "", UNKNOWN), size, "", *image.size)
        return msgspec.structs.replace(described, thumbnail=thumbnail(image, _EDGE))


def _first_page(source: Path) -> tuple[int, bytes]:
    with pypdfium2.PdfDocument(source) as document:
        pages = len(document)
        if not pages:
            raise Refusal("has no pages")
        page = document[0]
        scale = min(_LARGEST_SCALE, _EDGE / max(*page.get_size(), 1.0))
        return pages, thumbnail(page.render(scale=scale).to_pil(), _EDGE)
