"""The lanes of a hook: chats in which a failed event holds up those behind it."""

import sqlite3
from collections.abc import Iterable

import msgspec

from workers.shard import pauses
from workers.shard.log import LogRow, last_seq
from workers.shard.messages import now


class LaneRow(msgspec.Struct, frozen=True):
    """A chat of which the hook has the events up to `cursor` only.

    The next failed `attempts` times and has waited for `waited` seconds, without the `pause` it is in, of
    which `left` remains.
    """

    chat: str
    cursor: int
    attempts: int = 0
    pause: float = 0.0
    left: float = 0.0
    waited: float = 0.0


def read_lanes(connection: sqlite3.Connection, hook: str) -> list[LaneRow]:
    """The lanes of a hook; what remains of a pause is never longer than the pause was."""
    moment = now()
    rows = connection.execute(
        "SELECT chat, cursor, attempts, pause, next_attempt, waited FROM lanes WHERE hook = ?", (hook,)
    )
    return [
        LaneRow(chat, cursor, attempts, pause / 1000, pauses.left(due, pause, moment), waited / 1000)
        for chat, cursor, attempts, pause, due, waited in rows
    ]


def save_lanes(connection: sqlite3.Connection, hook: str, rows: Iterable[LaneRow]) -> None:
    """These are like that now."""
    moment = now()
    connection.executemany(
        "INSERT OR REPLACE INTO lanes (hook, chat, cursor, attempts, next_attempt, pause, waited) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (
                hook,
                row.chat,
                row.cursor,
                row.attempts,
                pauses.due(row.left, row.pause, moment),
                int(row.pause * 1000),
                int(row.waited * 1000),
            )
            for row in rows
        ],
    )


def remove_lanes(connection: sqlite3.Connection, hook: str, chats: Iterable[str]) -> None:
    """These chats are held up no more."""
    connection.executemany("DELETE FROM lanes WHERE hook = ? AND chat = ?", [(hook, chat) for chat in chats])


def count_waiting(connection: sqlite3.Connection, hook: str) -> dict[str, int]:
    """How many events each lane of a hook holds up, which is what the main cursor passed, filters aside."""
    rows = connection.execute(
        "SELECT a.chat, (SELECT count(*) FROM log l WHERE l.chat = a.chat AND l.seq > a.cursor "
        "AND l.seq <= h.cursor) FROM lanes a JOIN hooks h ON h.id = a.hook WHERE a.hook = ?",
        (hook,),
    )
    return dict(rows.fetchall())


def read_chat(connection: sqlite3.Connection, chat: str, after: int, last: int, limit: int) -> list[LogRow]:
    """The next events of a chat after a number, up to `last`, oldest first."""
    rows = connection.execute(
        "SELECT seq, event_id, kind, chat, body FROM log INDEXED BY log_by_chat "
        "WHERE chat = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?",
        (chat, after, last, limit),
    )
    return [LogRow(*row) for row in rows]


def old_until(connection: sqlite3.Connection, after: int, age: float) -> int:
    """Up to which number all events after another are older than so many seconds."""
    query = "SELECT seq FROM log WHERE seq > ? AND time > ? ORDER BY seq LIMIT 1"
    young = connection.execute(query, (after, now() - int(age * 1000))).fetchone()
    return young[0] - 1 if young else last_seq(connection)
