"""The log keeps what somebody is still to get, and no more than it may."""

import sqlite3
from collections.abc import Iterable

import pytest

from tests.workers.conftest import ALICE, BOB, NOON, rows
from wagateway.settings import Settings
from workers.head import Head
from workers.retention import Clock, Retention
from workers.shard import Shard, marks

DAY = 86_400_000
KILOBYTE = 1000


def log_events(shard: Shard, *ages: float, size: int = KILOBYTE, chat: str = ALICE) -> None:
    """Events of so many days ago each."""
    values = [(chat, NOON - int(age * DAY), bytes(size)) for age in ages]
    query = "INSERT INTO log (event_id, kind, chat, time, body) VALUES ('e', 'message', ?, ?, ?)"
    shard.write(lambda c: c.executemany(query, values)).result()


def do(shard: Shard, query: str, *values: object) -> None:
    shard.write(lambda c: c.execute(query, values)).result()


def hook(shard: Shard, cursor: int, name: str = "a", state: str = "active") -> None:
    do(
        shard,
        "INSERT INTO hooks (id, cursor, state, updated_at) VALUES (?, ?, ?, 0)",
        name,
        cursor,
        state,
    )


def letter(shard: Shard, seq: int, state: str = "dead", age: float = 0, name: str = "a") -> None:
    """What became of an event, the last attempt so many days ago."""
    query = "INSERT INTO deliveries VALUES (?, ?, ?, 1, 500, '', 1, ?)"
    do(shard, query, name, seq, state, NOON - int(age * DAY))


def kept(shard: Shard) -> list[object]:
    return [seq for (seq,) in rows(shard, "SELECT seq FROM log ORDER BY seq")]


def letters(shard: Shard) -> list[object]:
    return [seq for (seq,) in rows(shard, "SELECT seq FROM deliveries ORDER BY seq")]


def retention(shard: Shard, days: int = 14, megabytes: int = 0, dead_days: int = 30) -> Retention:
    settings = Settings(event_days=days, event_megabytes=megabytes, dead_letter_days=dead_days)
    return Retention(shard, settings, Head(), Clock(NOON, lambda: NOON, lambda: 0.0))


async def test_without_hooks_only_age_counts(shard: Shard) -> None:
    log_events(shard, 20, 15, 13, 1)
    await retention(shard).prune()
    assert [3, 4] == kept(shard)
    assert [(2, 2 * KILOBYTE)] == rows(shard, "SELECT events, bytes FROM log_totals")


async def test_without_limits_everything_stays(shard: Shard) -> None:
    log_events(shard, 900, 800)
    await retention(shard, days=0).prune()
    assert [1, 2] == kept(shard)


async def test_an_event_stays_until_every_hook_has_got_it(shard: Shard) -> None:
    log_events(shard, 20, 19, 18, 17)
    hook(shard, 3, "a")
    hook(shard, 1, "b")
    await retention(shard).prune()
    assert [2, 3, 4] == kept(shard)


async def test_a_lane_holds_back_what_its_hook_has_passed(shard: Shard) -> None:
    log_events(shard, 20, 19, 18)
    hook(shard, 3)
    do(shard, "INSERT INTO lanes VALUES ('a', ?, 1, 1, 0, 0, 0)", BOB)
    await retention(shard).prune()
    assert [2, 3] == kept(shard)


@pytest.mark.parametrize(("asked", "left"), [(1, [2, 3]), (15, [])])
async def test_a_replay_is_waited_for_as_long_as_an_event_may_be_old(
    shard: Shard, asked: int, left: list[int]
) -> None:
    log_events(shard, 20, 19, 18)
    hook(shard, 3)
    query = "INSERT INTO replays (hook, dead, cursor, last, created_at) VALUES ('a', 0, 1, 3, ?)"
    do(shard, query, NOON - asked * DAY)
    await retention(shard).prune()
    assert left == kept(shard)


@pytest.mark.parametrize("state", ["paused", "gone"])
async def test_a_hook_that_is_not_delivered_to_holds_back_no_old_events(shard: Shard, state: str) -> None:
    log_events(shard, 20, 19, 1)
    hook(shard, 0, state=state)
    await retention(shard).prune()
    assert [3] == kept(shard)


async def test_a_paused_hook_holds_back_young_events_when_room_is_short(shard: Shard) -> None:
    log_events(shard, 3, 2, 1, size=600_000)
    hook(shard, 1, state="paused")
    await retention(shard, megabytes=1).prune()
    assert [2, 3] == kept(shard)


