"""The hooks of a shard: which URLs get events, how far each is, and when a failed one is tried again."""

import sqlite3
from collections.abc import Iterable

import msgspec

from workers.shard.log import last_seq
from workers.shard.messages import now


class HookRow(msgspec.Struct, frozen=True):
    """A hook; `cursor` is the last event it got, `wait` the seconds until it may be tried again."""

    url: str
    cursor: int
    attempts: int
    wait: float


def sync_hooks(connection: sqlite3.Connection, urls: Iterable[str]) -> list[HookRow]:
    """Make the table hold exactly these URLs.

    One that is known goes on where it was. A new one goes on where the slowest of those was whose place it
    takes: what they have not got is not lost. Where none goes, it starts at the end of the log.
    """
    wanted = list(dict.fromkeys(urls))
    marks = ", ".join("?" * len(wanted))
    gone = connection.execute(
        f"DELETE FROM hooks WHERE url NOT IN ({marks}) RETURNING cursor",  # noqa: S608  question marks
        wanted,
    ).fetchall()
    start, moment = min((cursor for (cursor,) in gone), default=last_seq(connection)), now()
    for url in wanted:
        connection.execute(
            "INSERT INTO hooks (url, cursor, updated_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (url, start, moment),
        )
    rows = connection.execute("SELECT url, cursor, attempts, next_attempt, pause FROM hooks").fetchall()
    return [
        HookRow(url, cursor, attempts, min(max(due - moment, 0), pause) / 1000)
        for url, cursor, attempts, due, pause in rows
    ]


def save_cursor(connection: sqlite3.Connection, url: str, cursor: int) -> None:
    """The hook has every event up to `cursor`."""
    connection.execute(
        "UPDATE hooks SET cursor = ?, attempts = 0, next_attempt = 0, pause = 0, last_error = '', "
        "updated_at = ? WHERE url = ? AND cursor < ?",
        (cursor, now(), url, cursor),
    )


def save_failure(connection: sqlite3.Connection, hook: HookRow, error: str) -> None:
    """The attempt after `hook.cursor` failed; it is tried again in `hook.wait` seconds."""
    pause = int(hook.wait * 1000)
    connection.execute(
        "UPDATE hooks SET cursor = ?, attempts = ?, next_attempt = ?, pause = ?, last_error = ?, "
        "updated_at = ? WHERE url = ?",
        (hook.cursor, hook.attempts, now() + pause, pause, error, now(), hook.url),
    )
