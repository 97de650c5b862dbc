"""Receipts of a shard: who has which message, and how far a message of ours came."""

import sqlite3
from collections.abc import Iterable

import msgspec

from wagateway.commands.messages import MessageStatus
from workers.engine import ReceiptKind
from workers.shard.people import lid_sql

_COLUMNS: dict[ReceiptKind, str] = {
    "delivered": "delivered_at",
    "read": "read_at",
    "played": "played_at",
    "read-self": "read_at",
    "played-self": "played_at",
}

# A message that failed may have arrived all the same: then what arrived counts.
_STATES: tuple[MessageStatus, ...] = ("", "sent", "failed", "server", "delivered", "read")

_COUNT = """
SELECT count(*), coalesce(sum(read_at > 0 OR played_at > 0), 0) FROM receipts WHERE chat = ? AND id = ?
"""

_ADVANCE = """
UPDATE messages SET status = :status, status_reason = :reason, updated_at = :now
WHERE id = :id AND chat = :chat AND from_me = 1
    AND status IN (SELECT value FROM json_each(:lower))
"""

_RECIPIENTS = f"""
SELECT who, delivered, read, played, {lid_sql("who")} FROM (
    SELECT coalesce(l.phone, recipient) AS who, max(delivered_at) AS delivered, max(read_at) AS read,
        max(played_at) AS played
    FROM receipts LEFT JOIN lids l ON l.lid = recipient
    WHERE chat = ? AND id = ? GROUP BY 1
) ORDER BY who
"""  # noqa: S608  literals of this package

_MOVE = """
INSERT INTO receipts (chat, id, recipient, delivered_at, read_at, played_at)
SELECT :phone, id, CASE recipient WHEN :lid THEN :phone ELSE recipient END, delivered_at, read_at, played_at
FROM receipts WHERE chat = :lid
ON CONFLICT DO UPDATE SET
    delivered_at = max(delivered_at, excluded.delivered_at),
    read_at = max(read_at, excluded.read_at),
    played_at = max(played_at, excluded.played_at)
"""


class ReceiptRow(msgspec.Struct, frozen=True):
    """How far a message came with one receiver; times are Unix milliseconds, 0 while it did not.

    `lid` is "" where it is not known.
    """

    recipient: str
    delivered_at: int
    read_at: int
    played_at: int
    lid: str


def add_receipts(
    connection: sqlite3.Connection,
    kind: ReceiptKind,
    chat: str,
    recipient: str,
    ids: Iterable[str],
    timestamp: int,
) -> list[str]:
    """Keep a receipt for these messages; the ids of those for which it is new."""
    column = _COLUMNS[kind]
    insert = f"""INSERT INTO receipts (chat, id, recipient, {column}) VALUES (?, ?, ?, ?)
        ON CONFLICT DO UPDATE SET {column} = excluded.{column} WHERE {column} = 0"""  # noqa: S608  see _COLUMNS
    at = max(timestamp, 1)  # 0 means that there is none
    return [
        message_id
        for message_id in dict.fromkeys(ids)
        if connection.execute(insert, (chat, message_id, recipient, at)).rowcount
    ]


def settle(connection: sqlite3.Connection, chat: str, message_id: str, moment: int) -> MessageStatus | None:
    """Move the status of a message of ours to what its receipts say, if it is stored.

    It is delivered when anybody has it, and read when everybody who has it has read it. Returns the status
    where that is a new one.
    """
    got, read = connection.execute(_COUNT, (chat, message_id)).fetchone()
    if not got:
        return None
    status: MessageStatus = "read" if read == got else "delivered"
    return status if advance(connection, chat, message_id, status, "", moment) else None


def status_of(connection: sqlite3.Connection, chat: str, message_id: str) -> MessageStatus:
    """How far a message of ours came; "" when it is not stored."""
    row = connection.execute(
        "SELECT status FROM messages WHERE id = ? AND chat = ? AND from_me = 1", (message_id, chat)
    ).fetchone()
    return row[0] if row else ""


def advance(
    connection: sqlite3.Connection,
    chat: str,
    message_id: str,
    status: MessageStatus,
    reason: str,
    moment: int,
) -> bool:
    """Move the status of a message of ours forwards; False, and no change, where it is as far already."""
    lower = msgspec.json.encode(_STATES[: _STATES.index(status)]).decode()
    values = {
        "id": message_id,
        "chat": chat,
        "status": status,
        "reason": reason,
        "now": moment,
        "lower": lower,
    }
    return connection.execute(_ADVANCE, values).rowcount > 0


def find_receipts(connection: sqlite3.Connection, chat: str, message_id: str) -> list[ReceiptRow]:
    """Who has the message, by phone JID where that is known."""
    return [ReceiptRow(*row) for row in connection.execute(_RECIPIENTS, (chat, message_id))]


def move(connection: sqlite3.Connection, lid: str, phone: str) -> list[str]:
    """What was kept under a LID belongs to the chat of this phone JID; the ids of its messages."""
    ids = connection.execute("SELECT DISTINCT id FROM receipts WHERE chat = ?", (lid,)).fetchall()
    connection.execute(_MOVE, {"lid": lid, "phone": phone})
    connection.execute("DELETE FROM receipts WHERE chat = ?", (lid,))
    return [message_id for (message_id,) in ids]
