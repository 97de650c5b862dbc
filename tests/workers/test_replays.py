"""A replay delivers exactly the events that are meant, in order, as often as it takes."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Callable
from functools import partial

import msgspec
import pytest

from tests.workers.conftest import ALICE, BOB, NOON, rows
from tests.workers.test_deliveries import done, kept, log_events, record
from wagateway.commands.internal import Hook
from wagateway.contract import Problem
from wagateway.problems import storage_full
from workers.delivery import Outcome, Pace, Receiver, progress
from workers.delivery.progress import Progress
from workers.delivery.replays import Added, Replays, add
from workers.shard import Shard, hooks, messages, replays
from workers.shard.hooks import HookRow
from workers.shard.log import LogRow
from workers.shard.replays import Bounds

FAST = Pace(first=0.001, longest=0.002)
SLOW = Pace(first=300.0)
HOOK = Hook(id="a", url="http://127.0.0.1:1/", secret="s")
FAILED = Outcome(False, 500, "HTTP 500", 1)
TAKEN = Outcome(True, 200, "", 2)


class Scripted(Receiver):
    """Answers with what is in `answers`, then takes all; `hold` stops it before an event's answer."""

    def __init__(self, hook: Hook = HOOK) -> None:
        super().__init__(hook, FAST)
        self.answers: list[Outcome] = []
        self.tried: list[int] = []
        self.hold = 0
        self._changed = asyncio.Condition()

    async def post(self, row: LogRow) -> Outcome:
        async with self._changed:
            self.tried.append(row.seq)
            self._changed.notify_all()
        if row.seq == self.hold:
            await asyncio.Event().wait()
        return self.answers.pop(0) if self.answers else TAKEN

    async def until(self, tried: int) -> None:
        async with asyncio.timeout(10), self._changed:
            await self._changed.wait_for(lambda: len(self.tried) >= tried)


async def open_gate() -> None:
    """Lets all through."""


def unheard(_: Outcome) -> None:
    """Nobody asks what came of an attempt."""


@contextlib.asynccontextmanager
async def progressing(shard: Shard) -> AsyncIterator[Progress]:
    """The progress of the hook, saved until the end."""
    made = Progress(shard, lambda: HookRow(id=HOOK.id, cursor=0), FAST)
    task = asyncio.create_task(made.run())
    try:
        yield made
    finally:
        await ended(task)
        made.at_last()


async def ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


@contextlib.asynccontextmanager
async def running(
    shard: Shard,
    receiver: Scripted,
    give_up: float = 3600,
    pace: Pace = FAST,
    told: Callable[[Outcome], None] = unheard,
) -> AsyncIterator[Replays]:
    receiver.hook = msgspec.structs.replace(receiver.hook, give_up=give_up)
    async with progressing(shard) as kept_by:
        made = Replays(shard, receiver, kept_by, pace, open_gate, told)
        task = asyncio.create_task(made.run())
        try:
            yield made
        finally:
            await ended(task)


async def all_done(shard: Shard) -> None:
    async with asyncio.timeout(10):
        while await shard.read(lambda connection: connection.execute("SELECT 1 FROM replays").fetchone()):
            await asyncio.to_thread(rows, shard, "SELECT 1")


async def replayed(shard: Shard, receiver: Scripted, give_up: float = 3600) -> list[int]:
    async with running(shard, receiver, give_up):
        await all_done(shard)
    return receiver.tried


