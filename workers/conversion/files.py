"""The end of a conversion: a description of the file that came of it, or a refusal."""

import hashlib
from pathlib import Path

from workers.conversion.jobs import Converted


class Refusal(Exception):
    """The file cannot be used; the text says why, as in "is not a picture"."""


def finished(path: Path, mime_type: str) -> Converted:
    """A description of the file, to be completed with what is special to its kind."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Converted(path, mime_type, path.stat().st_size, digest)
