"""What became of events is remembered per hook, bounded, and shown with the event."""

from collections.abc import Iterable
from functools import partial

import pytest

from tests.workers.conftest import ALICE, NOON, rows
from workers.shard import Shard, deliveries, hooks
from workers.shard.deliveries import DeliveryRow, Done, State


def log_events(shard: Shard, count: int, **columns: object) -> None:
    """Append events; the one with number n is of n milliseconds after noon."""
    values = {"kind": "message", "chat": ALICE, "time": None, "body": b'{"payload":{}}'} | columns

    def write(connection: object) -> None:
        connection.executemany(  # type: ignore[attr-defined]
            "INSERT INTO log (event_id, kind, chat, time, body) SELECT 'evt_' || (seq + 1), :kind, :chat, "
            "coalesce(:time, :noon + seq + 1), :body FROM (SELECT coalesce(max(seq), 0) AS seq FROM log)",
            [values | {"noon": NOON}] * count,
        )

    shard.write(write).result()


def done(seq: int, state: State = "delivered", attempts: int = 1, **fields: object) -> Done:
    values: dict[str, object] = {"status": 200, "error": "", "took": 3, "at": NOON} | fields
    return Done(seq, state, attempts, **values)  # type: ignore[arg-type]


def record(shard: Shard, hook: str, found: Iterable[Done]) -> None:
    shard.write(partial(deliveries.record, hook=hook, rows=list(found))).result()


def kept(shard: Shard, hook: str = "a") -> list[tuple[object, ...]]:
    return rows(shard, "SELECT seq, state, attempts FROM deliveries WHERE hook = ? ORDER BY seq", hook)


async def page(
    shard: Shard, state: State | None = None, before: int = 0, limit: int = 50
) -> list[DeliveryRow]:
    return await shard.read(partial(deliveries.page, hook="a", state=state, before=before, limit=limit))


def prune(shard: Shard, keep: int) -> int:
    return shard.write(partial(deliveries.prune_delivered, hook="a", keep=keep)).result()


async def test_what_is_recorded_takes_the_place_of_what_was(shard: Shard) -> None:
    record(shard, "a", [done(1, "failing", 1), done(2)])
    record(shard, "a", [done(1, "dead", 7)])
    record(shard, "b", [done(1)])
    assert [(1, "dead", 7), (2, "delivered", 1)] == kept(shard)


async def test_a_replay_learns_how_often_each_event_was_tried(shard: Shard) -> None:
    record(shard, "a", [done(1, "delivered", 3), done(2, "dead", 7), done(3)])
    record(shard, "b", [done(1, "failing", 9)])
    assert {1: 3, 2: 7} == await shard.read(partial(deliveries.attempts, hook="a", seqs=[1, 2, 4]))


async def test_a_dead_letter_that_fails_again_stays_one_until_it_is_delivered(shard: Shard) -> None:
    record(shard, "a", [done(1, "dead", 3)])
    record(shard, "a", [done(1, "failing", 4)])
    assert [(1, "dead", 4)] == kept(shard)
    record(shard, "a", [done(1, attempts=5)])
    assert [(1, "delivered", 5)] == kept(shard)


async def test_a_page_shows_each_delivery_with_its_event_newest_first(shard: Shard) -> None:
    log_events(shard, 3)
    record(shard, "a", [done(1), done(3, "failing", 2, status=0, error="timed out", took=9)])
    record(shard, "b", [done(2)])
    assert [
        DeliveryRow(3, "failing", 2, 0, "timed out", 9, NOON, "evt_3", "message", ALICE, NOON + 3),
        DeliveryRow(1, "delivered", 1, 200, "", 3, NOON, "evt_1", "message", ALICE, NOON + 1),
    ] == await page(shard)


@pytest.mark.parametrize(
    ("state", "expected"),
    [(None, [6, 5, 4, 3, 2, 1]), ("delivered", [6, 3]), ("failing", [5, 2]), ("dead", [4, 1])],
)
async def test_pages_hold_one_state_or_all(shard: Shard, state: State | None, expected: list[int]) -> None:
    log_events(shard, 6)
    states: tuple[State, ...] = ("dead", "failing", "delivered")
    record(shard, "a", [done(seq + 1, states[seq % 3]) for seq in range(6)])
    assert expected == [row.seq for row in await page(shard, state)]
    first = await page(shard, state, limit=2)
    second = await page(shard, state, before=first[-1].seq, limit=2)
    assert expected[:4] == [row.seq for row in first + second]


async def test_a_delivery_whose_event_is_not_kept_is_left_out(shard: Shard) -> None:
    log_events(shard, 2)
    record(shard, "a", [done(1), done(2)])
    rows(shard, "DELETE FROM log WHERE seq = 1")
    assert [2] == [row.seq for row in await page(shard)]


async def test_dead_letters_are_counted_by_hook_and_together(shard: Shard) -> None:
    record(shard, "a", [done(1, "dead"), done(2, "failing"), done(3)])
    record(shard, "b", [done(1, "dead"), done(2, "dead")])
    assert 1 == await shard.read(partial(deliveries.dead_count, hook="a"))
    assert 3 == await shard.read(deliveries.dead_count)
    assert 0 == await shard.read(partial(deliveries.dead_count, hook="nobody"))


async def test_a_hook_that_is_no_more_leaves_nothing(shard: Shard) -> None:
    record(shard, "a", [done(1, "dead"), done(2)])
    record(shard, "b", [done(1)])
    shard.write(partial(hooks.sync_hooks, ids=["a", "b"])).result()
    shard.write(partial(hooks.sync_hooks, ids=["b"])).result()
    assert ([], [(1, "delivered", 1)]) == (kept(shard), kept(shard, "b"))


async def test_of_what_was_delivered_the_newest_are_kept_and_all_that_was_not(shard: Shard) -> None:
    record(shard, "a", [done(seq, "dead" if seq in (1, 6) else "delivered") for seq in range(1, 9)])
    record(shard, "b", [done(seq) for seq in range(1, 9)])
    assert (3, 0) == (prune(shard, 3), prune(shard, 3))
    assert [1, 5, 6, 7, 8] == [seq for seq, _, _ in kept(shard)]
    assert 8 == len(kept(shard, "b"))


async def test_pruning_takes_out_a_bounded_number_at_a_time_oldest_first(
    shard: Shard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "_PRUNED", 4)
    record(shard, "a", [done(seq) for seq in range(1, 11)])
    assert [4, 4, 0] == [prune(shard, 2) for _ in range(3)]
    assert [9, 10] == [seq for seq, _, _ in kept(shard)]


async def test_nothing_is_pruned_while_there_is_little(shard: Shard) -> None:
    record(shard, "a", [done(1), done(2)])
    assert (0, 0) == (prune(shard, 2), prune(shard, 10_000))
