"""The idempotency keys of a shard: which sends were begun, and what was answered."""

import sqlite3

import msgspec

from workers.shard.messages import now

KEPT = 24 * 60 * 60 * 1000
"""How long a key is remembered, in milliseconds."""


class KeyRow(msgspec.Struct, frozen=True):
    """A key that is taken; `reply` is "" bytes while it is not known whether WhatsApp has the message."""

    fingerprint: bytes
    reply: bytes


def reserve(
    connection: sqlite3.Connection, key: str, fingerprint: bytes, *, handed: bool = True
) -> KeyRow | None:
    """Take the key for a send about to begin; returns what stands under it when it is taken already.

    With `handed` false the message is yet to be prepared: if the worker dies before `hand_over`, the key is
    free, since WhatsApp cannot have the message.
    """
    moment = now()
    connection.execute("DELETE FROM outbox WHERE created_at < ?", (moment - KEPT,))
    connection.execute("DELETE FROM outbox WHERE key = ? AND NOT handed", (key,))
    row = connection.execute("SELECT fingerprint, reply FROM outbox WHERE key = ?", (key,)).fetchone()
    if row is not None:
        return KeyRow(*row)
    connection.execute(
        "INSERT INTO outbox (key, fingerprint, handed, created_at, updated_at) VALUES (?, ?, ?, ?, ?)",
        (key, fingerprint, handed, moment, moment),
    )
    return None


def hand_over(connection: sqlite3.Connection, key: str) -> None:
    """The message is prepared and goes to WhatsApp next: from now on nobody can say that it was not sent."""
    connection.execute("UPDATE outbox SET handed = 1, updated_at = ? WHERE key = ?", (now(), key))


def record(connection: sqlite3.Connection, key: str, message_id: str, reply: bytes) -> None:
    """WhatsApp has the message: every repeat gets this reply."""
    connection.execute(
        "UPDATE outbox SET state = 'sent', message_id = ?, reply = ?, updated_at = ? WHERE key = ?",
        (message_id, reply, now(), key),
    )


def release(connection: sqlite3.Connection, key: str) -> None:
    """WhatsApp has not got the message: the key can be used again."""
    connection.execute("DELETE FROM outbox WHERE key = ? AND state = 'sending'", (key,))