def added(shard: Shard, **bounds: object) -> asyncio.Future[Added]:
    return asyncio.ensure_future(add(shard, HOOK, Bounds(**bounds)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ({"event_id": "evt_3"}, [3]),
        ({"from_seq": 2, "to_seq": 4}, [2, 3, 4]),
        ({"from_seq": 5}, [5, 6]),
        ({"to_seq": 2}, [1, 2]),
        ({"to_seq": 99}, [1, 2, 3, 4, 5, 6]),
        ({}, [1, 2, 3, 4, 5, 6]),
        ({"from_time": NOON + 2, "to_time": NOON + 3}, [2, 3]),
        ({"from_time": NOON + 5}, [5, 6]),
        ({"to_time": NOON + 1}, [1]),
        ({"from_seq": 3, "to_time": NOON + 4}, [3, 4]),
        ({"dead": True}, [2, 5]),
        ({"dead": True, "from_seq": 3}, [5]),
        ({"dead": True, "to_time": NOON + 4}, [2]),
    ],
)
async def test_exactly_the_events_that_are_meant_are_delivered_in_order(
    shard: Shard, bounds: dict[str, object], expected: list[int]
) -> None:
    log_events(shard, 6)
    record(shard, "a", [done(2, "dead"), done(3, "failing"), done(4), done(5, "dead")])
    record(shard, "b", [done(1, "dead"), done(6, "dead")])
    assert len(expected) == (await added(shard, **bounds)).events
    assert expected == await replayed(shard, Scripted())


@pytest.mark.parametrize(
    "bounds",
    [
        {"event_id": "evt_9"},
        {"from_seq": 7},
        {"from_time": NOON + 7},
        {"dead": True},
        {"from_seq": 5, "to_time": NOON + 4},
    ],
)
async def test_a_replay_of_nothing_is_refused(shard: Shard, bounds: dict[str, object]) -> None:
    log_events(shard, 6)
    with pytest.raises(Problem) as raised:
        await added(shard, **bounds)
    assert (404, "EVENTS_NOT_FOUND") == (raised.value.status, raised.value.code)
    assert [] == rows(shard, "SELECT * FROM replays")


async def test_what_the_filters_do_not_let_through_is_neither_counted_nor_delivered(shard: Shard) -> None:
    log_events(shard, 2)
    log_events(shard, 1, kind="group.updated")
    log_events(shard, 1, body=b'{"payload":{"chat_id":"%s"}}' % BOB.encode())
    log_events(shard, 1)
    hook = Hook(id="a", url="http://a/", secret="s", events=["message"], ignore_jids=[BOB])
    assert 3 == (await add(shard, hook, Bounds())).events
    assert [1, 2, 5] == await replayed(shard, Scripted(hook))
    with pytest.raises(Problem, match="No event"):
        await add(shard, hook, Bounds(from_seq=3, to_seq=4))


async def test_replays_are_worked_off_one_after_the_other_and_leave_nothing(shard: Shard) -> None:
    log_events(shard, 4)
    first, second = await added(shard, from_seq=3), await added(shard, to_seq=2)
    assert first.id < second.id
    assert [3, 4, 1, 2] == await replayed(shard, Scripted())
    assert [] == rows(shard, "SELECT * FROM replays")


async def test_a_replay_that_is_added_later_begins_when_it_wakes(shard: Shard) -> None:
    log_events(shard, 3)
    receiver = Scripted()
    async with running(shard, receiver) as runner:
        await added(shard, event_id="evt_2")
        runner.wake()
        await receiver.until(1)
        await all_done(shard)
        await added(shard, event_id="evt_3")
        runner.wake()
        await receiver.until(2)
    assert [2, 3] == receiver.tried


async def test_a_dead_letter_that_is_delivered_is_dead_no_more_and_attempts_count_on(shard: Shard) -> None:
    log_events(shard, 2)
    record(shard, "a", [done(1, "dead", 7), done(2, "delivered", 1)])
    await added(shard)
    receiver = Scripted()
    receiver.answers = [FAILED, FAILED, TAKEN]
    assert [1, 1, 1, 2] == await replayed(shard, receiver)
    assert [(1, "delivered", 10), (2, "delivered", 2)] == kept(shard)


async def test_an_event_that_is_given_up_is_a_dead_letter_and_the_replay_goes_on(shard: Shard) -> None:
    log_events(shard, 3)
    await added(shard)
    receiver = Scripted()
    receiver.answers = [TAKEN, FAILED]
    assert [1, 2, 3] == await replayed(shard, receiver, give_up=0)
    assert [(1, "delivered", 1), (2, "dead", 1), (3, "delivered", 1)] == kept(shard)
    assert [("HTTP 500", 500)] == rows(shard, "SELECT error, status FROM deliveries WHERE state = 'dead'")


