"""Replays: which events a hook gets once more, and how far each of them is."""

import sqlite3
from collections.abc import Callable, Iterator

import msgspec

from wagateway.contract import Problem
from workers.shard import pauses
from workers.shard.log import LogRow, read_after
from workers.shard.messages import now

_BATCH = 256
_END = 2**63 - 1


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """Which events are meant; bounds are included, None is an open one, times are Unix milliseconds.

    With `dead` only dead letters are. An `event_id` goes alone.
    """

    event_id: str | None = None
    from_seq: int | None = None
    to_seq: int | None = None
    from_time: int | None = None
    to_time: int | None = None
    dead: bool = False


class Selection(msgspec.Struct, frozen=True):
    """The first and the last of the events that were found, and whether only the dead letters are meant."""

    first: int
    last: int
    dead: bool


class Replay(msgspec.Struct, frozen=True):
    """A replay: done up to `cursor`, over after `last`.

    The event after the cursor failed `attempts` times, after all of which `waited` milliseconds were waited,
    but for `wait` seconds that are left of the last pause.
    """

    id: int
    dead: bool
    cursor: int
    last: int
    attempts: int
    waited: int
    wait: float


class Reached(msgspec.Struct, frozen=True):
    """How far a replay is; `pause` is the wait that begins, which `waited` has in it; in milliseconds."""

    id: int
    cursor: int
    attempts: int = 0
    pause: int = 0
    waited: int = 0


# Times need not grow with the numbers: clocks are set. So each event is looked at.
_FIND = """
SELECT min(l.seq), max(l.seq) FROM log l
WHERE l.seq BETWEEN :first AND :last AND l.time BETWEEN :since AND :until
"""
_FIND_ONE = "SELECT min(seq), max(seq) FROM log WHERE event_id = :event"
_FIND_DEAD = """
SELECT min(d.seq), max(d.seq) FROM deliveries d INDEXED BY deliveries_undone
CROSS JOIN log l ON l.seq = d.seq
WHERE d.hook = :hook AND d.state = 'dead' AND d.state != 'delivered'
AND d.seq BETWEEN :first AND :last AND l.time BETWEEN :since AND :until
"""
_NEXT_DEAD = """
SELECT l.seq FROM deliveries d INDEXED BY deliveries_undone CROSS JOIN log l ON l.seq = d.seq
WHERE d.hook = ? AND d.state = 'dead' AND d.state != 'delivered' AND d.seq > ? AND d.seq <= ?
ORDER BY d.seq LIMIT ?
"""
_LEFT_DEAD = """
SELECT count(*) FROM deliveries d INDEXED BY deliveries_undone
CROSS JOIN log l ON l.seq = d.seq
WHERE d.hook = ? AND d.state = 'dead' AND d.state != 'delivered' AND d.seq > ? AND d.seq <= ?
"""


def select(connection: sqlite3.Connection, hook: str, bounds: Bounds) -> Selection:
    """The events that are meant; raises `Problem` 404 `EVENTS_NOT_FOUND` when there is none."""
    values = {
        "hook": hook,
        "event": bounds.event_id,
        "first": bounds.from_seq or 0,
        "last": _END if bounds.to_seq is None else bounds.to_seq,
        "since": -_END if bounds.from_time is None else bounds.from_time,
        "until": _END if bounds.to_time is None else bounds.to_time,
    }
    query = _FIND_DEAD if bounds.dead else _FIND if bounds.event_id is None else _FIND_ONE
    first, last = connection.execute(query, values).fetchone()
    if first is None:
        raise nothing_found(bounds.dead)
    return Selection(first, last, bounds.dead)


def nothing_found(dead: bool) -> Problem:
    """404: there is nothing to deliver again."""
    what = "dead letter" if dead else "event"
    return Problem(404, "EVENTS_NOT_FOUND", f"No {what} that this webhook gets is meant by this")


def count(
    connection: sqlite3.Connection, hook: str, selection: Selection, wants: Callable[[LogRow], bool]
) -> int:
    """How many of these events are wanted."""
    replay = Replay(0, selection.dead, selection.first - 1, selection.last, 0, 0, 0)
    return sum(wants(row) for row in _all(connection, hook, replay))


def add(connection: sqlite3.Connection, hook: str, selection: Selection) -> int:
    """Deliver these events again, once the replays before are done; returns the id of the replay."""
    query = "INSERT INTO replays (hook, dead, cursor, last, created_at) VALUES (?, ?, ?, ?, ?) RETURNING id"
    values = (hook, selection.dead, selection.first - 1, selection.last, now())
    return int(connection.execute(query, values).fetchone()[0])


def oldest(connection: sqlite3.Connection, hook: str, after: int = 0) -> Replay | None:
    """The replay of a hook that is to be worked on, after the one with this id."""
    row = connection.execute(
        "SELECT id, dead, cursor, last, attempts, waited, next_attempt, pause FROM replays "
        "WHERE hook = ? AND id > ? ORDER BY id LIMIT 1",
        (hook, after),
    ).fetchone()
    if row is None:
        return None
    number, dead, cursor, last, attempts, waited, due, pause = row
    return Replay(number, bool(dead), cursor, last, attempts, waited, pauses.left(due, pause, now()))


def following(connection: sqlite3.Connection, hook: str, replay: Replay, limit: int) -> list[LogRow]:
    """The next events of a replay after its cursor, oldest first; none at its end."""
    if replay.dead:
        rows = connection.execute(_NEXT_DEAD, (hook, replay.cursor, replay.last, limit))
        return [row for (seq,) in rows.fetchall() for row in read_after(connection, seq - 1, 1)]
    return [row for row in read_after(connection, replay.cursor, limit) if row.seq <= replay.last]


def save(connection: sqlite3.Connection, reached: Reached) -> None:
    """The replay is so far."""
    connection.execute(
        "UPDATE replays SET cursor = ?, attempts = ?, next_attempt = ?, pause = ?, waited = ? WHERE id = ?",
        (
            reached.cursor,
            reached.attempts,
            now() + reached.pause if reached.pause else 0,
            reached.pause,
            reached.waited,
            reached.id,
        ),
    )


def finish(connection: sqlite3.Connection, replay: int) -> None:
    """The replay is done with."""
    connection.execute("DELETE FROM replays WHERE id = ?", (replay,))


def left(connection: sqlite3.Connection, hook: str) -> int:
    """How many events the replays of a hook still have before them, wanted or not."""
    replays = connection.execute("SELECT dead, cursor, last FROM replays WHERE hook = ?", (hook,)).fetchall()
    return sum(_left(connection, hook, *replay) for replay in replays)


def _left(connection: sqlite3.Connection, hook: str, dead: int, cursor: int, last: int) -> int:
    if dead:
        row = connection.execute(_LEFT_DEAD, (hook, cursor, last)).fetchone()
    else:
        query = "SELECT count(*) FROM log WHERE seq > ? AND seq <= ?"
        row = connection.execute(query, (cursor, last)).fetchone()
    return int(row[0])


def _all(connection: sqlite3.Connection, hook: str, replay: Replay) -> Iterator[LogRow]:
    while rows := following(connection, hook, replay, _BATCH):
        yield from rows
        replay = msgspec.structs.replace(replay, cursor=rows[-1].seq)
