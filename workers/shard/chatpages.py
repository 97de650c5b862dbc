"""Pages of stored chats: latest first, with cursors that hold still while chats move."""

import sqlite3

import msgspec

from workers.shard.paging import ChatCursor, Value, count, cut, pattern, where
from workers.shard.people import lid_sql


class ChatQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which chats; `cursor` is None for the first page."""

    limit: int
    offset: int
    cursor: ChatCursor | None
    search: str
    has_media: bool
    archived: bool | None


class ChatRow(msgspec.Struct, frozen=True):
    """A stored chat; times are Unix milliseconds. `listed` is the time by which the page is ordered.

    `muted_until` is -1 for a mute without end and 0 without a mute, `lid` is "" where it is not known.
    """

    row: int
    jid: str
    name: str
    last_message_time: int
    ephemeral_expiration: int
    archived: int
    unread_count: int
    created_at: int
    updated_at: int
    pinned: int
    muted_until: int
    marked_unread: int
    lid: str
    listed: int


class ChatPage(msgspec.Struct, frozen=True):
    """Chats, how many match, and where the next page begins (None after the last).

    Unless `exact`, there may be more than `total`.
    """

    rows: list[ChatRow]
    total: int
    exact: bool
    following: ChatCursor | None


_CHAT_COLUMNS = f"""row, jid, name, last_message_time, ephemeral_expiration, archived, unread_count,
    created_at, updated_at, pinned, muted_until, marked_unread, {lid_sql("jid")}"""

# A chat that has moved up since the first page is still listed where it was then: else a page would miss it.
# A chat that had no message then may have been there all the same.
_LISTED = """coalesce(
    max(base_time, (SELECT timestamp FROM messages WHERE chat = jid AND messages.row <= :seen
        AND target_id = '' ORDER BY timestamp DESC LIMIT 1)),
    CASE WHEN row <= :chats THEN base_time END)"""


def find_chats(connection: sqlite3.Connection, query: ChatQuery) -> ChatPage:
    """The page of chats, latest first."""
    filters, values = _chat_filters(query)
    total, exact = _count_chats(connection, query, filters, values)
    if query.cursor is None:
        seen, chats = _newest(connection, "messages"), _newest(connection, "chats")
        page = f"""SELECT {_CHAT_COLUMNS}, last_message_time FROM chats {where(filters)}
            ORDER BY last_message_time DESC, row DESC LIMIT :limit OFFSET :offset"""  # noqa: S608  literals
        values |= {"limit": query.limit + 1, "offset": query.offset}
        rows = [ChatRow(*row) for row in connection.execute(page, values)]
    else:
        seen, chats = query.cursor.seen, query.cursor.chats
        rows = _continued(connection, query, query.cursor, filters, values)
    rows, last = cut(rows, query.limit)
    following = ChatCursor(last.listed, last.row, seen, chats) if last else None
    return ChatPage(rows, total, exact, following)


def find_chat(connection: sqlite3.Connection, jid: str) -> ChatRow | None:
    """The stored chat with this phone JID, or LID where no phone JID is known."""
    query = f"SELECT {_CHAT_COLUMNS}, last_message_time FROM chats WHERE jid = ?"  # noqa: S608  literals of this file
    known = connection.execute(query, (jid,)).fetchone()
    return ChatRow(*known) if known else None


def _chat_filters(query: ChatQuery) -> tuple[list[str], dict[str, Value]]:
    filters: list[str] = []
    values: dict[str, Value] = {}
    if query.search:
        filters.append("name LIKE :search ESCAPE '\\'")
        values["search"] = pattern(query.search)
    if query.has_media:
        filters.append("EXISTS (SELECT 1 FROM message_totals WHERE chat = jid AND files > 0)")
    if query.archived is not None:
        filters.append("archived = :archived")
        values["archived"] = query.archived
    return filters, values


def _count_chats(
    connection: sqlite3.Connection, query: ChatQuery, filters: list[str], values: dict[str, Value]
) -> tuple[int, bool]:
    if query.search or query.has_media:
        return count(connection, "chats", filters, values)
    kept = "SELECT coalesce(sum(chats), 0) FROM chat_totals WHERE archived = :archived OR :archived IS NULL"
    return connection.execute(kept, {"archived": query.archived}).fetchone()[0], True


def _continued(
    connection: sqlite3.Connection,
    query: ChatQuery,
    cursor: ChatCursor,
    filters: list[str],
    values: dict[str, Value],
) -> list[ChatRow]:
    """A later page: what has not moved since the first, by index, and the few chats that have."""
    most = query.offset + query.limit + 1
    began = {"seen": cursor.seen, "chats": cursor.chats}
    values = values | began | {"time": cursor.time, "row": cursor.row, "most": most}
    still = [*filters, "latest <= :seen", "(last_message_time, row) < (:time, :row)"]
    page = f"""SELECT {_CHAT_COLUMNS}, last_message_time FROM chats INDEXED BY chats_by_time {where(still)}
        ORDER BY last_message_time DESC, row DESC LIMIT :most"""  # noqa: S608  literals
    rows = [ChatRow(*row) for row in connection.execute(page, values)]
    moved = [*filters, "latest > :seen"]
    page = f"""SELECT * FROM (
            SELECT {_CHAT_COLUMNS}, {_LISTED} AS listed FROM chats INDEXED BY chats_by_latest {where(moved)}
        ) WHERE (listed, row) < (:time, :row)"""  # noqa: S608  literals
    rows += [ChatRow(*row) for row in connection.execute(page, values)]
    rows.sort(key=lambda row: (row.listed, row.row), reverse=True)
    return rows[query.offset : most]


def _newest(connection: sqlite3.Connection, table: str) -> int:
    newest = f"SELECT coalesce(max(row), 0) FROM {table}"  # noqa: S608  a name of a table
    return int(connection.execute(newest).fetchone()[0])
