"""Pages of stored chats and messages: filters, totals, and cursors that hold still while rows arrive."""

import base64
import binascii
import sqlite3
from typing import TypeVar

import msgspec

from wagateway.commands.messages import MessageStatus
from wagateway.problems import invalid
from workers.shard.messages import STATUS, phone_of

T = TypeVar("T")
Value = str | int


class MessageCursor(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The last message of a page."""

    timestamp: int
    row: int


class ChatCursor(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The last chat of a page, and the newest message (`seen`) when the first page was made."""

    time: int
    row: int
    seen: int


class ChatQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which chats; `cursor` is None for the first page."""

    limit: int
    offset: int
    cursor: ChatCursor | None
    search: str
    has_media: bool
    archived: bool | None


class MessageQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which messages of a chat; times are Unix milliseconds, both ends included."""

    chat: str
    limit: int
    offset: int
    cursor: MessageCursor | None
    start: int | None
    end: int | None
    media_only: bool
    is_from_me: bool | None
    search: str


class ChatRow(msgspec.Struct, frozen=True):
    """A stored chat; times are Unix milliseconds. `listed` is the time by which the page is ordered."""

    row: int
    jid: str
    name: str
    last_message_time: int
    ephemeral_expiration: int
    archived: int
    unread_count: int
    created_at: int
    updated_at: int
    listed: int


class PageRow(msgspec.Struct, frozen=True):
    """A stored message of a page; times are Unix milliseconds, `name` is "" when the sender has none."""

    row: int
    id: str
    chat: str
    sender: str
    name: str
    content: str
    timestamp: int
    from_me: int
    media_type: str
    filename: str
    url: str
    file_length: int
    created_at: int
    updated_at: int
    quoted_id: str
    kind: str
    status: MessageStatus
    status_reason: str
    media_id: str
    target_id: str
    edited_at: int
    revoked_at: int
    forwarded: int
    sender_lid: str
    chat_lid: str


class ChatPage(msgspec.Struct, frozen=True):
    """Chats, how many match, and where the next page begins (None after the last)."""

    rows: list[ChatRow]
    total: int
    following: ChatCursor | None


class MessagePage(msgspec.Struct, frozen=True):
    """Messages, how many match, where the next page begins, and the chat (None when it is not stored)."""

    rows: list[PageRow]
    total: int
    following: MessageCursor | None
    jid: str
    chat: ChatRow | None


_CHAT_COLUMNS = """row, jid, name, last_message_time, ephemeral_expiration, archived, unread_count,
    created_at, updated_at"""

# A chat that has moved up since the first page is still listed where it was then: else a page would miss it.
_LISTED = """CASE WHEN latest <= :seen THEN last_message_time ELSE
    (SELECT timestamp FROM messages WHERE chat = jid AND messages.row <= :seen AND target_id = ''
     ORDER BY timestamp DESC LIMIT 1)
END"""

_MESSAGE_COLUMNS = f"""m.row, m.id, m.chat, coalesce(l.phone, m.sender),
    coalesce(nullif(m.push_name, ''), c.name, ''), m.content, m.timestamp, m.from_me, m.media_type,
    m.filename, m.url, m.file_length, m.created_at, m.updated_at, m.quoted_id, m.kind, {STATUS},
    m.status_reason, m.media_id, m.target_id, m.edited_at, m.revoked_at, m.forwarded,
    CASE WHEN m.sender GLOB '*@lid' THEN m.sender
        ELSE coalesce((SELECT lid FROM lids WHERE phone = m.sender), '') END,
    CASE WHEN m.chat GLOB '*@lid' THEN m.chat
        ELSE coalesce((SELECT lid FROM lids WHERE phone = m.chat), '') END"""  # noqa: S608  literals of this package
_NAMES = """LEFT JOIN lids l ON l.lid = m.sender
    LEFT JOIN contacts c ON c.jid = coalesce(l.phone, m.sender)"""


def find_chats(connection: sqlite3.Connection, query: ChatQuery) -> ChatPage:
    """The page of chats, latest first."""
    filters, values = _chat_filters(query)
    matching = f"SELECT count(*) FROM chats {_where(filters)}"  # noqa: S608  the filters are literals of this file
    total = connection.execute(matching, values).fetchone()[0]
    listed = "last_message_time"
    seen = _newest(connection)
    if query.cursor is not None:
        seen, listed = query.cursor.seen, _LISTED
        values |= {"seen": seen, "time": query.cursor.time, "row": query.cursor.row}
        filters.append("(listed, row) < (:time, :row)")
    page = f"""SELECT * FROM (SELECT {_CHAT_COLUMNS}, {listed} AS listed FROM chats)
        {_where(filters)} ORDER BY listed DESC, row DESC LIMIT :limit OFFSET :offset"""  # noqa: S608  see above
    values |= {"limit": query.limit + 1, "offset": query.offset}
    rows = [ChatRow(*row) for row in connection.execute(page, values)]
    rows, last = _cut(rows, query.limit)
    following = ChatCursor(last.listed, last.row, seen) if last else None
    return ChatPage(rows, total, following)


def find_messages(connection: sqlite3.Connection, query: MessageQuery) -> MessagePage:
    """The page of messages, latest first; a chat can be asked for by phone JID or LID."""
    jid = phone_of(connection, query.chat)
    filters, values = _message_filters(query, jid)
    matching = f"SELECT count(*) FROM messages m {_where(filters)}"  # noqa: S608  the filters are literals of this file
    total = connection.execute(matching, values).fetchone()[0]
    if query.cursor is not None:
        filters.append("(m.timestamp, m.row) < (:time, :row)")
        values |= {"time": query.cursor.timestamp, "row": query.cursor.row}
    page = f"""SELECT {_MESSAGE_COLUMNS} FROM messages m {_NAMES}
        {_where(filters)} ORDER BY m.timestamp DESC, m.row DESC LIMIT :limit OFFSET :offset"""  # noqa: S608  see above
    values |= {"limit": query.limit + 1, "offset": query.offset}
    rows = [PageRow(*row) for row in connection.execute(page, values)]
    rows, last = _cut(rows, query.limit)
    following = MessageCursor(last.timestamp, last.row) if last else None
    chat = f"SELECT {_CHAT_COLUMNS}, last_message_time FROM chats WHERE jid = ?"  # noqa: S608  literals of this file
    found = connection.execute(chat, (jid,)).fetchone()
    return MessagePage(rows, total, following, jid, ChatRow(*found) if found else None)


def encode_cursor(cursor: MessageCursor | ChatCursor | None) -> str:
    """A cursor as callers see it: a text that means nothing to them."""
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(cursor)).decode().rstrip("=") if cursor else ""


