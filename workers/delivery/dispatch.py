"""The dispatch of a hook's events: each is tried when its lane's turn comes, and has its consequences."""

import asyncio
from functools import partial
from urllib.parse import urlsplit

import msgspec
import structlog

from wagateway.commands.internal import Hook
from wagateway.commands.webhooks import HookState
from workers.delivery.kept import Kept, look
from workers.delivery.lane import Lane, restored
from workers.delivery.letters import Letters
from workers.delivery.outage import Outage
from workers.delivery.pace import Pace, pause
from workers.delivery.progress import Progress
from workers.delivery.receiver import Outcome, Receiver
from workers.delivery.turns import Turns
from workers.delivery.window import Window
from workers.shard import Shard
from workers.shard.deliveries import Done, State
from workers.shard.hooks import HookRow
from workers.shard.lanes import old_until, read_chat
from workers.shard.log import LogRow
from workers.shard.messages import now

_OF_A_CHAT = 16  # events of a lane that are read at a time: many lanes may do it at once
_MOST_LANES = 10_000  # beyond these the main reader waits

log = structlog.get_logger()


class Dispatch:
    """The main reader gives it events; `gone` is set by a 410, `moved` whenever a lane had its turn."""

    def __init__(self, shard: Shard, hook: Hook, kept: Kept, pace: Pace) -> None:
        self._clock = asyncio.get_running_loop().time
        self._shard = shard
        self._hook = hook
        self._pace = pace
        self._last = kept.row
        self._failing = False
        self._letters = Letters(hook.id)
        self.host = urlsplit(hook.url).hostname or ""
        self.gone = asyncio.Event()
        self.moved = asyncio.Event()
        self.window = Window(kept.row.cursor)
        self.progress = Progress(shard, self.newest, pace)
        self.turns = Turns(_lanes(kept, self._clock()), Outage(kept.row, self._clock()), pace)
        self.lanes = self.turns.lanes

    def newest(self) -> HookRow:
        """The hook as it is to be remembered."""
        outage = self.turns.outage
        state: HookState = "gone" if self.gone.is_set() else self._last.state
        return msgspec.structs.replace(
            self._last,
            cursor=self.window.cursor,
            state=state,
            attempts=outage.attempts,
            pause=outage.pause,
            left=max(0.0, outage.due - self._clock()) if outage.down else 0.0,
            down=outage.waited,
        )

    @property
    def full(self) -> bool:
        """Whether the main reader must wait."""
        return self.window.full or len(self.lanes) >= _MOST_LANES

    def begin(self) -> None:
        """Go on where it was."""
        for lane in self.lanes.values():
            # Once more, should the last save of an earlier run have failed.
            self.progress.lane(lane.chat, lane.row(self._clock()))
        self.turns.begin()

    def end(self) -> None:
        """Stop; what was read and not delivered is remembered as lanes, so that nothing comes twice."""
        self.turns.end()
        for lane in self.lanes.values():
            self._fall_behind(lane)
        self._letters.flush()
        self.progress.at_last()

    def take(self, row: LogRow) -> None:
        """An event that the main reader read and the receiver wants."""
        lane = self.lanes.get(row.chat)
        if lane is None:
            lane = self.lanes[row.chat] = Lane(row.chat)
            self.turns.enter(lane)
        if not lane.behind:
            lane.rows.append(row)
            self.window.add(row)
        elif row.seq > lane.latest:
            lane.latest = row.seq
            lane.waiting += 1

    def replayed(self, outcome: Outcome) -> None:
        """The receiver said this to an event of a replay: what it takes shows that it works."""
        if outcome.delivered:
            self._took(outcome)
            self.progress.soon()
        elif outcome.gone:
            self._end_for_good()

    def read_up_to(self, seq: int, *, all_read: bool) -> None:
        """The main reader came so far."""
        self.window.read = seq
        self.progress.soon()
        self.turns.all_read(all_read=all_read)

    async def work(self, receiver: Receiver) -> None:
        """Deliver one event at a time until cancelled."""
        while True:
            lane = await self.turns.next()
            await self._turn(lane, receiver)
            self.turns.over(lane)
            self.moved.set()
            await self.progress.room()
            if self.turns.outage.down:
                await asyncio.sleep(0)  # who gives up many must let others have the loop

    async def _turn(self, lane: Lane, receiver: Receiver) -> None:
        if self.turns.barred(lane, lane.next):
            self.turns.hold(lane)
            return
        latest = lane.latest
        rows = await self._of_chat(lane, latest) if lane.behind else [lane.rows[0]]
        for row in rows:
            if receiver.wants(row) and not await self._attempt(lane, row, receiver):
                return
        if lane.behind:
            lane.cursor = rows[-1].seq if len(rows) == _OF_A_CHAT else max(latest, lane.cursor)
        self._enter_or_leave(lane)

    async def _of_chat(self, lane: Lane, latest: int) -> list[LogRow]:
        read = partial(read_chat, chat=lane.chat, after=lane.cursor, last=latest, limit=_OF_A_CHAT)
        return await look(self._shard, read, self._pace)

    def _enter_or_leave(self, lane: Lane) -> None:
        if lane.cursor < lane.latest if lane.behind else lane.rows:
            self.turns.enter(lane)
            return
        self.turns.leave(lane)
        if lane.behind:
            self.progress.lane(lane.chat, None)
            whole = not self.turns.outage.down and not any(one.behind for one in self.lanes.values())
            if self._failing and whole:
                self._failing = False
                log.info("hook.recovered", hook=self._hook.id, host=self.host)

    async def _attempt(self, lane: Lane, row: LogRow, receiver: Receiver) -> bool:
        """Try an event; False when the lane must wait now."""
        if row.seq <= self.turns.expired:
            self._letters.one_of_many(row.seq, self._last.last_error)
            self._dead(lane, row, Outcome(False, self._last.last_status, self._last.last_error, 0))
            return True
        if self.turns.barred(lane, row.seq):
            self.turns.hold(lane)
            return False
        outcome = await receiver.post(row)
        if outcome.delivered:
            self._done(row, "delivered", lane.attempts + 1, outcome)
            self._settle(lane, row)
            self._took(outcome)
            return True
        self._note(outcome)
        return await self._failed(lane, row, outcome)

    async def _failed(self, lane: Lane, row: LogRow, outcome: Outcome) -> bool:
        lane.attempts += 1
        if not self._failing:
            self._failing = True
            log.warning("hook.failing", hook=self._hook.id, host=self.host, why=outcome.error)
        if outcome.gone:
            self._end_for_good()
            return False
        await self._endpoint_failed(lane, outcome)
        if lane.waited >= self._hook.give_up:
            self._letters.one(row.seq, outcome.error)
            self._dead(lane, row, outcome)
            return True
        self._done(row, "failing", lane.attempts, outcome)
        self._fall_behind(lane)
        if self.turns.outage.down:
            self.turns.hold(lane)
        else:
            lane.pause = pause(self._pace, lane.attempts, 0)
            self.turns.wait(lane, lane.pause)
        self.progress.lane(lane.chat, lane.row(self._clock()))
        return False

    def _took(self, outcome: Outcome) -> None:
        self._note(outcome, delivered_at=now())
        self.turns.succeeded()

    def _end_for_good(self) -> None:
        if not self.gone.is_set():
            log.warning("hook.gone", hook=self._hook.id, host=self.host)
            self.gone.set()

    async def _endpoint_failed(self, lane: Lane, outcome: Outcome) -> None:
        outage = self.turns.outage
        was_down = outage.down
        if not self.turns.failed(lane, outcome.retry_after) or not outage.down:
            return
        if not was_down:
            log.warning("hook.down", hook=self._hook.id, host=self.host, why=outcome.error)
        elif outage.waited >= self._hook.give_up:
            behind = [one.cursor for one in self.lanes.values() if one.behind]
            after = max(self.turns.expired, min([self.window.cursor, *behind]))
            old = partial(old_until, after=after, age=self._hook.give_up)
            self.turns.expire(await look(self._shard, old, self._pace))

    def _dead(self, lane: Lane, row: LogRow, outcome: Outcome) -> None:
        self._done(row, "dead", lane.attempts, outcome)
        self._settle(lane, row)

    def _done(self, row: LogRow, state: State, attempts: int, outcome: Outcome) -> None:
        done = Done(row.seq, state, attempts, outcome.status, outcome.error, outcome.took, now())
        self.progress.done(done)

    def _note(self, outcome: Outcome, delivered_at: int | None = None) -> None:
        self._last = msgspec.structs.replace(
            self._last,
            last_status=outcome.status,
            last_error=outcome.error,
            delivered_at=self._last.delivered_at if delivered_at is None else delivered_at,
        )

    def _settle(self, lane: Lane, row: LogRow) -> None:
        lane.passed(row.seq)
        if lane.behind:
            self.progress.lane(lane.chat, lane.row(self._clock()))
        else:
            lane.rows.popleft()
            self.window.finish(row)
            self.progress.soon()

    def _fall_behind(self, lane: Lane) -> None:
        if not lane.behind:
            for row in lane.fall_behind():
                self.window.finish(row)
            self.progress.lane(lane.chat, lane.row(self._clock()))


def _lanes(kept: Kept, time: float) -> dict[str, Lane]:
    latest, waiting = kept.row.cursor, kept.waiting
    return {row.chat: restored(row, latest, waiting.get(row.chat, 0), time) for row in kept.lanes}
