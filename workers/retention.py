"""What may stay in the log of a device: what somebody is still to get, what is young, and so much of it."""

import asyncio
import sqlite3
import time
from collections.abc import Callable
from functools import partial
from typing import NoReturn, TypeVar

import structlog

from wagateway.contract import Problem
from wagateway.settings import Settings
from workers.head import Head
from workers.shard import Shard, deliveries, marks, pruning
from workers.shard.messages import now
from workers.shard.pruning import Doomed, Limits

MEGABYTE = 1_000_000
FIRST_SECONDS = 5.0
EVERY_SECONDS = 60.0
COUNT_SECONDS = 5.0
_DAY = 86_400_000  # milliseconds
_HOUR = 3_600_000
_BATCH = 500
_KEPT_DELIVERED = 10_000  # rows per hook
_FASTEST = 10  # times as fast as time passes

T = TypeVar("T")

log = structlog.get_logger()


class Clock:
    """Unix milliseconds by which events age: never ahead of the wall clock, nor ten times faster than time.

    So a wall clock that is wrong by a year for an hour lets events go ten hours early at most, and after a
    week without power what is too old goes within a day. `mark` is how far it was when it was last kept.
    """

    def __init__(
        self,
        mark: int | None,
        wall: Callable[[], int] = now,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wall = wall
        self._steady = steady
        self._at = steady()
        self.mark = wall() if mark is None else mark

    def now(self) -> int:
        """What time it is."""
        at, wall = self._steady(), self._wall()
        most = self.mark + int((at - self._at) * 1000) * _FASTEST
        self._at = at
        # It never goes back: from a clock that stood at 1970 for a moment it would take years to come here.
        self.mark = max(self.mark, min(wall, most))
        return min(wall, self.mark)


class Retention:
    """The rules of one device; `dead` is how many dead letters there are, some seconds ago at most.

    An event stays while a hook, a lane of it or a replay is still to get it, however old it is and however
    much room it takes. A hook that is paused or gone is waited for only while the event is younger than
    `event_days`, a replay only that long after it was asked for. What has been got by all goes once it and
    all before it are older than `event_days`, or oldest first while there are more than `event_megabytes`;
    dead letters go `dead_letter_days` after they were last tried, or when room is short and nothing else may
    go. The file does not shrink: room that becomes free in it is used for what comes.
    """

    def __init__(self, shard: Shard, settings: Settings, head: Head, clock: Clock | None = None) -> None:
        self.dead = 0
        self._gone = 0
        self._shard = shard
        self._head = head
        self._days = settings.event_days
        self._dead_days = settings.dead_letter_days
        self._most = settings.event_megabytes * MEGABYTE
        self._clock = clock
        self._saved = 0

    async def run(self) -> NoReturn:
        """Remove soon and then each minute what may go, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._count_on(), name="count dead letters")
            await asyncio.sleep(FIRST_SECONDS)
            while True:
                await self.prune()
                await asyncio.sleep(EVERY_SECONDS)

    async def prune(self) -> None:
        """Remove what may go now; on a disk that fails it is left for the next time."""
        try:
            gone = await self._prune()
            await self.count()
        except (Problem, sqlite3.Error) as error:
            log.warning("log.not_pruned", why=str(error))
        else:
            if gone:
                log.info("log.pruned", events=gone)

    @property
    def held(self) -> int:
        """How many events the log holds."""
        return self._head.seq - self._gone

    async def count(self) -> None:
        """Count the dead letters, and the events that have gone."""
        self.dead, self._gone = await self._shard.read(
            lambda connection: (deliveries.dead_count(connection), pruning.gone(connection))
        )

    async def _count_on(self) -> None:
        while True:
            seen = self._head.seq
            try:
                await self.count()
            except sqlite3.Error as error:
                log.warning("log.dead_not_counted", why=str(error))
            await asyncio.sleep(COUNT_SECONDS)
            await self._head.beyond(seen)

    async def _prune(self) -> int:
        moment = await self._time()
        limits = Limits(moment - self._days * _DAY if self._days else 0, self._most)
        if self._dead_days:
            await self._forget_letters(moment - self._dead_days * _DAY)
        gone = await self._remove(partial(pruning.too_old, limits=limits), limits, old=True, dead=False)
        for dead in (False, True):
            crowded = partial(pruning.too_many, limits=limits, dead=dead)
            gone += await self._remove(crowded, limits, old=False, dead=dead)
        await self._forget_delivered()
        return gone

    async def _time(self) -> int:
        if self._clock is None:
            self._clock = Clock(await self._shard.read(partial(marks.get, name="log_clock")))
        moment, mark = self._clock.now(), self._clock.mark
        if mark - self._saved >= _HOUR:
            await self._write(partial(marks.put, name="log_clock", at=mark))
            self._saved = mark
        return moment

    async def _remove(self, find: Callable[..., Doomed], limits: Limits, *, old: bool, dead: bool) -> int:
        after = gone = 0
        while True:
            # Looked for beside the writer, so that it is only taken when there is something to remove.
            doomed = await self._shard.read(partial(find, after=after, limit=_BATCH))
            if doomed.seqs:
                write = partial(pruning.remove, limits=limits, seqs=doomed.seqs, old=old, dead=dead)
                gone += await self._write(write)
            if doomed.over:
                return gone
            after = doomed.reached

    async def _forget_letters(self, oldest: int) -> None:
        after: int | None = 0
        while after is not None:
            find = partial(pruning.outlived, oldest=oldest, after=after, limit=_BATCH)
            letters, after = await self._shard.read(find)
            if letters:
                await self._write(partial(pruning.forget_letters, oldest=oldest, letters=letters))

    async def _forget_delivered(self) -> None:
        for hook in await self._shard.read(pruning.hooks):
            forget = partial(deliveries.prune_delivered, hook=hook, keep=_KEPT_DELIVERED)
            while await self._write(forget):
                pass

    async def _write(self, function: Callable[[sqlite3.Connection], T]) -> T:
        return await asyncio.wrap_future(self._shard.write(function))
