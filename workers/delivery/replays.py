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
from workers.delivery.kept import look
from workers.delivery.pace import Pace, pause
from workers.delivery.progress import Progress
from workers.delivery.receiver import Outcome, Receiver
from workers.shard import Shard, deliveries, replays
from workers.shard.deliveries import Done, State
from workers.shard.log import LogRow
from workers.shard.messages import now
from workers.shard.replays import Bounds, Reached, Replay

_BATCH = 64

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
    """Works off the replays of one hook, oldest first; how far they are is kept as the hook's own `progress`.

    `gate` returns when the hook may get something. `told` hears of every attempt.
    """

    def __init__(
        self,
        shard: Shard,
        receiver: Receiver,
        progress: Progress,
        pace: Pace,
        gate: Callable[[], Awaitable[None]],
        told: Callable[[Outcome], None],
    ) -> None:
        self._shard = shard
        self._receiver = receiver
        self._hook = receiver.hook.id
        self._give_up = receiver.hook.give_up * 1000
        self._progress = progress
        self._pace = pace
        self._gate = gate
        self._told = told
        self._at = Reached(0, 0)
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """There is a new replay, or the hook was resumed: a wait ends at once."""
        self._woken.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        over = 0  # its row may still be there
        while True:
            self._woken.clear()
            find = partial(replays.oldest, hook=self._hook, after=over)
            replay = await look(self._shard, find, self._pace)
            if replay is None:
                await self._woken.wait()
            else:
                await self._work_off(replay)
                over = replay.id

    async def _work_off(self, replay: Replay) -> None:
        self._at = Reached(replay.id, replay.cursor, replay.attempts, 0, replay.waited)
        await self._wait(replay.wait)
        while rows := await self._following(replay):
            for row, attempts in rows:
                if self._receiver.wants(row):
                    await self._until_done(row, attempts)
                self._reached(Reached(replay.id, row.seq))
                await self._progress.room()
            replay = msgspec.structs.replace(replay, cursor=self._at.cursor)
        self._progress.replay(replay.id, None)
        log.info("replay.done", hook=self._hook, replay=replay.id)

    async def _following(self, replay: Replay) -> list[tuple[LogRow, int]]:
        """The next events, and how often each was tried before."""

        def read(connection: sqlite3.Connection) -> list[tuple[LogRow, int]]:
            rows = replays.following(connection, self._hook, replay, _BATCH)
            tried = deliveries.attempts(connection, self._hook, (row.seq for row in rows))
            return [(row, tried.get(row.seq, 0)) for row in rows]

        return await look(self._shard, read, self._pace)

    async def _until_done(self, row: LogRow, attempts: int) -> None:
        """Returns when the event was delivered or given up; it was tried so often before."""
        while True:
            await self._gate()
            outcome = await self._receiver.post(row)
            attempts += 1
            self._told(outcome)
            if outcome.delivered:
                self._done(row, "delivered", attempts, outcome)
                return
            if self._at.waited >= self._give_up:
                log.warning("replay.given_up", hook=self._hook, seq=row.seq, why=outcome.error)
                self._done(row, "dead", attempts, outcome)
                return
            self._done(row, "failing", attempts, outcome)
            await self._pause(outcome)

    async def _pause(self, outcome: Outcome) -> None:
        before = self._at
        attempts = before.attempts + 1
        wait = pause(self._pace, attempts, outcome.retry_after)
        length = math.ceil(wait * 1000)
        self._reached(Reached(before.id, before.cursor, attempts, length, before.waited + length))
        waited = min(length, math.ceil(await self._wait(wait) * 1000))
        self._at = Reached(before.id, before.cursor, attempts, 0, before.waited + waited)

    async def _wait(self, seconds: float) -> float:
        """Returns how many seconds passed: fewer when it was woken."""
        clock = asyncio.get_running_loop().time
        began = clock()
        self._woken.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        return clock() - began

    def _reached(self, at: Reached) -> None:
        self._at = at
        self._progress.replay(at.id, at)

    def _done(self, row: LogRow, state: State, attempts: int, outcome: Outcome) -> None:
        done = Done(row.seq, state, attempts, outcome.status, outcome.error, outcome.took, now())
        self._progress.done(done)