async def test_giving_up_takes_the_sum_of_the_waits(shard: Shard) -> None:
    log_events(shard, 1)
    await added(shard)
    receiver = Scripted()
    receiver.answers = [FAILED] * 100
    tried = await replayed(shard, receiver, give_up=0.01)
    assert 3 <= len(tried) <= 11
    assert [(1, "dead", len(tried))] == kept(shard)


async def test_a_dead_letter_that_waits_is_found_again_after_a_restart(shard: Shard) -> None:
    log_events(shard, 3)
    record(shard, "a", [done(2, "dead", 4), done(3, "dead", 4)])
    await added(shard, dead=True)
    first = Scripted()
    first.answers = [FAILED]
    async with running(shard, first, pace=SLOW):
        await first.until(1)
        await until_waiting(shard)
    assert [(1, 1, 2)] == rows(
        shard, "SELECT attempts, waited = pause AND pause >= 240000, cursor + 1 FROM replays"
    )
    assert [(2, "dead", 5), (3, "dead", 4)] == kept(shard)
    second = Scripted()
    async with running(shard, second) as runner:
        await until_waiting(shard)
        while not second.tried:
            runner.wake()  # the wait goes on after the restart; whoever resumes ends it
            await asyncio.to_thread(rows, shard, "SELECT 1")
        await all_done(shard)
    assert [2, 3] == second.tried
    assert [(2, "delivered", 6), (3, "delivered", 5)] == kept(shard)


async def until_waiting(shard: Shard) -> None:
    async with asyncio.timeout(10):
        while not await shard.read(lambda c: c.execute("SELECT 1 FROM replays WHERE pause > 0").fetchone()):
            await asyncio.to_thread(rows, shard, "SELECT 1")


async def test_no_clock_makes_a_wait_longer(shard: Shard, monkeypatch: pytest.MonkeyPatch) -> None:
    log_events(shard, 1)
    number = (await added(shard)).id
    reached = replays.Reached(number, 0, 3, 4000, 9000)
    shard.write(partial(replays.save, reached=reached)).result()
    real = messages.now()
    for clock, least, most in ((real, 3, 4), (real - 86_400_000, 4, 4), (real + 86_400_000, 0, 0)):
        monkeypatch.setattr(replays, "now", lambda clock=clock: clock)
        replay = await shard.read(partial(replays.oldest, hook="a"))
        assert replay is not None
        assert least <= replay.wait <= most
        assert (3, 9000) == (replay.attempts, replay.waited)


async def test_nothing_is_lost_where_a_worker_is_killed(shard: Shard) -> None:
    log_events(shard, 200)
    await added(shard)
    killed = Scripted()
    killed.hold = 150
    async with progressing(shard) as kept_by:
        dying = Replays(shard, killed, kept_by, FAST, open_gate, unheard)
        task = asyncio.create_task(dying.run())
        await killed.until(150)
        successor = Scripted()  # reads what is on the disk now, while the other has not said goodbye
        assert list(range(successor_starts := (await replayed(shard, successor))[0], 201)) == successor.tried
        assert 1 <= successor_starts <= 150
        await ended(task)
    assert {"delivered"} == {state for _, state, _ in kept(shard)}
    assert list(range(1, 201)) == [seq for seq, _, _ in kept(shard)]


async def test_who_is_stopped_saves_how_far_it_came(shard: Shard) -> None:
    log_events(shard, 200)
    await added(shard)
    receiver = Scripted()
    receiver.hold = 150
    async with running(shard, receiver):
        await receiver.until(150)
    assert [(149,)] == rows(shard, "SELECT cursor FROM replays")
    assert list(range(1, 150)) == [seq for seq, _, _ in kept(shard)]


