"""The event log of a shard: numbered, append-only; whatever leaves a worker reads it with a cursor."""

import sqlite3
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


def count(connection: sqlite3.Connection) -> int:
    """How many events the log holds."""
    return int(connection.execute("SELECT count(*) FROM log").fetchone()[0])


def read_after(connection: sqlite3.Connection, cursor: int, limit: int) -> list[LogRow]:
    """The next events after a cursor, oldest first."""
    rows = connection.execute(
        "SELECT seq, event_id, kind, chat, body FROM log WHERE seq > ? ORDER BY seq LIMIT ?", (cursor, limit)
    )
    return [LogRow(*row) for row in rows]