async def test_the_oldest_go_when_there_are_too_many_bytes(shard: Shard) -> None:
    log_events(shard, 3, 2, 1, 0, size=400_000)
    hook(shard, 4)
    await retention(shard, megabytes=1).prune()
    assert [3, 4] == kept(shard)


async def test_what_is_not_delivered_stays_whatever_room_it_takes(shard: Shard) -> None:
    log_events(shard, 3, 2, 1, size=900_000)
    hook(shard, 1)
    await retention(shard, megabytes=1).prune()
    assert [2, 3] == kept(shard)


async def test_a_dead_letter_stays_with_its_event_when_others_go(shard: Shard) -> None:
    log_events(shard, 20, 19, 18)
    hook(shard, 3)
    letter(shard, 1, "delivered")
    letter(shard, 2)
    await retention(shard).prune()
    assert ([2], [2]) == (kept(shard), letters(shard))


async def test_a_dead_letter_goes_after_its_own_time(shard: Shard) -> None:
    log_events(shard, 40, 39)
    hook(shard, 2)
    letter(shard, 1, age=31)
    letter(shard, 2, age=29)
    await retention(shard).prune()
    assert ([2], [2]) == (kept(shard), letters(shard))


async def test_dead_letters_go_last_when_room_is_short(shard: Shard) -> None:
    log_events(shard, 3, 2, 1, 0, size=600_000)
    hook(shard, 4)
    letter(shard, 1)
    letter(shard, 2)
    await retention(shard, megabytes=1).prune()
    assert ([2], [2]) == (kept(shard), letters(shard))


async def test_an_event_behind_a_young_one_stays_however_old_it_says_it_is(shard: Shard) -> None:
    log_events(shard, 20, 1, 20_000)
    await retention(shard).prune()
    assert [2, 3] == kept(shard)


async def test_many_events_go_a_few_at_a_time(shard: Shard) -> None:
    log_events(shard, *[20] * 1201, *[1] * 3, size=1)
    hook(shard, 1204)
    letter(shard, 700)
    await retention(shard).prune()
    assert [700, 1202, 1203, 1204] == kept(shard)


async def test_what_was_delivered_is_forgotten_but_for_the_newest(
    shard: Shard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.retention._KEPT_DELIVERED", 2)
    log_events(shard, 1, 1, 1, 1)
    hook(shard, 4)
    for seq in range(1, 5):
        letter(shard, seq, "delivered")
    await retention(shard).prune()
    assert ([1, 2, 3, 4], [3, 4]) == (kept(shard), letters(shard))


async def test_the_dead_letters_are_counted(shard: Shard) -> None:
    log_events(shard, 1, 1)
    letter(shard, 1)
    letter(shard, 2, "failing")
    made = retention(shard)
    await made.prune()
    assert 1 == made.dead


async def test_a_disk_that_fails_is_left_alone(shard: Shard, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    log_events(shard, 20)
    monkeypatch.setattr(shard, "read", broken)
    await retention(shard).prune()
    assert [1] == kept(shard)


def times(mark: int | None, *ticks: tuple[float, int]) -> Iterable[int]:
    """What a clock says that is looked at after so many seconds, at such a wall clock, in turn."""
    steady, wall = iter([0.0, *(at for at, _ in ticks)]), iter([at for _, at in ticks])
    clock = Clock(NOON if mark is None else mark, lambda: next(wall), lambda: next(steady))
    return [clock.now() for _ in ticks]


def test_a_steady_clock_is_believed() -> None:
    assert [NOON, NOON + 60_000] == times(NOON, (0, NOON), (60, NOON + 60_000))


def test_a_clock_that_jumps_ahead_is_believed_ten_times_as_slowly() -> None:
    year = 365 * DAY
    assert [NOON + 600_000, NOON + 60_000 * 2] == times(NOON, (60, NOON + year), (120, NOON + 120_000))


def test_a_clock_that_was_at_1970_for_a_moment_is_believed_again_at_once() -> None:
    assert [0, NOON + 60_000] == times(NOON, (1, 0), (60, NOON + 60_000))


async def test_how_far_the_clock_was_is_kept(shard: Shard) -> None:
    log_events(shard, 20)
    await retention(shard).prune()
    assert NOON == await shard.read(lambda c: marks.get(c, "log_clock"))
