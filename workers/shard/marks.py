"""What the device last did by itself or was, and when: so that a restart knows.

The same table has which chats a history has told of (see `workers.shard.imports`).
"""

import sqlite3
from typing import Literal

Mark = Literal["presence_pulse", "presence_pulse_open", "online", "log_clock"]
"""When the last pulse began; the same while it has not ended; when the device was last known to be online;
how far the time was by which events age."""

_DAY = 86_400_000  # milliseconds

# A time that is yet to come is of a clock that was set back since.
_CLAIM = """
UPDATE chats SET auto_replied_at = :now
WHERE jid = :chat AND auto_replied_at NOT BETWEEN :now - :pause + 1 AND :now AND :most > (
    SELECT count(*) FROM messages
    WHERE chat = :chat AND from_me = 1 AND kind = 'text' AND content = :text AND timestamp > :now - :day
)
"""


def get(connection: sqlite3.Connection, name: Mark) -> int | None:
    """When that was, in Unix milliseconds; None before the first time."""
    row = connection.execute("SELECT at FROM marks WHERE name = ?", (name,)).fetchone()
    return None if row is None else int(row[0])


def put(connection: sqlite3.Connection, name: Mark, at: int) -> None:
    """Remember when that was, in Unix milliseconds."""
    connection.execute("INSERT OR REPLACE INTO marks (name, at) VALUES (?, ?)", (name, at))


def once(connection: sqlite3.Connection, name: str, at: int) -> bool:
    """Whether this is the first time, which is remembered."""
    return connection.execute("INSERT OR IGNORE INTO marks (name, at) VALUES (?, ?)", (name, at)).rowcount > 0


def drop(connection: sqlite3.Connection, name: Mark) -> None:
    """Forget it."""
    connection.execute("DELETE FROM marks WHERE name = ?", (name,))


def claim_reply(
    connection: sqlite3.Connection, chat: str, text: str, now: int, pause: int, most: int
) -> bool:
    """Whether the chat may be answered with this text by itself now, which is remembered as done.

    Not within `pause` milliseconds of the last such answer, nor `most` times in 24 hours.
    """
    values = {"chat": chat, "text": text, "now": now, "pause": pause, "most": most, "day": _DAY}
    return connection.execute(_CLAIM, values).rowcount == 1
