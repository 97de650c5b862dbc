"""Pages of stored messages: filters, totals, and cursors that hold still while rows arrive.

A page costs what is on it, however much is stored: totals are kept by triggers, or counted up to `MANY`.
"""

import sqlite3

import msgspec

from wagateway.commands.messages import MessageStatus
from workers.shard import search
from workers.shard.chatpages import ChatRow, find_chat
from workers.shard.messages import STATUS, phone_of
from workers.shard.paging import MessageCursor, Value, count, cut, pattern, where
from workers.shard.people import lid_sql
from workers.shard.reactions import ReactionRow, find_reactions
from workers.shard.search import Filters, Sort
from workers.shard.text import phrases


class MessageQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which messages; `cursor` is None for the first page and only goes with the sort by time.

    `chat` may be a phone JID or a LID; None, for all chats, needs a search. Times are Unix milliseconds,
    both ends included.
    """

    chat: str | None
    limit: int
    offset: int
    cursor: MessageCursor | None
    start: int | None
    end: int | None
    media_only: bool
    is_from_me: bool | None
    search: str
    sort: Sort = "time"


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
    metadata: str
    sender_lid: str
    chat_lid: str


class MessagePage(msgspec.Struct, frozen=True):
    """Messages, how many match, where the next page begins, and the chat (None when it is not stored).

    Unless `exact`, there may be more than `total`. `reactions` has those of the rows that have any, `jid`
    is that of the chat asked for, "" for all chats.
    """

    rows: list[PageRow]
    total: int
    exact: bool
    following: MessageCursor | None
    reactions: dict[int, list[ReactionRow]]
    jid: str
    chat: ChatRow | None


_MESSAGES = f"""SELECT m.row, m.id, m.chat, coalesce(l.phone, m.sender),
    coalesce(nullif(m.push_name, ''), c.name, ''), m.content, m.timestamp, m.from_me, m.media_type,
    m.filename, m.url, m.file_length, m.created_at, m.updated_at, m.quoted_id, m.kind, {STATUS},
    m.status_reason, m.media_id, m.target_id, m.edited_at, m.revoked_at, m.forwarded, m.metadata,
    {lid_sql("m.sender")}, {lid_sql("m.chat")}
    FROM json_each(?) page CROSS JOIN messages m ON m.row = page.value
    LEFT JOIN lids l ON l.lid = m.sender
    LEFT JOIN contacts c ON c.jid = coalesce(l.phone, m.sender)
    ORDER BY page.key"""  # noqa: S608  literals of this package


def find_messages(connection: sqlite3.Connection, query: MessageQuery) -> MessagePage:
    """The page of messages, latest or best first; a chat can be asked for by phone JID or LID."""
    jid = "" if query.chat is None else phone_of(connection, query.chat)
    filters = Filters(
        chat=jid or None,
        start=query.start,
        end=query.end,
        media_only=query.media_only,
        is_from_me=query.is_from_me,
    )
    if phrases(query.search):
        before = None if query.cursor is None else (query.cursor.timestamp, query.cursor.row)
        found = search.find(
            connection,
            query.search,
            filters,
            before=before,
            limit=query.limit + 1,
            offset=query.offset,
            sort=query.sort,
        )
    else:
        found = _in_time(connection, query, filters)
    page = msgspec.json.encode(found.rows).decode()
    rows, last = cut([PageRow(*row) for row in connection.execute(_MESSAGES, (page,))], query.limit)
    following = MessageCursor(last.timestamp, last.row) if last and query.sort == "time" else None
    reactions = find_reactions(connection, [(row.row, row.chat, row.id) for row in rows if not row.target_id])
    chat = find_chat(connection, jid)
    return MessagePage(rows, found.total, found.exact, following, reactions, jid, chat)


def _in_time(connection: sqlite3.Connection, query: MessageQuery, filters: Filters) -> search.Found:
    if filters.chat is None:  # a search for nothing that a word can be made of
        return search.Found([], 0, True)
    conditions, values = _message_filters(query.search, filters)
    total, exact = _count_messages(connection, query.search, filters, conditions, values)
    if query.cursor is not None:
        conditions.append("(m.timestamp, m.row) < (:time, :row)")
        values |= {"time": query.cursor.timestamp, "row": query.cursor.row}
    page = f"""SELECT m.row FROM messages m {where(conditions)}
        ORDER BY m.timestamp DESC, m.row DESC LIMIT :limit OFFSET :offset"""  # noqa: S608  literals
    values |= {"limit": query.limit + 1, "offset": query.offset}
    return search.Found([row for (row,) in connection.execute(page, values)], total, exact)


def _message_filters(text: str, filters: Filters) -> tuple[list[str], dict[str, Value]]:
    conditions = ["m.chat = :chat"]
    values: dict[str, Value] = {"chat": filters.chat or ""}
    if filters.start is not None:
        conditions.append("m.timestamp >= :start")
        values["start"] = filters.start
    if filters.end is not None:
        conditions.append("m.timestamp <= :end")
        values["end"] = filters.end
    if filters.media_only:
        conditions.append("m.media_type != ''")
    if filters.is_from_me is not None:
        conditions.append("m.from_me = :from_me")
        values["from_me"] = filters.is_from_me
    if text:  # of punctuation only, which is in no index
        conditions.append("m.content LIKE :search ESCAPE '\\'")
        values["search"] = pattern(text)
    return conditions, values


def _count_messages(
    connection: sqlite3.Connection,
    text: str,
    filters: Filters,
    conditions: list[str],
    values: dict[str, Value],
) -> tuple[int, bool]:
    timed = filters.start is not None or filters.end is not None
    if timed or text or (filters.media_only and filters.is_from_me is not None):
        return count(connection, "messages m", conditions, values)
    kept = "SELECT messages, own, files FROM message_totals WHERE chat = ?"
    messages, own, files = connection.execute(kept, (filters.chat,)).fetchone() or (0, 0, 0)
    if filters.media_only:
        return files, True
    return {None: messages, True: own, False: messages - own}[filters.is_from_me], True
