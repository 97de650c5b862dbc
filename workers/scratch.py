"""The device's folder for files in work: empty at the start of a worker, and after every request."""

import contextlib
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from wagateway.contract import Upload
from wagateway.problems import device_unavailable


class Scratch:
    """`folder` is made anew: what a crash left in it belongs to nobody."""

    def __init__(self, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder = folder

    def claim(self, upload: Upload) -> Path:
        """Take an uploaded file out of the spool: from here on it is ours to remove.

        Raises 503 `DEVICE_UNAVAILABLE` when it is gone, which means that whoever uploaded it has gone too.
        """
        path = self.new()
        try:
            Path(upload.path).rename(path)
        except FileNotFoundError:
            raise device_unavailable("The upload was given up before the device came to it") from None
        return path

    def new(self) -> Path:
        """A path that no other file has."""
        return self.folder / secrets.token_hex(16)

    @contextlib.contextmanager
    def removing(self, *paths: Path) -> Iterator[None]:
        """Remove these files at the end, where they are still there."""
        try:
            yield
        finally:
            for path in paths:
                path.unlink(missing_ok=True)
