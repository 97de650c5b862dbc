"""History syncs on their way from Go's memory to a folder, without a copy in Python."""

import contextlib
import ctypes
import itertools
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from workers.patience import FIRST_PAUSE, tries

PART = ".part"
WHOLE = ".history"
"""How the name of a file ends that is written in full: a serialised `Neonize.HistorySync`."""

log = structlog.get_logger()


class HistoryFolder:
    """The folder that history syncs are written into, in the order in which they came.

    `stopping` ends the wait for a full disk.
    """

    def __init__(
        self,
        folder: Path,
        stopping: threading.Event,
        *,
        write: Callable[[int, memoryview], int] = os.write,
        pause: float = FIRST_PAUSE,
    ) -> None:
        self._folder = folder
        self._stopping = stopping
        self._write = write
        self._pause = pause
        self._numbers = itertools.count()

    def start(self) -> None:
        """Remove what a killed process had not finished; nobody can read it."""
        for part in self._folder.glob("*" + PART):
            part.unlink(missing_ok=True)

    def keep(self, address: int, size: int) -> bool:
        """Write the bytes there into a file of their own; returns when they are safe on the disk.

        Waits for a disk that fails. False when told to stop meanwhile: then they are lost.
        """
        name = f"{time.time_ns()}-{next(self._numbers)}"
        for pause in tries(self._stopping, self._pause):
            try:
                self._keep(name, address, size)
            except OSError as error:
                with contextlib.suppress(OSError):
                    (self._folder / (name + PART)).unlink(missing_ok=True)
                why = error.strerror
                log.warning("history.waiting_for_disk", error=why, pause=pause)
            else:
                return True
        log.error("history.lost", error=why, bytes=size)
        return False

    def _keep(self, name: str, address: int, size: int) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = self._folder / (name + PART)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            left = memoryview((ctypes.c_char * size).from_address(address))
            while left:
                left = left[self._write(descriptor, left) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        part.rename(part.with_suffix(WHOLE))
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
