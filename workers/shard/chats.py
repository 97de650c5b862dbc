"""Chats of a shard as the account acts on them: what it acts on, and what that changes here."""

import sqlite3
from collections.abc import Iterable

import msgspec

from wagateway.problems import message_not_found
from workers.shard import messages
from workers.shard.messages import StoredRow
from workers.shard.people import lid_sql

UNSENT = "local-"
"""How the ids begin under which we keep what WhatsApp has no id for."""

FOREVER = -1
"""`muted_until` of a mute without end."""

_MOST_UNREAD = 1000

_UNREAD = f"""
SELECT id, coalesce((SELECT phone FROM lids WHERE lid = sender), sender), {lid_sql("messages.sender")},
    metadata != ''
FROM messages WHERE chat = :chat AND from_me = 0 AND target_id = ''
ORDER BY timestamp DESC, row DESC
LIMIT (SELECT min(unread_count, :most) FROM chats WHERE jid = :chat)
"""  # noqa: S608  literals of this package

_NEWEST = """
SELECT id FROM messages WHERE chat = ? AND target_id = '' AND metadata = '' AND id NOT LIKE ? || '%'
ORDER BY timestamp DESC, row DESC LIMIT 1
"""

_SET = """
UPDATE chats SET archived = coalesce(:archived, archived), pinned = coalesce(:pinned, pinned),
    muted_until = coalesce(:muted_until, muted_until),
    marked_unread = coalesce(:marked_unread, marked_unread), updated_at = :now
WHERE jid = :jid
"""

_LEAVE = "UPDATE chats SET base_time = max(base_time, ?) WHERE jid = ?"

_LOWER = "UPDATE chats SET unread_count = unread_count - 1, updated_at = ? WHERE jid = ? AND unread_count > 0"


class Target(msgspec.Struct, frozen=True):
    """A stored message to act on, and the LID of its sender, "" where it is not known."""

    row: StoredRow
    sender_lid: str


class Unread(msgspec.Struct, frozen=True):
    """An unread message or call of a chat; JIDs as in `Target`."""

    id: str
    sender: str
    sender_lid: str
    is_call: bool


def find_target(connection: sqlite3.Connection, message_id: str, chat: str) -> Target:
    """The message with this id in the chat (a phone JID or LID); raises 404 `MESSAGE_NOT_FOUND`."""
    row = messages.find_message(connection, message_id, messages.phone_of(connection, chat))
    if row is None:
        raise message_not_found(message_id)
    return Target(row, messages.lid_of(connection, row.sender))


def find_newest(connection: sqlite3.Connection, chat: str) -> Target | None:
    """The newest message of the chat (a phone JID or LID) that WhatsApp knows."""
    known = messages.phone_of(connection, chat)
    found = connection.execute(_NEWEST, (known, UNSENT)).fetchone()
    return find_target(connection, found[0], known) if found else None


def find_unread(connection: sqlite3.Connection, chat: str) -> list[Unread]:
    """The unread messages and calls of the chat (a phone JID or LID), latest first, at most 1000."""
    known = messages.phone_of(connection, chat)
    if connection.execute("SELECT 1 FROM chats WHERE jid = ?", (known,)).fetchone() is None:
        return []
    rows = connection.execute(_UNREAD, {"chat": known, "most": _MOST_UNREAD})
    return [Unread(row_id, sender, lid, bool(is_call)) for row_id, sender, lid, is_call in rows]


def is_marked_unread(connection: sqlite3.Connection, chat: str) -> bool:
    """Whether the account has marked the chat (a phone JID or LID) as unread."""
    known = messages.phone_of(connection, chat)
    row = connection.execute("SELECT marked_unread FROM chats WHERE jid = ?", (known,)).fetchone()
    return row is not None and bool(row[0])


def set_chat(
    connection: sqlite3.Connection,
    chat: str,
    *,
    archived: bool | None = None,
    pinned: bool | None = None,
    muted_until: int | None = None,
    marked_unread: bool | None = None,
) -> None:
    """Keep how the account has the chat (a phone JID or LID), where it is stored; None leaves as it is.

    `muted_until` is Unix milliseconds, 0 for not muted, `FOREVER` for a mute without end.
    """
    values = {
        "jid": messages.phone_of(connection, chat),
        "archived": archived,
        "pinned": pinned,
        "muted_until": muted_until,
        "marked_unread": marked_unread,
        "now": messages.now(),
    }
    connection.execute(_SET, values)


def set_timer(connection: sqlite3.Connection, chat: str, seconds: int) -> None:
    """Keep the disappearing timer of the chat (a phone JID or LID), stored or not."""
    messages.set_timer(connection, messages.phone_of(connection, chat), seconds)


def read(connection: sqlite3.Connection, chat: str, ids: Iterable[str]) -> None:
    """The account has read these messages of the chat (a phone JID or LID): only later ones are unread."""
    messages.mark_read(connection, messages.phone_of(connection, chat), list(ids))


def delete_message(connection: sqlite3.Connection, row: StoredRow) -> None:
    """Forget a message, and what is about it; the file stays, for others may have brought the same."""
    if row.id in (unread.id for unread in find_unread(connection, row.chat)):
        connection.execute(_LOWER, (messages.now(), row.chat))
    if not row.target_id:
        connection.execute(_LEAVE, (row.timestamp, row.chat))
    connection.execute("DELETE FROM messages WHERE row = ?", (row.row,))
    connection.execute(
        "DELETE FROM messages WHERE target_id = ? AND target_id != '' AND chat = ?", (row.id, row.chat)
    )
