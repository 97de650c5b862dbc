"""The hooks of a shard: how far each is, whether it is delivered to, and how its endpoint does."""

import sqlite3
from collections.abc import Iterable

import msgspec

from wagateway.commands.webhooks import HookState
from workers.shard import pauses
from workers.shard.log import last_seq
from workers.shard.messages import now


class HookRow(msgspec.Struct, frozen=True, kw_only=True):
    """A hook; times are in seconds, but for `delivered_at`, in Unix milliseconds.

    It is done with every event up to `cursor`, but for those in the lanes. `attempts` failed in a row,
    whatever the chat. While the endpoint is down, `pause` is the wait until it is tried next, of which
    `left` remains, and `down` the sum of those before it; else they are 0.
    """

    id: str
    cursor: int
    state: HookState = "active"
    attempts: int = 0
    pause: float = 0.0
    left: float = 0.0
    down: float = 0.0
    last_status: int = 0
    last_error: str = ""
    delivered_at: int = 0


_ALL = """
SELECT id, cursor, state, attempts, pause, next_attempt, down, last_status, last_error, delivered_at
FROM hooks
"""
_SAVE = """
UPDATE hooks SET cursor = ?, state = ?, attempts = ?, next_attempt = ?, pause = ?, down = ?, last_status = ?,
    last_error = ?, delivered_at = ?, updated_at = ? WHERE id = ?
"""
_INHERIT = """
INSERT INTO lanes (hook, chat, cursor, attempts, next_attempt, pause, waited)
SELECT ?, chat, min(cursor), 0, 0, 0, 0 FROM lanes WHERE cursor < ? AND hook IN ({marks}) GROUP BY chat
"""
# All that is kept about a hook, beside its row.
_PARTS = ("lanes", "replays", "deliveries")


def sync_hooks(connection: sqlite3.Connection, ids: Iterable[str]) -> list[HookRow]:
    """Make the table hold exactly these hooks.

    One that is known goes on where it was. A new one goes on where the slowest of those was whose place it
    takes, chat by chat: what they have not got is not lost. Where none goes, it starts at the end of the log.
    """
    wanted = list(dict.fromkeys(ids))
    cursors = dict(connection.execute("SELECT id, cursor FROM hooks").fetchall())
    gone = [hook for hook in cursors if hook not in wanted]
    start = min((cursors[hook] for hook in gone), default=last_seq(connection))
    for hook in wanted:
        if hook not in cursors:
            connection.execute(
                "INSERT INTO hooks (id, cursor, updated_at) VALUES (?, ?, ?)", (hook, start, now())
            )
            connection.execute(_INHERIT.format(marks=", ".join("?" * len(gone))), (hook, start, *gone))
    for hook in gone:
        connection.execute("DELETE FROM hooks WHERE id = ?", (hook,))
        for part in _PARTS:
            connection.execute(f"DELETE FROM {part} WHERE hook = ?", (hook,))  # noqa: S608  names of ours
    return read_hooks(connection)


def read_hooks(connection: sqlite3.Connection) -> list[HookRow]:
    """Every hook; what remains of a wait is never longer than the wait was, whatever the clock says."""
    moment = now()
    return [
        HookRow(
            id=hook,
            cursor=cursor,
            state=state,
            attempts=attempts,
            pause=pause / 1000,
            left=pauses.left(due, pause, moment),
            down=down / 1000,
            last_status=last_status,
            last_error=last_error,
            delivered_at=delivered_at,
        )
        for hook, cursor, state, attempts, pause, due, down, last_status, last_error, delivered_at in (
            connection.execute(_ALL)
        )
    ]


def save_hook(connection: sqlite3.Connection, row: HookRow) -> None:
    """It is like that now; `row.left` is how long it still waits."""
    moment = now()
    connection.execute(
        _SAVE,
        (
            row.cursor,
            row.state,
            row.attempts,
            pauses.due(row.left, row.pause, moment),
            int(row.pause * 1000),
            int(row.down * 1000),
            row.last_status,
            row.last_error,
            row.delivered_at,
            moment,
            row.id,
        ),
    )


def set_state(connection: sqlite3.Connection, hook: str, state: HookState) -> None:
    """Deliver to it, or do not."""
    connection.execute("UPDATE hooks SET state = ?, updated_at = ? WHERE id = ?", (state, now(), hook))


def hurry(connection: sqlite3.Connection, hook: str) -> None:
    """Whatever waits after a failure is to be tried at once; how often it failed starts anew."""
    connection.execute(
        "UPDATE hooks SET attempts = 0, next_attempt = 0, pause = 0, down = 0 WHERE id = ?", (hook,)
    )
    for part in ("lanes", "replays"):
        query = f"UPDATE {part} SET next_attempt = 0, pause = 0 WHERE hook = ?"  # noqa: S608  names of ours
        connection.execute(query, (hook,))
