"""Messages, chats, names and LIDs of a shard: what one message changes, in one transaction."""

import sqlite3
import time

import msgspec


class MessageRow(msgspec.Struct, frozen=True, kw_only=True):
    """A message to store; `timestamp` is Unix milliseconds, `raw` the serialised `E2E.Message`.

    `sender_lid` is "" unless known: an earlier delivery may have been stored under it.
    """

    id: str
    chat: str
    sender: str
    from_me: bool
    timestamp: int
    kind: str
    content: str
    raw: bytes
    sender_lid: str = ""
    push_name: str = ""
    media_type: str = ""
    quoted_id: str = ""


class Quotable(msgspec.Struct, frozen=True):
    """A stored message as a reply needs it."""

    chat: str
    sender: str
    raw: bytes


_INSERT_MESSAGE = """
INSERT INTO messages (id, chat, sender, from_me, push_name, timestamp, kind, content, media_type, quoted_id,
                      raw, created_at, updated_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

_FIND_MESSAGE = "SELECT 1 FROM messages WHERE id = ? AND chat = ? AND sender IN (?, ?)"

_UPSERT_CHAT = """
INSERT INTO chats (jid, name, last_message_time, latest, unread_count, created_at, updated_at)
VALUES (:jid, coalesce(nullif(:name, ''), (SELECT name FROM contacts WHERE jid = :jid), :fallback),
        :time, :row, :unread, :now, :now)
ON CONFLICT (jid) DO UPDATE SET
    name = coalesce(nullif(:name, ''), name),
    last_message_time = max(last_message_time, :time),
    latest = max(latest, :row),
    unread_count = CASE WHEN :unread THEN unread_count + 1 ELSE 0 END,
    updated_at = :now
"""

_RENAME_CHAT = """
UPDATE chats SET jid = :phone, name = CASE WHEN name = :old THEN :new ELSE name END WHERE jid = :lid
"""

_MERGE_CHAT = """
UPDATE chats SET
    last_message_time = max(last_message_time,
        coalesce((SELECT last_message_time FROM chats WHERE jid = :lid), 0)),
    latest = max(latest, coalesce((SELECT latest FROM chats WHERE jid = :lid), 0)),
    unread_count = unread_count + coalesce((SELECT unread_count FROM chats WHERE jid = :lid), 0)
WHERE jid = :phone
"""


def now() -> int:
    """The wall clock in Unix milliseconds."""
    return time.time_ns() // 1_000_000


def add_message(connection: sqlite3.Connection, message: MessageRow, chat_name: str = "") -> bool:
    """Store the message and move its chat; False, and no change, when it is stored already.

    A message of our own means that the chat was read. `chat_name` is "" where it is not known.
    """
    if connection.execute(
        _FIND_MESSAGE, (message.id, message.chat, message.sender, message.sender_lid)
    ).fetchone():
        return False
    moment = now()
    inserted = connection.execute(
        _INSERT_MESSAGE,
        (
            message.id,
            message.chat,
            message.sender,
            message.from_me,
            message.push_name,
            message.timestamp,
            message.kind,
            message.content,
            message.media_type,
            message.quoted_id,
            message.raw,
            moment,
            moment,
        ),
    )
    chat = {
        "jid": message.chat,
        "name": chat_name,
        "fallback": fallback_name(message.chat),
        "time": message.timestamp,
        "row": inserted.lastrowid,
        "unread": not message.from_me,
        "now": moment,
    }
    connection.execute(_UPSERT_CHAT, chat)
    return True


def set_timer(connection: sqlite3.Connection, chat: str, seconds: int) -> None:
    """Keep the disappearing timer of a chat that is stored."""
    connection.execute(
        "UPDATE chats SET ephemeral_expiration = :seconds, updated_at = :now "
        "WHERE jid = :chat AND ephemeral_expiration != :seconds",
        {"seconds": seconds, "chat": chat, "now": now()},
    )


def get_timer(connection: sqlite3.Connection, chat: str) -> int:
    """The disappearing timer of a chat in seconds; 0 when it has none."""
    row = connection.execute("SELECT ephemeral_expiration FROM chats WHERE jid = ?", (chat,)).fetchone()
    return int(row[0]) if row else 0


def learn_name(connection: sqlite3.Connection, jid: str, name: str) -> None:
    """Remember how somebody calls themselves."""
    connection.execute(
        "INSERT INTO contacts (jid, name) VALUES (?, ?) "
        "ON CONFLICT (jid) DO UPDATE SET name = excluded.name WHERE name != excluded.name",
        (jid, name),
    )


def name_of(connection: sqlite3.Connection, jid: str) -> str:
    """The remembered name of somebody, "" when there is none."""
    row = connection.execute("SELECT name FROM contacts WHERE jid = ?", (jid,)).fetchone()
    return str(row[0]) if row else ""


def learn_lid(connection: sqlite3.Connection, lid: str, phone: str) -> None:
    """Remember whose LID it is; what was stored under the LID moves to the phone JID."""
    known = connection.execute("SELECT phone FROM lids WHERE lid = ?", (lid,)).fetchone()
    if known is None or known[0] != phone:
        connection.execute("INSERT OR REPLACE INTO lids (lid, phone) VALUES (?, ?)", (lid, phone))
        _move(connection, lid, phone)


def phone_of(connection: sqlite3.Connection, jid: str) -> str:
    """The phone JID of a LID where it is known, else the JID itself."""
    if not jid.endswith("@lid"):
        return jid
    row = connection.execute("SELECT phone FROM lids WHERE lid = ?", (jid,)).fetchone()
    return str(row[0]) if row else jid


def find_quotable(connection: sqlite3.Connection, message_id: str, chat: str) -> Quotable | None:
    """The message with this id, the one of `chat` before any other."""
    row = connection.execute(
        "SELECT chat, sender, raw FROM messages WHERE id = ? ORDER BY chat = ? DESC, row LIMIT 1",
        (message_id, chat),
    ).fetchone()
    return Quotable(*row) if row else None


def fallback_name(jid: str) -> str:
    """What a chat is called while nothing better is known."""
    user, _, server = jid.partition("@")
    if jid == "status@broadcast":
        return "Status"
    prefix = {"g.us": "Group ", "newsletter": "Newsletter "}.get(server, "")
    return prefix + user


def _move(connection: sqlite3.Connection, lid: str, phone: str) -> None:
    # Senders stay as they are: nothing finds them fast, and a page shows the phone JID instead.
    connection.execute("UPDATE OR IGNORE messages SET chat = ? WHERE chat = ?", (phone, lid))
    connection.execute("DELETE FROM messages WHERE chat = ?", (lid,))
    values = {"lid": lid, "phone": phone, "old": fallback_name(lid), "new": fallback_name(phone)}
    if connection.execute("SELECT 1 FROM chats WHERE jid = ?", (phone,)).fetchone() is None:
        connection.execute(_RENAME_CHAT, values)
    else:
        connection.execute(_MERGE_CHAT, values)
        connection.execute("DELETE FROM chats WHERE jid = ?", (lid,))
