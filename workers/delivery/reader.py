"""The reader of one hook: takes events from the log and has them delivered while the hook is active."""

import asyncio
import sqlite3
from functools import partial

from wagateway.commands.internal import Hook
from workers.delivery.dispatch import Dispatch
from workers.delivery.kept import Kept, look
from workers.delivery.pace import Pace
from workers.delivery.rate import Rate
from workers.delivery.receiver import Receiver
from workers.delivery.replays import Replays
from workers.delivery.views import HookView
from workers.head import Head
from workers.shard import Shard
from workers.shard import log as event_log
from workers.shard.log import LogRow

_BATCH = 16


class Reader:
    """One hook with its configuration as it was when this was made; `run` may be called again."""

    def __init__(self, shard: Shard, hook: Hook, kept: Kept, head: Head, pace: Pace, rate: Rate) -> None:
        self.hook = hook
        self._shard = shard
        self._head = head
        self._pace = pace
        self._rate = rate
        self._dispatch = Dispatch(shard, hook, kept, pace)
        self._replays: Replays | None = None

    @property
    def active(self) -> bool:
        """Whether anything is to be delivered."""
        return self._dispatch.newest().state == "active"

    @property
    def down(self) -> bool:
        """Whether the hook as a whole fails, and is waited for."""
        return self._dispatch.newest().pause > 0

    @property
    def gone(self) -> bool:
        """Whether the receiver said that it is no more."""
        return self._dispatch.newest().state == "gone"

    def lag(self) -> int:
        """How many events are to come, as far as is known without looking at each."""
        window = self._dispatch.window
        behind = sum(lane.waiting for lane in self._dispatch.lanes.values())
        return max(0, self._head.seq - window.read) + window.unfinished + behind

    def view(self) -> HookView:
        """How it goes."""
        row = self._dispatch.newest()
        return HookView(
            hook=self.hook,
            state=row.state,
            cursor=row.cursor,
            lag=self.lag(),
            blocked_chats=sum(lane.attempts > 0 for lane in self._dispatch.lanes.values()),
            down=self.down,
            failures=row.attempts,
            retry_in=row.left,
            last_status=row.last_status,
            last_error=row.last_error,
            delivered_at=row.delivered_at,
        )

    def wake_replays(self) -> None:
        """There is a new replay."""
        if self._replays is not None:
            self._replays.wake()

    async def run(self) -> None:
        """Deliver until cancelled, or until the receiver is gone."""
        dispatch = self._dispatch
        try:
            async with Receiver(self.hook, self._pace) as receiver, asyncio.TaskGroup() as group:
                dispatch.begin()
                self._replays = Replays(
                    self._shard, receiver, dispatch.progress, self._pace, self._clear, dispatch.replayed
                )
                tasks = [
                    group.create_task(work, name=f"hook {dispatch.host}")
                    for work in (
                        self._read(receiver),
                        *(dispatch.work(receiver) for _ in range(self.hook.concurrency)),
                        dispatch.progress.run(),
                        self._replays.run(),
                    )
                ]
                await dispatch.gone.wait()
                for task in tasks:
                    task.cancel()
        finally:
            self._replays = None
            dispatch.end()

    async def _read(self, receiver: Receiver) -> None:
        window = self._dispatch.window
        while True:
            self._dispatch.read_up_to(window.read, all_read=window.read >= self._head.seq)
            await self._head.beyond(window.read)
            while self._dispatch.full:
                self._dispatch.moved.clear()
                await self._dispatch.moved.wait()
            rows, newest = await look(self._shard, partial(_following, cursor=window.read), self._pace)
            wanted = [row for row in rows if receiver.wants(row)]
            for row in wanted:
                self._dispatch.take(row)
            # Without any, retention has taken what was to come.
            window.read = rows[-1].seq if rows else max(newest, window.read)
            if len(rows) == _BATCH:
                await self._rate.spend(len(wanted))

    async def _clear(self) -> None:
        await self._rate.spend(1)
        await self._dispatch.turns.up.wait()


def _following(connection: sqlite3.Connection, cursor: int) -> tuple[list[LogRow], int]:
    return event_log.read_after(connection, cursor, _BATCH), event_log.last_seq(connection)
