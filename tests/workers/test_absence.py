"""An absence is told once what waited has come, also after a process that was killed."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any, cast

import msgspec
import pytest

from tests.workers.conftest import ALICE, NOON, Who, incoming, rows
from wagateway.problems import storage_full
from wagateway.whatsapp.protos import E2E, Common
from workers import absence as absences
from workers.absence import Absence
from workers.head import Head
from workers.inbound import Inbound
from workers.shard import Shard, marks
from workers.shard import log as event_log


class Life:
    """A worker's life over a shard; it ends as if it were killed."""

    def __init__(self, shard: Shard, every: float) -> None:
        self.shard = shard
        self.head = Head()
        self.absence = Absence(shard, Who(), self.head, every)
        self.inbox = Inbound(shard, Who(), lambda _: None)
        self.task = asyncio.ensure_future(self.absence.run())

    async def arrives(self, at: int) -> None:
        await asyncio.to_thread(self.inbox.message, incoming(timestamp=at))

    async def killed(self) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(absences, "now", clock)
    return clock


@contextlib.asynccontextmanager
async def living(shard: Shard, every: float = 30.0) -> AsyncIterator[Life]:
    life = Life(shard, every)
    await life.absence.start()
    yield life
    await life.killed()
    rows(shard, "SELECT 1")  # what was submitted is committed, as by closing


def gaps(shard: Shard) -> list[dict[str, Any]]:
    found = rows(shard, "SELECT body FROM log WHERE kind = 'gap' ORDER BY seq")
    return [msgspec.json.decode(cast("bytes", body))["payload"] for (body,) in found]


def mark(shard: Shard) -> int | None:
    return shard.write(partial(marks.get, name="online")).result()


async def told(life: Life) -> None:
    """Returns once a gap is told."""
    while not gaps(life.shard):
        await asyncio.wait_for(life.head.beyond(life.head.seq), 5)


async def test_the_first_login_is_no_absence(shard: Shard, clock: Clock) -> None:
    async with living(shard) as life:
        life.absence.paired()
        life.absence.logged_in()
        life.absence.caught_up(0)
        assert NOON == mark(shard)
    assert [] == gaps(shard)


async def test_after_a_clean_end_the_gap_is_exact_and_counts_what_waited(shard: Shard, clock: Clock) -> None:
    async with living(shard) as life:
        life.absence.logged_in()
        await life.arrives(NOON)
        clock.now += 10_000
        life.absence.lost()
    async with living(shard) as life:
        clock.now += 60_000
        life.absence.logged_in()
        for at in (12_000, 60_000):
            await life.arrives(NOON + at)
        await life.arrives(NOON + 75_000)  # sent since
        life.absence.caught_up(3)
        await told(life)
    expected = {
        "from": "2027-01-15T08:00:10Z",
        "to": "2027-01-15T08:01:10Z",
        "down_ms": 60_000,
        "recovered": 2,
    }
    assert [expected] == gaps(shard)
    assert NOON + 70_000 == mark(shard)


async def test_a_kill_leaves_a_time_that_is_a_turn_early_at_most(shard: Shard, clock: Clock) -> None:
    async with living(shard, every=0.001) as life:
        life.absence.logged_in()
        clock.now += 5_000
        while mark(shard) != NOON + 5_000:
            await asyncio.wait_for(asyncio.to_thread(mark, shard), 5)
        await life.arrives(NOON + 6_000)  # stored before the kill, so it is none that waited
    async with living(shard) as life:
        clock.now += 5_000
        life.absence.logged_in()
        await life.arrives(NOON + 7_000)
        life.absence.caught_up(1)
        await told(life)
    assert [(5_000, 1)] == [(gap["down_ms"], gap["recovered"]) for gap in gaps(shard)]


