"""A new file that is filled while it is hashed, and is gone unless it was finished."""

import errno
import hashlib
import os
import threading
from pathlib import Path
from typing import Self

from wagateway.problems import storage_failed, storage_full

_FULL = (errno.ENOSPC, errno.EDQUOT)


class Sink:
    """Write on any thread; leaving the `with` before `finish` removes the file, also under a late write.

    Raises 507 `STORAGE_FULL` or 503 `STORAGE_FAILED`. The file must not exist; its mode is 0600.
    """

    def __init__(self, path: Path) -> None:
        self.size = 0
        self._path = path
        self._sha256 = hashlib.sha256()
        self._lock = threading.Lock()
        self._finished = False
        try:
            self._file: int | None = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _problem(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            try:
                self._close()
            finally:
                if not self._finished:
                    self._path.unlink(missing_ok=True)

    def write(self, block: bytes) -> None:
        """Append; nothing happens when the file has been given up."""
        with self._lock:
            if self._file is None:
                return
            rest = memoryview(block)
            try:
                while rest:
                    rest = rest[os.write(self._file, rest) :]
            except OSError as error:
                raise _problem(error) from error
            self.size += len(block)
            self._sha256.update(block)

    def finish(self) -> str:
        """Keep the file; its SHA-256 in hex."""
        with self._lock:
            try:
                self._close()
            except OSError as error:
                raise _problem(error) from error
            self._finished = True
            return self._sha256.hexdigest()

    def _close(self) -> None:
        held, self._file = self._file, None
        if held is not None:
            os.close(held)


def _problem(error: OSError) -> Exception:
    if error.errno in _FULL:
        return storage_full()
    if error.errno == errno.EEXIST:
        return error  # two users of one path: a bug, not a failure
    return storage_failed()
