"""The media host's files: what devices and phones uploaded, until it is deleted or expires."""

import hashlib
import secrets
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from wagateway.sandbox.bell import Bell
from wagateway.sandbox.faults import MediaFaults

_PREFIX = "/v/"
_PART = ".part"
_GONE = ".gone"


class Tally(msgspec.Struct):
    """How many requests were served since the process began; `begun` counts all that came."""

    begun: int = 0
    uploads: int = 0
    downloads: int = 0
    failures: int = 0


class MediaHost:
    """Keeps files in a folder, each under the digest of the token it was uploaded with.

    `measured` remembers, by direct path, the SHA-256 and the size of files that were decrypted.
    """

    def __init__(self, folder: Path) -> None:
        self.faults = MediaFaults()
        self.tally = Tally()
        self.bell = Bell()
        self.measured: dict[str, tuple[str, int]] = {}
        self._folder = folder
        folder.mkdir(mode=0o700, exist_ok=True)
        for unfinished in folder.glob("*" + _PART):
            unfinished.unlink()

    def put(self, token: str, data: bytes) -> str:
        """Keep a file; the direct path under which devices find it."""
        part = self.begin()
        part.write_bytes(data)
        return self.keep(part, token)

    def begin(self) -> Path:
        """Where to write a file that is on its way; then `keep` it."""
        return self._folder / (secrets.token_hex(16) + _PART)

    def keep(self, part: Path, token: str) -> str:
        """Make a written file one that can be found; its direct path."""
        name = _name(token)
        self._gone(name).unlink(missing_ok=True)
        part.replace(self._folder / name)
        return direct_path(token)

    def find(self, path: str) -> Path | None:
        """The file of a direct path or of a request's target; None when it is not there."""
        file = self._folder / _known(path)
        return file if file.is_file() else None

    def is_gone(self, path: str) -> bool:
        """Whether the file of this path has been there and has expired."""
        return self._gone(_known(path)).exists()

    def delete(self, token: str) -> None:
        """Forget a file, as who uploaded it asked."""
        (self._folder / _name(token)).unlink(missing_ok=True)

    def expire(self, path: str) -> bool:
        """Let the link to a file die; whether there was one."""
        name = _known(path)
        file = self._folder / name
        if not file.is_file():
            return False
        self._gone(name).touch()
        file.unlink()
        return True

    def expire_all(self) -> int:
        """Let every link die; how many there were."""
        names = [file.name for file in self._folder.iterdir() if "." not in file.name]
        return sum(self.expire(_PREFIX + name) for name in names)

    def _gone(self, name: str) -> Path:
        return self._folder / (name + _GONE)


def direct_path(token: str) -> str:
    """Where the file that was uploaded with this token is, or would be."""
    # Devices append `&hash=…` to it, so it must already have a query.
    return f"{_PREFIX}{_name(token)}?ccb=1"


def _name(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _known(path: str) -> str:
    name = urlsplit(path).path.removeprefix(_PREFIX)
    return name if len(name) == 64 and name.isascii() and name.isalnum() else "none"
