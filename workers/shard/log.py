"""The event log of a shard: numbered, append-only; whatever leaves a worker reads it with a cursor."""

import sqlite3
from collections.abc import Callable
from typing import Protocol

import msgspec

from wagateway.events import Event, Kind, P, encode, new_event_id, rfc3339
from workers.shard.messages import now


class LogRow(msgspec.Struct, frozen=True):
    """An event as stored; `body` is its finished JSON."""

    seq: int
    event_id: str
    kind: str
    chat: str
    body: bytes


class Picked(msgspec.Struct, frozen=True):
    """Some events of the log. `next` is the last one looked at: the next ones are after it.

    `head` is the newest event there ever was, `oldest` the oldest kept, `head + 1` when none is. `missed`
    counts events between where it began and `next` that are not kept any more.
    """

    bodies: list[bytes]
    next: int
    head: int
    oldest: int
    missed: int


class Own(Protocol):
    """The device whose log it is."""

    id: str
    jid: str


def append(connection: sqlite3.Connection, own: Own, kind: Kind[P], chat: str, payload: P) -> int:
    """Append an event of the device; returns its number."""
    moment = now()
    event = Event(
        event=kind.name,
        device_id=own.jid,
        session_id=own.id,
        seq=last_seq(connection) + 1,
        event_id=new_event_id(),
        timestamp=rfc3339(moment),
        payload=payload,
    )
    connection.execute(
        "INSERT INTO log (seq, event_id, kind, chat, time, body) VALUES (?, ?, ?, ?, ?, ?)",
        (event.seq, event.event_id, kind.name, chat, moment, encode(event)),
    )
    return event.seq


def last_seq(connection: sqlite3.Connection) -> int:
    """The number of the newest event ever appended; 0 before the first."""
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'log'").fetchone()
    return int(row[0]) if row else 0


def read_after(connection: sqlite3.Connection, cursor: int, limit: int) -> list[LogRow]:
    """The next events after a cursor, oldest first."""
    rows = connection.execute(
        "SELECT seq, event_id, kind, chat, body FROM log WHERE seq > ? ORDER BY seq LIMIT ?", (cursor, limit)
    )
    return [LogRow(*row) for row in rows]


def oldest(connection: sqlite3.Connection) -> int:
    """The number of the oldest event that is kept, one more than the newest when none is."""
    row = connection.execute("SELECT seq FROM log ORDER BY seq LIMIT 1").fetchone()
    return int(row[0]) if row else last_seq(connection) + 1


def pick(
    connection: sqlite3.Connection,
    after: int,
    limit: int,
    wanted: Callable[[str], bool],
    looked_at: int,
    size: int,
) -> Picked:
    """The next events of wanted kinds, oldest first: at most `limit` of them, of about `size` bytes.

    It goes no farther than so many events are looked at, and takes one even if that alone is larger.
    """
    head = last_seq(connection)
    bodies: list[bytes] = []
    reached, seen, left = after, 0, size
    rows = connection.execute(
        "SELECT seq, kind FROM log WHERE seq > ? ORDER BY seq LIMIT ?", (after, looked_at)
    )
    for seq, kind in rows:
        if len(bodies) == limit or left <= 0:
            break
        if wanted(kind):
            (body,) = connection.execute("SELECT body FROM log WHERE seq = ?", (seq,)).fetchone()
            bodies.append(body)
            left -= len(body)
        reached, seen = seq, seen + 1
    else:
        # Behind the last one that is kept there may be some that are not.
        reached = head if seen < looked_at else reached
    return Picked(bodies, reached, head, oldest(connection), max(reached - after - seen, 0))
