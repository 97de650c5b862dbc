"""What a phone's history says of chats, names and LIDs, kept without changing what is newer."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from workers.shard import marks, messages
from workers.shard.messages import fallback_name


class OldChat(msgspec.Struct, frozen=True, kw_only=True):
    """A chat as the phone had it; `time` (of its last message) and `muted_until` are Unix milliseconds.

    `name` is "" where the phone tells none, `muted_until` -1 for ever, `timer` seconds.
    """

    jid: str
    name: str = ""
    time: int = 0
    archived: bool = False
    pinned: bool = False
    muted_until: int = 0
    unread: int = 0
    marked_unread: bool = False
    timer: int = 0


_ADD = """
INSERT INTO chats (jid, name, archived, pinned, muted_until, unread_count, marked_unread,
                   ephemeral_expiration, created_at, updated_at)
VALUES (:jid, coalesce(nullif(:name, ''), (SELECT name FROM contacts WHERE jid = :jid), :fallback), :archived,
        :pinned, :muted_until, :unread, :marked_unread, :timer, :now, :now)
ON CONFLICT (jid) DO NOTHING
"""

_SET = """
UPDATE chats SET archived = :archived, pinned = :pinned, muted_until = :muted_until,
    marked_unread = :marked_unread, updated_at = :now,
    unread_count = CASE latest WHEN 0 THEN :unread ELSE unread_count END,
    ephemeral_expiration = CASE ephemeral_expiration WHEN 0 THEN :timer ELSE ephemeral_expiration END
WHERE jid = :jid AND archived = 0 AND pinned = 0 AND muted_until = 0 AND marked_unread = 0
"""

_NAME = "UPDATE chats SET name = :name, updated_at = :now WHERE jid = :jid AND name = :fallback"

_STANDING = "SELECT unread_count, latest, last_message_time FROM chats WHERE jid = ?"

# `latest` tells pages which chats have moved since they were begun (see workers.shard.pages), and a chat
# moves by a message that is newer than all that it had.
_STAND = """
UPDATE chats SET unread_count = :unread,
    latest = CASE WHEN last_message_time > :time THEN latest ELSE :latest END
WHERE jid = :jid
"""

_TIME = """
UPDATE chats SET last_message_time = :time, base_time = :time WHERE jid = :jid AND last_message_time = 0
"""

_ORIGINAL = """
SELECT edited_at, revoked_at FROM messages WHERE id = ? AND chat = ? AND target_id = '' LIMIT 1
"""


def tell_chat(connection: sqlite3.Connection, chat: OldChat) -> bool:
    """Keep what the phone says of a chat; whether the chat is new.

    Only the first history that tells of a chat says whether it is archived, pinned, muted or marked as
    unread, and only while none of these is set: after that the phone's word may be older than what was
    done here. How many messages are unread is taken for a chat without any alone, because each that came
    meanwhile was counted, and a name where the chat has none yet.
    """
    moment = messages.now()
    values = msgspec.structs.asdict(chat) | {"fallback": fallback_name(chat.jid), "now": moment}
    added = connection.execute(_ADD, values).rowcount > 0
    first = marks.once(connection, f"history:{chat.jid}", moment)
    if added:
        return True
    if first:
        connection.execute(_SET, values)
    if chat.name:
        connection.execute(_NAME, values)
    return False


@contextmanager
def standing(connection: sqlite3.Connection, chat: OldChat) -> Iterator[None]:
    """Messages added to the chat inside do not count as unread, nor do older ones move it."""
    before = connection.execute(_STANDING, (chat.jid,)).fetchone()
    yield
    if before is not None:
        unread, latest, time = before
        connection.execute(_STAND, {"jid": chat.jid, "unread": unread, "latest": latest, "time": time})
    connection.execute(_TIME, {"jid": chat.jid, "time": chat.time})


def learn_name(connection: sqlite3.Connection, jid: str, name: str) -> None:
    """How somebody called themselves: their name, and that of their chat, where none is known."""
    known = connection.execute("INSERT OR IGNORE INTO contacts (jid, name) VALUES (?, ?)", (jid, name))
    if known.rowcount:
        values = {"jid": jid, "name": name, "fallback": fallback_name(jid), "now": messages.now()}
        connection.execute(_NAME, values)


def learn_lid(connection: sqlite3.Connection, lid: str, phone: str) -> None:
    """Whose LID it was, where that is not known."""
    if messages.phone_of(connection, lid) == lid:
        messages.learn_lid(connection, lid, phone)


def changed_at(connection: sqlite3.Connection, message_id: str, chat: str) -> tuple[int, int] | None:
    """When a message was edited and revoked, 0 for never; None when it is not stored."""
    if not message_id:
        return None
    row = connection.execute(_ORIGINAL, (message_id, chat)).fetchone()
    return (int(row[0]), int(row[1])) if row else None


def set_edited(connection: sqlite3.Connection, message_id: str, chat: str, at: int) -> None:
    """The message was stored as an edit had left it."""
    connection.execute(
        "UPDATE messages SET edited_at = ? WHERE id = ? AND chat = ? AND target_id = ''",
        (at, message_id, chat),
    )
