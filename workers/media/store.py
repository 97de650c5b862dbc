"""The folder of files: each is named by the SHA-256 of its content, and is there whole or not at all."""

import asyncio
import os
import secrets
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path
from typing import TypeVar

from wagateway.media_types import media_path
from wagateway.wire import device_key

_PARTS = "parts"

T = TypeVar("T")


def served_at(device_id: str, media_id: str, mime_type: str) -> str:
    """The path under which the front serves a file, relative to its base."""
    return media_path(device_key(device_id), media_id, mime_type)


async def in_thread(executor: Executor, function: Callable[[], T]) -> T:
    """What `function` returns or raises; whoever is cancelled leaves once the thread has let go."""
    future = asyncio.get_running_loop().run_in_executor(executor, function)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        await asyncio.wait([future])
        raise


class Store:
    """Every call may block for the disk. What an earlier process left unfinished is removed at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._parts = folder / _PARTS
        if self._parts.is_dir():
            self.remove(list(self._parts.iterdir()))

    def path_of(self, media_id: str) -> Path:
        """Where the file is, if it is there."""
        return self._folder / media_id[:2] / media_id

    def size_of(self, media_id: str) -> int | None:
        """The size of a file in bytes; None when it is not there."""
        try:
            return self.path_of(media_id).stat().st_size
        except FileNotFoundError:
            return None

    def new_part(self) -> Path:
        """A path for a file that is not finished; whoever asks removes it."""
        for folder in (self._folder, self._parts):
            folder.mkdir(mode=0o700, exist_ok=True)
        return self._parts / secrets.token_hex(16)

    def keep(self, part: Path, media_id: str) -> int:
        """Give a finished file, which is on disk, its name, which is then on disk too; its size in bytes."""
        path = self.path_of(media_id)
        if not path.parent.is_dir():
            path.parent.mkdir(mode=0o700)
            _sync(self._folder)
        part.replace(path)
        _sync(path.parent)
        return path.stat().st_size

    def remove(self, paths: list[Path]) -> None:
        """Remove files, as far as they are there."""
        for path in paths:
            path.unlink(missing_ok=True)

    def prefixes(self) -> set[str]:
        """The names of the folders that files are in: the first two digits of theirs."""
        if not self._folder.is_dir():
            return set()
        return {path.name for path in self._folder.iterdir() if path.name != _PARTS and path.is_dir()}

    def files(self, prefix: str) -> dict[str, Path]:
        """The files in one of these folders, by name."""
        folder = self._folder / prefix
        return {path.name: path for path in folder.iterdir() if path.is_file()} if folder.is_dir() else {}


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