async def test_a_lost_connection_is_an_absence_and_a_blink_is_none(shard: Shard, clock: Clock) -> None:
    async with living(shard) as life:
        life.absence.logged_in()
        life.absence.lost()
        clock.now += 999
        life.absence.logged_in()
        life.absence.caught_up(0)
        assert [] == gaps(shard)
        life.absence.lost()
        clock.now += 1000
        life.absence.logged_in()
        life.absence.caught_up(0)
        await told(life)
    assert [(1000, 0)] == [(gap["down_ms"], gap["recovered"]) for gap in gaps(shard)]


async def test_an_absence_whose_messages_have_not_all_come_goes_on(shard: Shard, clock: Clock) -> None:
    async with living(shard) as life:
        life.absence.logged_in()
        life.absence.lost()
        clock.now += 10_000
        life.absence.logged_in()
        await life.arrives(NOON + 1_000)
        life.absence.lost()
        clock.now += 10_000
        life.absence.logged_in()
        await life.arrives(NOON + 2_000)
        life.absence.caught_up(1)
        await told(life)
    assert [(20_000, 2)] == [(gap["down_ms"], gap["recovered"]) for gap in gaps(shard)]


async def test_a_kill_while_messages_come_forgets_no_absence(shard: Shard, clock: Clock) -> None:
    async with living(shard) as life:
        life.absence.logged_in()
        clock.now += 10_000
        life.absence.lost()
    for _ in range(2):
        async with living(shard) as life:
            clock.now += 10_000
            life.absence.logged_in()
    async with living(shard) as life:
        clock.now += 10_000
        life.absence.logged_in()
        life.absence.caught_up(0)
        await told(life)
    assert [30_000] == [gap["down_ms"] for gap in gaps(shard)]


async def test_without_whatsapps_word_it_is_told_once_nothing_comes_any_more(
    shard: Shard, clock: Clock
) -> None:
    async with living(shard, every=0.001) as life:
        life.absence.logged_in()
        life.absence.lost()
        clock.now += 10_000
        life.absence.logged_in()
        await told(life)
    assert [10_000] == [gap["down_ms"] for gap in gaps(shard)]


async def test_whatsapps_word_may_overtake_the_login(shard: Shard, clock: Clock) -> None:
    async with living(shard) as life:
        life.absence.logged_in()
        life.absence.lost()
        clock.now += 10_000
        life.absence._caught_up()
        life.absence.logged_in()
        await told(life)
    assert 1 == len(gaps(shard))


async def test_another_account_has_missed_nothing(shard: Shard, clock: Clock) -> None:
    async with living(shard) as life:
        life.absence.logged_in()
        life.absence.lost()
        clock.now += 10_000
        life.absence.paired()
        assert None is mark(shard)
        life.absence.logged_in()
        life.absence.caught_up(0)
        assert NOON + 10_000 == mark(shard)
    assert [] == gaps(shard)


async def test_a_gap_that_the_disk_refused_is_told_at_the_next_turn(
    shard: Shard, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused: list[object] = []
    append: Callable[..., int] = event_log.append

    def full_once(*arguments: Any) -> int:
        if not refused:
            refused.append(arguments)
            raise storage_full()
        return append(*arguments)

    monkeypatch.setattr(event_log, "append", full_once)
    async with living(shard, every=0.001) as life:
        life.absence.logged_in()
        life.absence.lost()
        clock.now += 10_000
        life.absence.logged_in()
        life.absence.caught_up(0)
        await told(life)
    assert (1, 1) == (len(refused), len(gaps(shard)))


async def test_a_reaction_is_no_message_that_waited(shard: Shard, clock: Clock) -> None:
    reaction = E2E.ReactionMessage(key=Common.MessageKey(remoteJID=ALICE, ID="M"), text="x")
    async with living(shard) as life:
        life.absence.logged_in()
        life.absence.lost()
        clock.now += 10_000
        life.absence.logged_in()
        told_of = incoming(content=E2E.Message(reactionMessage=reaction), timestamp=NOON + 1_000)
        await asyncio.to_thread(life.inbox.message, told_of)
        life.absence.caught_up(1)
        await told(life)
    assert [0] == [gap["recovered"] for gap in gaps(shard)]
