"""Replays of a hook: events that are delivered again, one after the other, beside the new ones."""

import asyncio
import math
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

import msgspec
import structlog

from wagateway.commands.internal import Hook
from wagateway.contract import Problem
from workers.delivery.kept import look
from workers.delivery.pace import Pace, pause
from workers.delivery.receiver import Outcome, Receiver
from workers.shard import Shard, deliveries, replays
from workers.shard.deliveries import Done, State
from workers.shard.log import LogRow
from workers.shard.messages import now
from workers.shard.replays import Bounds, Reached, Replay

_BATCH = 64
_UNSAVED = 512  # attempts that may wait to be saved before no other follows
_DISK_SECONDS = 1.0

log = structlog.get_logger()


class Added(msgspec.Struct, frozen=True):
    """A replay that begins, and how many events the hook's filters let through."""

    id: int
    events: int


async def add(shard: Shard, hook: Hook, bounds: Bounds) -> Added:
    """Have the hook get these events again; raises `Problem`, 404 `EVENTS_NOT_FOUND` when there is none."""
    wants = Receiver(hook, Pace()).wants

    def find(connection: sqlite3.Connection) -> tuple[replays.Selection, int]:
        selection = replays.select(connection, hook.id, bounds)
        return selection, replays.count(connection, hook.id, selection, wants)

    selection, events = await shard.read(find)
    if not events:
        raise replays.nothing_found(bounds.dead)
    write = shard.write(partial(replays.add, hook=hook.id, selection=selection))
    return Added(await asyncio.wrap_future(write), events)


class Replays:
    """Works off the replays of one hook, oldest first.

    `gate` returns when the hook may get something. `told` hears of every attempt.
    """

    def __init__(
        self,
        shard: Shard,
        receiver: Receiver,
        pace: Pace,
        gate: Callable[[], Awaitable[None]],
        told: Callable[[Outcome], None],
    ) -> None:
        self._receiver = receiver
        self._give_up = receiver.hook.give_up * 1000
        self._pace = pace
        self._gate = gate
        self._told = told
        self._record = _Record(shard, receiver.hook.id)
        self._shard = shard
        self._hook = receiver.hook.id
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """There is a new replay, or the hook was resumed: a wait ends at once."""
        self._woken.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        try:
            while True:
                self._woken.clear()
                replay = await look(self._shard, partial(replays.oldest, hook=self._hook), self._pace)
                if replay is None:
                    await self._woken.wait()
                else:
                    await self._work_off(replay)
        finally:
            await self._record.close()

    async def _work_off(self, replay: Replay) -> None:
        record = self._record
        record.at = Reached(replay.id, replay.cursor, replay.attempts, 0, replay.waited)
        await self._wait(replay.wait)
        while rows := await self._following(replay):
            for row in rows:
                if self._receiver.wants(row):
                    await self._until_done(row)
                record.passed(row.seq)
            if record.backlog >= _UNSAVED:
                await self._until_saved()
            replay = msgspec.structs.replace(replay, cursor=rows[-1].seq)
        await self._until_saved()
        while not await record.stored(partial(replays.finish, replay=replay.id)):
            await self._wait(_DISK_SECONDS)
        log.info("replay.done", hook=self._hook, replay=replay.id)

    async def _following(self, replay: Replay) -> list[LogRow]:
        read = partial(replays.following, hook=self._hook, replay=replay, limit=_BATCH)
        return await look(self._shard, read, self._pace)

    async def _until_done(self, row: LogRow) -> None:
        """Returns when the event was delivered or given up."""
        while True:
            await self._gate()
            outcome = await self._receiver.post(row)
            self._told(outcome)
            if outcome.delivered:
                self._record.tried(row, "delivered", outcome)
                return
            if self._record.at.waited >= self._give_up:
                log.warning("replay.given_up", hook=self._hook, seq=row.seq, why=outcome.error)
                self._record.tried(row, "dead", outcome)
                return
            await self._failed(row, outcome)

    async def _failed(self, row: LogRow, outcome: Outcome) -> None:
        before = self._record.at
        attempts = before.attempts + 1
        wait = pause(self._pace, attempts, outcome.retry_after)
        length = math.ceil(wait * 1000)
        self._record.at = Reached(before.id, before.cursor, attempts, length, before.waited + length)
        self._record.tried(row, "failing", outcome)
        waited = min(length, math.ceil(await self._wait(wait) * 1000))
        self._record.at = Reached(before.id, before.cursor, attempts, 0, before.waited + waited)

    async def _wait(self, seconds: float) -> float:
        """Returns how many seconds passed: fewer when it was woken."""
        clock = asyncio.get_running_loop().time
        began = clock()
        self._woken.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        return clock() - began

    async def _until_saved(self) -> None:
        """Returns when every attempt is on disk, which may be full for long."""
        while not await self._record.saved():
            await self._wait(_DISK_SECONDS)


class _Record:
    """Keeps how far a replay is and what became of its events: one save at a time, of all there is."""

    def __init__(self, shard: Shard, hook: str) -> None:
        self.at = Reached(0, 0)
        self._shard = shard
        self._hook = hook
        self._rows: list[Done] = []
        self._changed = False
        self._saving: asyncio.Task[None] | None = None

    def tried(self, row: LogRow, state: State, outcome: Outcome) -> None:
        """What came of an attempt, which is counted with those before."""
        self._rows.append(Done(row.seq, state, 1, outcome.status, outcome.error, outcome.took, now()))
        self._save_soon()

    def passed(self, seq: int) -> None:
        """The replay is done with everything up to this one."""
        self.at = Reached(self.at.id, seq)
        self._save_soon()

    @property
    def backlog(self) -> int:
        """How many attempts wait to be saved."""
        return len(self._rows)

    async def saved(self) -> bool:
        """Returns when no save is under way: whether all could be saved."""
        await asyncio.wait({self._save_soon()})
        return not self._rows

    async def stored(self, write: Callable[[sqlite3.Connection], None]) -> bool:
        """Whether this was written; False while the disk refuses."""
        try:
            await asyncio.wrap_future(self._shard.write(write))
        except Problem:
            return False
        return True

    async def close(self) -> None:
        """Save what is not saved, if it can be."""
        if self._saving is not None:
            await self.saved()

    def _save_soon(self) -> asyncio.Task[None]:
        self._changed = True
        if self._saving is not None and self._saving.done():
            self._saving.result()  # a bug would be here
            self._saving = None
        if self._saving is None:
            self._saving = asyncio.create_task(self._save(), name="save replay")
        return self._saving

    async def _save(self) -> None:
        while self._changed:
            self._changed = False
            rows, self._rows = self._rows, []
            if not await self.stored(partial(_store, hook=self._hook, at=self.at, rows=rows)):
                self._rows = rows + self._rows
                self._changed = True
                return  # the next attempt saves again


def _store(connection: sqlite3.Connection, hook: str, at: Reached, rows: list[Done]) -> None:
    deliveries.record_again(connection, hook, rows)
    replays.save(connection, at)
