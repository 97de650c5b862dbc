"""Taking history files into the shard, one after the other, while the device goes on working."""

import asyncio
import contextlib
import mmap
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TypeVar

import structlog
from google.protobuf.message import DecodeError

from wagateway.events.catalogue import HISTORY
from wagateway.events.device import HistoryPayload
from workers.history.keeping import Tally, keep
from workers.history.reading import Batch, Part, Place, batches, place
from workers.history.wire import Malformed
from workers.identities import Own
from workers.patience import FIRST_PAUSE, Stopped, patiently
from workers.shard import Shard
from workers.shard import log as event_log

_MOST_BAD = 3

T = TypeVar("T")

log = structlog.get_logger()


class History:
    """Imports the files `*.history` in a folder, each a serialised `HistorySync` event of neonize.

    A file is removed when all of it is stored, and an event says so; `committed(seq)` is called after that,
    on any thread. What cannot be read is kept aside as `.bad`.
    """

    def __init__(
        self,
        shard: Shard,
        folder: Path,
        own: Own,
        committed: Callable[[int], None],
        *,
        pause: float = FIRST_PAUSE,
    ) -> None:
        self._shard = shard
        self._folder = folder
        self._own = own
        self._committed = committed
        self._pause = pause
        self._loop: asyncio.AbstractEventLoop | None = None
        self._woken = asyncio.Event()
        self._stopping = threading.Event()

    def wake(self) -> None:
        """A file was written, or the account became known; any thread may call this."""
        if self._loop is not None:
            # Of a loop that has ended nobody expects it: the next start finds the file.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._woken.set)

    async def run(self) -> None:
        """Import what there is and what comes, until cancelled."""
        self._loop = asyncio.get_running_loop()
        while True:
            self._woken.clear()
            if self._own.jid:  # whose messages are our own is not known before
                await self._in_thread()
            await self._woken.wait()

    async def _in_thread(self) -> None:
        work = asyncio.ensure_future(asyncio.to_thread(self.take))
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            self._stopping.set()
            await asyncio.wait([work])
            raise

    def take(self) -> None:
        """Import what there is, in this thread."""
        for path in sorted(self._folder.glob("*.history")):
            try:
                self._import(path)
            except Stopped:  # the file is taken again at the next start
                return
            except (Malformed, DecodeError) as error:
                log.warning("history.unreadable", file=path.name, why=type(error).__name__)
                self._set_aside(path)
            except Exception:  # one file must not keep the device from those behind it
                log.exception("history.not_imported", file=path.name)
                self._set_aside(path)

    def _import(self, path: Path) -> None:
        started, tally = time.monotonic(), Tally()
        with _mapped(path) as data:
            size, where = len(data), place(data)
            for batch in batches(data):
                tally += self._keep(batch)
        # Before the file is removed: killed between the two, the next start tells it again, with nothing new.
        self._tell(where, tally)
        path.unlink()
        log.info(
            "history.imported",
            kind=where.kind,
            bytes=size,
            chats=tally.chats,
            messages=tally.messages,
            seconds=round(time.monotonic() - started, 3),
        )

    def _keep(self, batch: Batch) -> Tally:
        try:
            return self._store(batch)
        except Stopped:
            raise
        except Exception:  # a bug in keeping one message must not lose those around it
            singles = list(_singles(batch))
            if len(singles) == 1:
                log.exception("history.message_not_kept")
                return Tally()
        return sum((self._keep(single) for single in singles), Tally())

    def _tell(self, where: Place, tally: Tally) -> None:
        payload = HistoryPayload(
            kind=where.kind,
            progress=where.progress,
            part=where.part,
            chats=tally.chats,
            messages=tally.messages,
        )
        self._committed(self._write(lambda c: event_log.append(c, self._own, HISTORY, "", payload)))

    def _store(self, batch: Batch) -> Tally:
        return self._write(lambda connection: keep(connection, self._own, batch))

    def _write(self, write: Callable[[sqlite3.Connection], T]) -> T:
        if self._stopping.is_set():
            raise Stopped
        gently = partial(self._gently, write)
        return patiently(gently, self._stopping, "history.waiting_for_disk", self._pause)

    def _gently(self, write: Callable[[sqlite3.Connection], T]) -> T:
        """Write, then leave the disk to others for as long as that took."""
        started = time.monotonic()
        outcome = self._shard.write(write).result()
        self._stopping.wait(time.monotonic() - started)
        return outcome

    def _set_aside(self, path: Path) -> None:
        """Keep the file for whoever looks into it, and few of that sort."""
        path.replace(path.with_suffix(".bad"))
        for old in sorted(self._folder.glob("*.bad"))[:-_MOST_BAD]:
            old.unlink()


@contextlib.contextmanager
def _mapped(path: Path) -> Iterator[bytes | mmap.mmap]:
    if path.stat().st_size == 0:
        yield b""
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        yield data


def _singles(batch: Batch) -> Iterator[Batch]:
    """The batch in the smallest pieces."""
    for pair in batch.lids:
        yield Batch(lids=[pair])
    for pair in batch.names:
        yield Batch(names=[pair])
    for part in batch.parts:
        for entries in [[entry] for entry in part.entries] or [[]]:
            yield Batch(parts=[Part(part.chat, entries)])
