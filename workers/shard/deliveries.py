"""What became of events at hooks: the last attempt of each, and which are dead letters."""

import sqlite3
from collections.abc import Iterable
from typing import Literal

import msgspec

State = Literal["delivered", "failing", "dead"]

_PRUNED = 20_000  # rows a call takes out at most: some 30 ms


class Done(msgspec.Struct, frozen=True):
    """What became of an event so far; `took` is in milliseconds, `at` the Unix milliseconds of the attempt.

    `status` is an HTTP status, 0 where there was no answer: `error` says why.
    """

    seq: int
    state: State
    attempts: int
    status: int
    error: str
    took: int
    at: int


class DeliveryRow(msgspec.Struct, frozen=True):
    """A `Done` with the event it is about; `time` is when that was recorded, in Unix milliseconds."""

    seq: int
    state: State
    attempts: int
    status: int
    error: str
    took: int
    at: int
    event_id: str
    kind: str
    chat: str
    time: int


# A dead letter stays one until it is delivered: a replay of dead letters finds it by that.
_RECORD = """
INSERT INTO deliveries (hook, seq, state, attempts, status, error, took, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET
    state = CASE WHEN state = 'dead' AND excluded.state = 'failing' THEN 'dead' ELSE excluded.state END,
    attempts = excluded.attempts, status = excluded.status, error = excluded.error, took = excluded.took,
    at = excluded.at
"""

_PAGE = """
SELECT d.seq, d.state, d.attempts, d.status, d.error, d.took, d.at, l.event_id, l.kind, l.chat, l.time
FROM deliveries d {index} CROSS JOIN log l ON l.seq = d.seq
WHERE d.hook = :hook AND d.seq < :before {states} ORDER BY d.seq DESC LIMIT :limit
"""
_ANY = _PAGE.format(index="", states="")
_DELIVERED = _PAGE.format(index="", states="AND d.state = 'delivered'")
# SQLite takes an index of some rows only for who says the same of them.
_UNDONE = _PAGE.format(
    index="INDEXED BY deliveries_undone", states="AND d.state = :state AND d.state != 'delivered'"
)

_PRUNE = """
DELETE FROM deliveries WHERE hook = :hook AND seq IN (
    SELECT seq FROM deliveries WHERE hook = :hook AND state = 'delivered' AND seq <= (
        SELECT seq FROM deliveries WHERE hook = :hook AND state = 'delivered'
        ORDER BY seq DESC LIMIT 1 OFFSET :keep
    ) ORDER BY seq LIMIT :most
)
"""


def record(connection: sqlite3.Connection, hook: str, rows: Iterable[Done]) -> None:
    """Remember what became of these events, in place of what was known of them.

    A dead letter that fails stays one.
    """
    values = [(hook, d.seq, d.state, d.attempts, d.status, d.error, d.took, d.at) for d in rows]
    connection.executemany(_RECORD, values)


def attempts(connection: sqlite3.Connection, hook: str, seqs: Iterable[int]) -> dict[int, int]:
    """How often each of these events was tried at a hook, where it was."""
    query = """SELECT seq, attempts FROM deliveries
        WHERE hook = ? AND seq IN (SELECT value FROM json_each(?))"""
    return dict(connection.execute(query, (hook, msgspec.json.encode(list(seqs)).decode())).fetchall())


def page(
    connection: sqlite3.Connection, hook: str, state: State | None, before: int, limit: int
) -> list[DeliveryRow]:
    """The deliveries of a hook whose events are kept, newest event first, those before a number; 0 for all.

    `state` None means any.
    """
    query = _ANY if state is None else _DELIVERED if state == "delivered" else _UNDONE
    values = {"hook": hook, "before": before or 2**63 - 1, "limit": limit, "state": state}
    return [DeliveryRow(*row) for row in connection.execute(query, values)]


def dead_count(connection: sqlite3.Connection, hook: str | None = None) -> int:
    """How many dead letters a hook has, or all hooks together."""
    if hook is None:
        query = "SELECT count(*) FROM deliveries INDEXED BY deliveries_dead WHERE state = 'dead'"
        return int(connection.execute(query).fetchone()[0])
    query = (
        "SELECT count(*) FROM deliveries INDEXED BY deliveries_undone "
        "WHERE hook = ? AND state = 'dead' AND state != 'delivered'"
    )
    return int(connection.execute(query, (hook,)).fetchone()[0])


def prune_delivered(connection: sqlite3.Connection, hook: str, keep: int) -> int:
    """Forget of what was delivered all but the newest `keep`, 20,000 at a time; returns how many went."""
    values = {"hook": hook, "keep": keep, "most": _PRUNED}
    return connection.execute(_PRUNE, values).rowcount
