"""The event log of a shard: numbered, append-only; whatever leaves a worker reads it with a cursor."""

import sqlite3
from collections.abc import Callable

import msgspec

from wagateway.events import Event, P, encode, new_event_id, rfc3339
from workers.shard.messages import now


class LogRow(msgspec.Struct, frozen=True):
    """An event as stored; `body` is its finished JSON."""

    seq: int
    event_id: str
    kind: str
    chat: str
    body: bytes


class Numbered(msgspec.Struct, frozen=True):
    """What an event gets when it is appended: its number, id and time (RFC 3339)."""

    seq: int
    event_id: str
    timestamp: str


def append(connection: sqlite3.Connection, kind: str, chat: str, make: Callable[[Numbered], Event[P]]) -> int:
    """Append the event that `make` builds around its number; returns the number."""
    moment = now()
    numbered = Numbered(last_seq(connection) + 1, new_event_id(), rfc3339(moment))
    connection.execute(
        "INSERT INTO log (seq, event_id, kind, chat, time, body) VALUES (?, ?, ?, ?, ?, ?)",
        (numbered.seq, numbered.event_id, kind, chat, moment, encode(make(numbered))),
    )
    return numbered.seq


def last_seq(connection: sqlite3.Connection) -> int:
    """The number of the newest event ever appended; 0 before the first."""
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'log'").fetchone()
    return int(row[0]) if row else 0


def count(connection: sqlite3.Connection) -> int:
    """How many events the log holds."""
    return int(connection.execute("SELECT count(*) FROM log").fetchone()[0])


def read_after(connection: sqlite3.Connection, cursor: int, limit: int) -> list[LogRow]:
    """The next events after a cursor, oldest first."""
    rows = connection.execute(
        "SELECT seq, event_id, kind, chat, body FROM log WHERE seq > ? ORDER BY seq LIMIT ?", (cursor, limit)
    )
    return [LogRow(*row) for row in rows]
