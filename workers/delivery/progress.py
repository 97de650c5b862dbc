"""The progress of a hook and its replays as the shard keeps it: one save at a time, of the newest state."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import msgspec

from wagateway.contract import Problem
from workers.delivery.pace import Pace, pause_for_disk
from workers.shard import Shard, deliveries, replays
from workers.shard.deliveries import Done
from workers.shard.hooks import HookRow, save_hook
from workers.shard.lanes import LaneRow, remove_lanes, save_lanes
from workers.shard.replays import Reached

_MOST = 4096  # deliveries that are not saved yet
_BETWEEN = 0.02  # seconds from one save to the next: the disk is for others, too


class _Batch(msgspec.Struct, frozen=True):
    row: HookRow
    lanes: dict[str, LaneRow | None]
    replays: dict[int, Reached | None]
    done: list[Done]


class Progress:
    """A lane is saved in one transaction with the cursor that passes it, so that nothing falls between.

    `newest` makes the row of the hook as it is at the moment.
    """

    def __init__(self, shard: Shard, newest: Callable[[], HookRow], pace: Pace) -> None:
        self._shard = shard
        self._newest = newest
        self._pace = pace
        self._lanes: dict[str, LaneRow | None] = {}
        self._replays: dict[int, Reached | None] = {}
        self._done: list[Done] = []
        self._changed = asyncio.Event()
        self._roomy = asyncio.Event()
        self._roomy.set()

    def soon(self) -> None:
        """Something changed, if only the cursor."""
        self._changed.set()

    def lane(self, chat: str, row: LaneRow | None) -> None:
        """The lane is like that now; None when it caught up."""
        self._lanes[chat] = row
        self._changed.set()

    def replay(self, number: int, reached: Reached | None) -> None:
        """The replay of this id is so far; None when it is done with."""
        self._replays[number] = reached
        self._changed.set()

    def done(self, one: Done) -> None:
        """What became of an event."""
        self._done.append(one)
        self._changed.set()
        if len(self._done) >= _MOST:
            self._roomy.clear()

    async def room(self) -> None:
        """Returns once more can be remembered: a disk that is full for long must not fill the memory."""
        await self._roomy.wait()

    async def run(self) -> None:
        """Save until cancelled."""
        failures = 0
        while True:
            await self._changed.wait()
            self._changed.clear()
            batch = self._take()
            try:
                await asyncio.wrap_future(self._shard.write(partial(_store, batch=batch), lazy=True))
            except (Problem, asyncio.CancelledError) as error:
                self._put_back(batch)
                if isinstance(error, asyncio.CancelledError):
                    raise
                failures += 1
                self._changed.set()
                await asyncio.sleep(pause_for_disk(self._pace, failures))
            else:
                failures = 0
                self._roomy.set()
                await asyncio.sleep(_BETWEEN)

    def at_last(self) -> None:
        """Have the newest state saved, without waiting for it."""
        # Nothing is taken out: should this fail and the hook go on, the next save brings it again.
        batch = _Batch(self._newest(), dict(self._lanes), dict(self._replays), list(self._done))
        with suppress(Problem):
            self._shard.write(partial(_store, batch=batch))

    def _take(self) -> _Batch:
        batch = _Batch(self._newest(), self._lanes, self._replays, self._done)
        self._lanes, self._replays, self._done = {}, {}, []
        return batch

    def _put_back(self, batch: _Batch) -> None:
        self._lanes = batch.lanes | self._lanes
        self._replays = batch.replays | self._replays
        self._done = batch.done + self._done


def _store(connection: sqlite3.Connection, batch: _Batch) -> None:
    hook = batch.row.id
    save_hook(connection, batch.row)
    save_lanes(connection, hook, [row for row in batch.lanes.values() if row is not None])
    remove_lanes(connection, hook, [chat for chat, row in batch.lanes.items() if row is None])
    deliveries.record(connection, hook, batch.done)
    for number, reached in batch.replays.items():
        if reached is None:
            replays.finish(connection, number)
        else:
            replays.save(connection, reached)