def decode_cursor(text: str, kind: type[T]) -> T | None:
    """The reverse of `encode_cursor`; raises 400 for what this kind of list did not give."""
    if not text:
        return None
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        return msgspec.msgpack.decode(raw, type=kind)
    except (ValueError, binascii.Error, msgspec.MsgspecError):
        raise invalid("cursor", "must be the next_cursor of an earlier page of this list") from None


def _chat_filters(query: ChatQuery) -> tuple[list[str], dict[str, Value]]:
    filters: list[str] = []
    values: dict[str, Value] = {}
    if query.search:
        filters.append("name LIKE :search ESCAPE '\\'")
        values["search"] = _pattern(query.search)
    if query.has_media:
        filters.append("EXISTS (SELECT 1 FROM messages WHERE chat = jid AND media_type != '')")
    if query.archived is not None:
        filters.append("archived = :archived")
        values["archived"] = query.archived
    return filters, values


def _message_filters(query: MessageQuery, jid: str) -> tuple[list[str], dict[str, Value]]:
    filters = ["m.chat = :chat"]
    values: dict[str, Value] = {"chat": jid}
    if query.start is not None:
        filters.append("m.timestamp >= :start")
        values["start"] = query.start
    if query.end is not None:
        filters.append("m.timestamp <= :end")
        values["end"] = query.end
    if query.media_only:
        filters.append("m.media_type != ''")
    if query.is_from_me is not None:
        filters.append("m.from_me = :from_me")
        values["from_me"] = query.is_from_me
    if query.search:
        filters.append("m.content LIKE :search ESCAPE '\\'")
        values["search"] = _pattern(query.search)
    return filters, values


def _where(filters: list[str]) -> str:
    return "WHERE " + " AND ".join(filters) if filters else ""


def _pattern(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def _cut(rows: list[T], limit: int) -> tuple[list[T], T | None]:
    """The rows of the page, and the last of them when there are more."""
    return rows[:limit], rows[limit - 1] if len(rows) > limit else None


def _newest(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT coalesce(max(row), 0) FROM messages").fetchone()[0])