async def test_nothing_is_delivered_while_the_gate_is_shut(shard: Shard) -> None:
    log_events(shard, 1)
    await added(shard)
    receiver, reached, gate = Scripted(), asyncio.Event(), asyncio.Event()

    async def shut() -> None:
        reached.set()
        await gate.wait()

    async with progressing(shard) as kept_by:
        task = asyncio.create_task(Replays(shard, receiver, kept_by, FAST, shut, unheard).run())
        await reached.wait()
        assert [] == receiver.tried
        gate.set()
        await receiver.until(1)
        await all_done(shard)
        await ended(task)


async def test_every_attempt_is_told(shard: Shard) -> None:
    log_events(shard, 1)
    await added(shard)
    receiver, told = Scripted(), list[Outcome]()
    gone = Outcome(False, 410, "HTTP 410", 1, gone=True)
    receiver.answers = [gone, TAKEN]
    async with running(shard, receiver, told=told.append):
        await all_done(shard)
    assert [gone, TAKEN] == told


async def test_a_full_disk_loses_no_attempt(shard: Shard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_MOST", 10)
    log_events(shard, 100)
    await added(shard)
    real, refused = progress._store, 0

    def full(*arguments: object, **named: object) -> None:
        nonlocal refused
        refused += 1
        if refused <= 5:
            raise storage_full()
        real(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(progress, "_store", full)
    assert list(range(1, 101)) == await replayed(shard, Scripted())
    assert [(seq, "delivered", 1) for seq in range(1, 101)] == kept(shard)


async def test_a_disk_that_cannot_be_read_is_tried_again(
    shard: Shard, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_events(shard, 3)
    await added(shard)
    real, refused = shard.read, 0

    async def failing(function: Callable[[sqlite3.Connection], object]) -> object:
        nonlocal refused
        refused += 1
        if refused <= 5:
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR
            raise error
        return await real(function)

    receiver = Scripted()
    async with running(shard, receiver):
        monkeypatch.setattr(shard, "read", failing)
        await receiver.until(3)
    assert [1, 2, 3] == receiver.tried


async def test_events_to_come_are_counted_over_all_replays(shard: Shard) -> None:
    log_events(shard, 10)
    record(shard, "a", [done(2, "dead"), done(4, "dead"), done(5)])
    left = partial(replays.left, hook="a")
    assert 0 == await shard.read(left)
    await added(shard, from_seq=8)
    await added(shard, dead=True)
    assert 3 + 2 == await shard.read(left)
    rows(shard, "UPDATE replays SET cursor = cursor + 1")
    assert 2 + 1 == await shard.read(left)


async def test_events_that_are_not_kept_any_more_are_passed_over(shard: Shard) -> None:
    log_events(shard, 6)
    record(shard, "a", [done(1, "dead"), done(2, "dead"), done(6, "dead")])
    await added(shard, dead=True)
    await added(shard, from_seq=1)
    rows(shard, "DELETE FROM log WHERE seq < 4")
    assert 1 + 3 == await shard.read(partial(replays.left, hook="a"))
    assert [6, 4, 5, 6] == await replayed(shard, Scripted())


async def test_the_replays_of_a_hook_that_is_no_more_are_forgotten(shard: Shard) -> None:
    log_events(shard, 1)
    await added(shard)
    await add(shard, Hook(id="b", url="http://b/", secret="s"), Bounds())
    for ids in (["a", "b"], ["b"]):
        shard.write(partial(hooks.sync_hooks, ids=ids)).result()
    assert [("b",)] == rows(shard, "SELECT hook FROM replays")


async def test_many_events_are_replayed_in_few_transactions(
    shard: Shard, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_events(shard, 2000, chat=ALICE)
    await added(shard)
    stores, real = 0, progress._store

    def store(*arguments: object, **named: object) -> None:
        nonlocal stores
        stores += 1
        real(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(progress, "_store", store)
    assert 2000 == len(await replayed(shard, Scripted()))
    assert stores < 200
