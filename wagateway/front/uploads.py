"""The spool folder: files that clients upload wait in it for the worker that takes them."""

import asyncio
import errno
import hashlib
import os
import re
import secrets
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

from wagateway.contract import Upload
from wagateway.front.multipart import Multipart, Part
from wagateway.problems import invalid, storage_full

P = ParamSpec("P")
T = TypeVar("T")

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_LONGEST_NAME = 255
_SEPARATORS = re.compile(r"[/\\]")
_UNPRINTABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})
_MIME = re.compile(r"[a-z0-9!#$&^_.+-]{1,63}/[a-z0-9!#$&^_.+-]{1,63}")


class Spool:
    """The folder, made and emptied on entry: what is left in it belongs to requests that nobody answers.

    Use as a context manager.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # One thread: what is asked of it later happens later, so no file is closed under a write.
        self._disk = ThreadPoolExecutor(1, "spool")

    def __enter__(self) -> Self:
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self.folder.chmod(0o700)
        for left in self.folder.iterdir():
            if not left.is_dir():
                left.unlink()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._disk.shutdown()

    async def run(self, call: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
        """The result of a call on the disk's thread; raises 507 `STORAGE_FULL`."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._disk, lambda: call(*given, **named))
        except OSError as error:
            if error.errno in _FULL:
                raise storage_full() from None
            raise


class Spooled:
    """The files of one request; on exit those that no worker has taken are deleted.

    Use as an async context manager.
    """

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._files: list[_File] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A worker has taken most of them by now, and to see that costs less than to ask the disk's thread.
        left = [file for file in self._files if file.open or file.path.exists()]
        if left:
            await self._spool.run(_remove, left)

    async def take(self, form: Multipart, part: Part, field: str, most: int) -> Upload | None:
        """Write the file that this part is; None for the part of a file input that nobody filled in.

        Raises 400 `VALIDATION_ERROR` beyond `most` bytes, 507 `STORAGE_FULL`.
        """
        chunk = await form.data()
        if not chunk:
            if part.filename:
                raise invalid(field, "the file is empty")
            return None
        file = _File(self._spool.folder / secrets.token_hex(16))
        self._files.append(file)
        while not form.part_is_read:
            self._check(file, chunk, field, most)
            await self._spool.run(file.add, chunk)
            chunk = await form.data()
        self._check(file, chunk, field, most)
        digest = await self._spool.run(file.finish, chunk)
        kind = part.type if _MIME.fullmatch(part.type) else ""
        return Upload(str(file.path), file.size, digest, base_name(part.filename or ""), kind)

    def _check(self, file: "_File", chunk: bytes, field: str, most: int) -> None:
        if file.size + len(chunk) > most:
            raise invalid(field, f"max file size is {most // 1_000_000} MB")


class _File:
    """A file that is being written and hashed, by the disk's thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self._hash = hashlib.sha256()
        self._file = -1

    @property
    def open(self) -> bool:
        return self._file >= 0

    def add(self, chunk: bytes) -> None:
        if self._file < 0:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            self._file = os.open(self.path, flags, 0o600)
        left = memoryview(chunk)
        while left:
            left = left[os.write(self._file, left) :]
        self._hash.update(chunk)
        self.size += len(chunk)

    def finish(self, chunk: bytes) -> str:
        self.add(chunk)
        self.close()
        return self._hash.hexdigest()

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def base_name(name: str) -> str:
    """The last part of what a client calls its file: no folders, no control characters, 255 characters."""
    last = _SEPARATORS.split(name)[-1]
    kept = "".join(letter for letter in last if unicodedata.category(letter) not in _UNPRINTABLE).strip()
    return "" if kept in (".", "..") else kept[:_LONGEST_NAME]


def _remove(files: list[_File]) -> None:
    for file in files:
        file.close()
        file.path.unlink(missing_ok=True)
