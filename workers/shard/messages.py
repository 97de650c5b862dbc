"""Messages, chats, names and LIDs of a shard: what one message changes, in one transaction."""

import sqlite3
import time

import msgspec

from wagateway.commands.messages import MessageStatus
from wagateway.phone import is_lid
from workers.shard import changes, moving, receipts
from workers.shard.text import searchable


class MessageRow(msgspec.Struct, frozen=True, kw_only=True):
    """A message to store; `timestamp` is Unix milliseconds, `raw` the serialised `E2E.Message`.

    `sender_lid` is "" unless known: an earlier delivery may have been stored under it. `status` is how far
    a message of ours came. With a `target_id` it is about that message (a reaction, an edit, a vote): such
    a row neither moves its chat nor counts as unread. `metadata` is the JSON of a call.
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
    media_id: str = ""
    filename: str = ""
    url: str = ""
    file_length: int = 0
    quoted_id: str = ""
    target_id: str = ""
    forwarded: bool = False
    status: MessageStatus = ""
    status_reason: str = ""
    metadata: str = ""


class StoredRow(msgspec.Struct, frozen=True, kw_only=True):
    """A stored message; `content` is as the last edit left it, `raw` as the message came.

    JIDs are phone JIDs where known, times Unix milliseconds, 0 for what did not happen. `status` is "" for
    messages of others.
    """

    row: int
    id: str
    chat: str
    sender: str
    from_me: bool
    push_name: str
    timestamp: int
    kind: str
    content: str
    media_type: str
    media_id: str
    filename: str
    url: str
    file_length: int
    quoted_id: str
    target_id: str
    forwarded: bool
    status: MessageStatus
    status_reason: str
    edited_at: int
    revoked_at: int
    raw: bytes


class Quotable(msgspec.Struct, frozen=True):
    """A stored message as a reply needs it."""

    chat: str
    sender: str
    raw: bytes


_INSERT_MESSAGE = """
INSERT INTO messages (id, chat, sender, from_me, push_name, timestamp, kind, content, media_type, media_id,
                      filename, url, file_length, quoted_id, target_id, forwarded, status, status_reason,
                      metadata, words, raw, created_at, updated_at)
VALUES (:id, :chat, :sender, :from_me, :push_name, :timestamp, :kind, :content, :media_type, :media_id,
        :filename, :url, :file_length, :quoted_id, :target_id, :forwarded, :status, :status_reason, :metadata,
        :words, :raw, :now, :now)
"""

STATUS = "CASE WHEN from_me AND status = '' THEN 'server' ELSE status END"
"""The status of a row: what was stored of ours before there were any had reached the server."""

_STORED = f"""
SELECT row, id, chat, coalesce((SELECT phone FROM lids WHERE lid = sender), sender), from_me, push_name,
    timestamp, kind, content, media_type, media_id, filename, url, file_length, quoted_id, target_id,
    forwarded, {STATUS}, status_reason, edited_at, revoked_at, raw
FROM messages WHERE id = :id AND (chat = :chat OR :anywhere) ORDER BY from_me DESC, row LIMIT 1
"""  # noqa: S608  a literal of this file

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

_MARK_READ = """
UPDATE chats SET updated_at = :now, unread_count = min(unread_count, (
    SELECT count(*) FROM messages WHERE chat = :chat AND from_me = 0 AND target_id = ''
        AND (timestamp, row) > (
            SELECT timestamp, row FROM messages
            WHERE chat = :chat AND id IN (SELECT value FROM json_each(:ids))
            ORDER BY +timestamp DESC, row DESC LIMIT 1
        )
))
WHERE jid = :chat AND unread_count > 0
    AND EXISTS (SELECT 1 FROM messages WHERE chat = :chat AND id IN (SELECT value FROM json_each(:ids)))
"""

# No timer is what a chat has that is not stored.
_SET_TIMER = """
INSERT INTO chats (jid, name, ephemeral_expiration, created_at, updated_at)
SELECT :chat, coalesce((SELECT name FROM contacts WHERE jid = :chat), :fallback), :seconds, :now, :now
WHERE :seconds OR EXISTS (SELECT 1 FROM chats WHERE jid = :chat)
ON CONFLICT (jid) DO UPDATE SET ephemeral_expiration = :seconds, updated_at = :now
    WHERE ephemeral_expiration != :seconds
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
    words = searchable(f"{message.content} {message.filename}")
    values = msgspec.structs.asdict(message) | {"words": words, "now": moment}
    inserted = connection.execute(_INSERT_MESSAGE, values)
    if message.from_me:
        receipts.settle(connection, message.chat, message.id, moment)
    if message.target_id:
        changes.settle(connection, message.chat, message.target_id, moment)
        return True
    changes.settle(connection, message.chat, message.id, moment)
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


def find_message(connection: sqlite3.Connection, message_id: str, chat: str | None) -> StoredRow | None:
    """The message with this id in the chat (a phone JID where known), or in any chat for None.

    Of several it is one of ours, else the one that came first.
    """
    values = {"id": message_id, "chat": chat, "anywhere": chat is None}
    row = connection.execute(_STORED, values).fetchone()
    if row is None:
        return None
    named = dict(zip(StoredRow.__struct_fields__, row, strict=True))
    return StoredRow(**named | {"from_me": bool(named["from_me"]), "forwarded": bool(named["forwarded"])})


def chats_with(connection: sqlite3.Connection, message_id: str) -> list[str]:
    """The chats that have a message with this id."""
    rows = connection.execute("SELECT DISTINCT chat FROM messages WHERE id = ? ORDER BY chat", (message_id,))
    return [chat for (chat,) in rows]


def mark_read(connection: sqlite3.Connection, chat: str, ids: list[str]) -> None:
    """The account has read these messages of a chat elsewhere: only what came after them is unread."""
    values = {"chat": chat, "ids": msgspec.json.encode(ids).decode(), "now": now()}
    connection.execute(_MARK_READ, values)


def set_timer(connection: sqlite3.Connection, chat: str, seconds: int) -> None:
    """Keep the disappearing timer of a chat, stored or not."""
    values = {"chat": chat, "seconds": seconds, "fallback": fallback_name(chat), "now": now()}
    connection.execute(_SET_TIMER, values)


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
        names = (fallback_name(lid), fallback_name(phone))
        moving.move(connection, lid, phone, names, now())


def phone_of(connection: sqlite3.Connection, jid: str) -> str:
    """The phone JID of a LID where it is known, else the JID itself."""
    if not is_lid(jid):
        return jid
    row = connection.execute("SELECT phone FROM lids WHERE lid = ?", (jid,)).fetchone()
    return str(row[0]) if row else jid


def lid_of(connection: sqlite3.Connection, jid: str) -> str:
    """The LID of a phone JID, the JID itself when it is one, "" where it is not known."""
    if is_lid(jid):
        return jid
    row = connection.execute("SELECT lid FROM lids WHERE phone = ? LIMIT 1", (jid,)).fetchone()
    return str(row[0]) if row else ""


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
