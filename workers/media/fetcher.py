"""The files of a device: fetched in the background until they are there, and kept within limits."""

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

import structlog

from wagateway.commands.messages import MediaFile
from wagateway.contract import Problem
from wagateway.settings import Settings
from workers.content import MediaPart
from workers.delivery import Pace
from workers.media import problems
from workers.media.download import Failed, Source, disk
from workers.media.outcomes import Outcomes
from workers.media.retention import MEGABYTE, Retention
from workers.media.store import Store, in_thread
from workers.media.way import Way
from workers.shard import Shard, media, messages
from workers.shard.log import Own
from workers.shard.media import MediaRow

LARGEST = 500 * 1024 * 1024  # bytes
_LARGE = 8 * MEGABYTE
_SLOTS = 3
_SLOTS_FOR_LARGE = 2  # so that small files never wait for large ones only
_PACE = Pace(first=1.0, longest=600.0, timeout=30.0)
_DISK_SECONDS = 30.0
_LONGEST_SLEEP = 60.0  # seconds after which a clock that was set is noticed
_HOUR = 3600.0
_LOST = "the file was not in the device's folder"
_TOUCHED = 3_600_000  # milliseconds: when a file was used is remembered by the hour

T = TypeVar("T")

log = structlog.get_logger()


class Media:
    """The files of one device. Use it on the loop; only `wake` may be called on any thread."""

    def __init__(
        self,
        shard: Shard,
        folder: Path,
        way: Way,
        settings: Settings,
        own: Own,
        pace: Pace = _PACE,
    ) -> None:
        self.outcomes = Outcomes(shard, own, pace)
        self._shard = shard
        self._loop = asyncio.get_running_loop()
        self._executor = ThreadPoolExecutor(2, "media")  # its threads start with the first work
        self._store = Store(folder / "media")
        self._source = Source(way, self._executor, pace.timeout)
        self._retention = Retention(shard, self._store, self._executor, settings)
        # A file that alone is too much would only push out all others before it goes itself.
        self._largest = min(LARGEST, settings.media_megabytes * MEGABYTE or LARGEST)
        self._flying: dict[str, int] = {}
        self._waiting: dict[str, list[asyncio.Future[MediaFile | Problem]]] = {}
        self._more = asyncio.Event()
        self._grown = asyncio.Event()
        self._files = asyncio.Lock()  # held by whoever gives files their names or takes them away

    async def run(self) -> None:
        """Fetch what is wanted and keep to the limits, until cancelled."""
        # One after the other, as each at once would take a thread and a connection of its own.
        await self._tidy(self._retention.settle)
        await self._tidy(self._retention.make_room)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_room(), name="media room")
            while True:
                self._more.clear()
                moment = messages.now()  # of both questions: no turn may come unseen between them
                while (row := await self._next(moment)) is not None:
                    self._flying[row.id] = row.size
                    group.create_task(self._attempt(row), name="media download")
                await self._rest(await self._shard.read(partial(media.next_turn, moment=moment)))

    def wake(self) -> None:
        """There may be more to fetch."""
        with suppress(RuntimeError):  # the loop is closed: the next start sees it
            self._loop.call_soon_threadsafe(self._more.set)

    async def fetch(self, media_id: str, within: float) -> MediaFile:
        """The file, downloaded first if it is not there, in at most so many seconds.

        Raises 404 `MEDIA_NOT_FOUND`, 410 `MEDIA_EXPIRED`, 502 `MEDIA_UNAVAILABLE`, 507 `STORAGE_FULL`, 503
        `STORAGE_FAILED`, or 504 `GATEWAY_TIMEOUT` while the download goes on.
        """
        answer: asyncio.Future[MediaFile | Problem] = self._loop.create_future()
        waiting = self._waiting.setdefault(media_id, [])
        waiting.append(answer)
        try:
            async with asyncio.timeout(within):
                outcome = await self._present(media_id) or await answer
        except TimeoutError:
            raise problems.slow() from None
        finally:
            waiting.remove(answer)
            if not waiting:
                del self._waiting[media_id]
        if isinstance(outcome, Problem):
            raise outcome
        return outcome

    async def fetch_part(self, part: MediaPart, message_id: str, chat: str, within: float) -> MediaFile:
        """The file of this message, as `fetch`; its link is used if no other one worked."""
        if await self._shard.read(partial(media.differs, part=part)):
            await self._write(lambda connection: media.refresh(connection, part, message_id, chat))
        return await self.fetch(part.id, within)

    async def reachable(self, media_id: str) -> bool:
        """Whether WhatsApp still has the file; False where that cannot be found out now."""
        row = await self._shard.read(partial(media.find, media_id=media_id))
        if row is None or row.state == "expired":
            return False
        try:
            return await self._source.has(row)
        except Failed as failure:
            log.info("media.reach_unknown", media_id=media_id, why=failure.why)
            return False

    async def close(self) -> None:
        """Close the connections; `run` was cancelled before."""
        await self._source.close()
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def _present(self, media_id: str) -> MediaFile | None:
        """The file if it is there; None when it is being fetched now."""
        while media_id not in self._flying:
            row = await self._shard.read(partial(media.find, media_id=media_id))
            if row is None:
                raise problems.not_found()
            if row.state == "expired":
                raise problems.expired(row.reason)
            if row.state == "ready":
                size = await self._thread(partial(self._store.size_of, media_id))
                if size is not None:
                    await self._used(row)
                    return self._file(row, size)
                await self._write(lambda connection: media.save_removed(connection, [media_id], _LOST))
            if await self._write(lambda connection: media.want(connection, media_id)):
                self._more.set()
                break
        return None

    async def _used(self, row: MediaRow) -> None:
        if abs(messages.now() - row.used_at) > _TOUCHED:
            with suppress(Problem):  # a full disk must not keep anybody from reading
                await self._write(lambda connection: media.touch(connection, row.id))

    async def _next(self, moment: int) -> MediaRow | None:
        if len(self._flying) >= _SLOTS:
            return None
        large = sum(size > _LARGE for size in self._flying.values())
        largest = media.ANY_SIZE if large < _SLOTS_FOR_LARGE else _LARGE
        skip = frozenset(self._flying)
        return await self._shard.read(partial(media.next_wanted, moment=moment, largest=largest, skip=skip))

    async def _rest(self, seconds: float | None) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(None if seconds is None else min(seconds, _LONGEST_SLEEP)):
                await self._more.wait()

    async def _attempt(self, row: MediaRow) -> None:
        try:
            outcome = await self._outcome(row)
        except Problem as problem:  # the shard cannot keep what came of it: all of it again, but not at once
            self._answer(row.id, problem)
            await asyncio.sleep(_DISK_SECONDS)
            outcome = problem
        finally:
            del self._flying[row.id]
            self._more.set()
        self._answer(row.id, outcome)

    async def _outcome(self, row: MediaRow) -> MediaFile | Problem:
        try:
            return await self._get(row)
        except Problem:
            raise
        except Failed as failure:
            return await self.outcomes.failed(row, failure)
        except Exception:  # a bug that one file shows must not end the worker, again after every start
            log.exception("media.bug", media_id=row.id)
            return await self.outcomes.failed(row, Failed("the file cannot be handled", "failed"))

    async def _get(self, row: MediaRow) -> MediaFile:
        try:
            part = await self._thread(self._store.new_part)
            try:
                size = await self._kept(row, part)
            finally:
                await self._thread(partial(self._store.remove, [part]))
        except OSError as error:
            raise disk(error) from error
        self._grown.set()
        return self._file(row, size)

    async def _kept(self, row: MediaRow, part: Path) -> int:
        size = await self._thread(partial(self._store.size_of, row.id))
        if size is None:  # else an earlier worker got as far as that
            await self._source.download(row, part, self._largest)
        async with self._files:
            if size is None:
                size = await self._thread(partial(self._store.keep, part, row.id))
            await self.outcomes.ready(row, size)
        return size

    def _answer(self, media_id: str, outcome: MediaFile | Problem) -> None:
        for answer in self._waiting.get(media_id, ()):
            if not answer.done():
                answer.set_result(outcome)

    async def _keep_room(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_HOUR):
                    await self._grown.wait()
            self._grown.clear()
            await self._tidy(self._retention.make_room)

    async def _tidy(self, work: Callable[[], Coroutine[None, None, None]]) -> None:
        try:
            async with self._files:
                await work()
        except (OSError, Problem) as error:  # what stays too long is tried again in an hour
            log.warning("media.not_tidied", why=str(error))

    def _file(self, row: MediaRow, size: int) -> MediaFile:
        return MediaFile(str(self._store.path_of(row.id)), size, row.mime_type)

    async def _thread(self, function: Callable[[], T]) -> T:
        return await in_thread(self._executor, function)

    async def _write(self, function: Callable[[sqlite3.Connection], T]) -> T:
        return await asyncio.wrap_future(self._shard.write(function))
