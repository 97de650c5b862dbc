"""Full-text search of a shard: which messages have words that begin as those asked for, newest or best first.

The index knows a message by its time and row (`key`), so that it holds them in the order of their times: a
page of the newest reads only as much of the index as it shows.
"""

import sqlite3
from typing import Literal

import msgspec

from workers.shard.text import phrases

RANKED = 500
"""The most matches that are counted and ranked; of more the newest come first. More have a frequent word."""

Sort = Literal["time", "rank"]
Value = str | int

_ROW_BITS = 31
_ROWS = (1 << _ROW_BITS) - 1
_LAST_SECOND = (1 << 32) - 1
_LAST_KEY = _LAST_SECOND << _ROW_BITS | _ROWS


class Filters(msgspec.Struct, frozen=True, kw_only=True):
    """Which messages; `chat` is a phone JID where known, times are Unix milliseconds, both ends included."""

    chat: str | None
    start: int | None
    end: int | None
    media_only: bool
    is_from_me: bool | None


_ALL = Filters(chat=None, start=None, end=None, media_only=False, is_from_me=None)


class Found(msgspec.Struct, frozen=True):
    """The rows of a page in their order, how many match, and whether that is all or there may be more."""

    rows: list[int]
    total: int
    exact: bool


def key_sql(row: str) -> str:
    """SQL for the key in the index of a row of messages that goes by the name `row`."""
    second = f"min(max({row}.timestamp / 1000, 0), {_LAST_SECOND})"
    return f"({second} << {_ROW_BITS} | ({row}.row & {_ROWS}))"


def chat_sql(row: str) -> str:
    """SQL for the word by which the index knows the chat of a row of messages."""
    return f"'c' || replace(replace(replace({row}.chat, '@', 'x'), '.', ''), '-', 'x')"


def find(
    connection: sqlite3.Connection,
    search: str,
    filters: Filters,
    *,
    before: tuple[int, int] | None,
    limit: int,
    offset: int,
    sort: Sort,
) -> Found:
    """The rows that match, after the time and row of `before`; what is asked for has at least one word.

    With `rank`, a message with more of the rare words and less beside them comes first (bm25). A word that
    more than `RANKED` messages have tells nothing about any of them and does not count.
    """
    asked = phrases(search)
    where, values = _condition(asked, filters)
    newest = _keys(connection, where, values, RANKED + 1, 0)
    exact = len(newest) <= RANKED
    total = min(len(newest), RANKED)
    rare = _rare(connection, asked, filters) if sort == "rank" and exact else []
    if rare:
        keys = _best(connection, rare, newest, limit, offset)
    elif before is None and (exact or offset + limit <= RANKED):
        keys = newest[offset : offset + limit]
    else:
        if before is not None:
            values["to"] = min(int(values["to"]), _key(*before) - 1)
        keys = _keys(connection, where, values, limit, offset)
    return Found([key & _ROWS for key in keys], total, exact)


def _keys(
    connection: sqlite3.Connection, where: str, values: dict[str, Value], limit: int, offset: int
) -> list[int]:
    query = f"SELECT rowid FROM search WHERE {where} ORDER BY rowid DESC LIMIT :limit OFFSET :offset"  # noqa: S608
    rows = connection.execute(query, values | {"limit": limit, "offset": offset})
    return [key for (key,) in rows]


def _best(
    connection: sqlite3.Connection, rare: list[str], among: list[int], limit: int, offset: int
) -> list[int]:
    # The + keeps SQLite from looking up each key by itself, which would begin the whole search anew.
    query = """SELECT rowid FROM search
        WHERE search MATCH ? AND +rowid IN (SELECT value FROM json_each(?))
        ORDER BY bm25(search, 0.0, 1.0), rowid DESC LIMIT ? OFFSET ?"""
    values = (_words(rare), msgspec.json.encode(among).decode(), limit, offset)
    return [key for (key,) in connection.execute(query, values)]


def _condition(asked: list[str], filters: Filters) -> tuple[str, dict[str, Value]]:
    where = ["search MATCH :match", "rowid BETWEEN :from AND :to"]
    values: dict[str, Value] = {"match": _match(asked, filters), "from": 0, "to": _LAST_KEY}
    # The key has whole seconds: a message of the first or the last of them is looked at itself.
    exact = f"(SELECT timestamp FROM messages WHERE row = search.rowid & {_ROWS})"  # noqa: S608  literals
    if filters.start is not None:
        values |= {"from": _key(filters.start, 0), "start": filters.start}
        where.append(f"(rowid > {values['from']} + {_ROWS} OR {exact} >= :start)")
    if filters.end is not None:
        values |= {"to": _key(filters.end, _ROWS), "end": filters.end}
        where.append(f"(rowid < {values['to']} - {_ROWS} OR {exact} <= :end)")
    return " AND ".join(where), values


def _match(asked: list[str], filters: Filters) -> str:
    keys = []
    if filters.chat is not None:
        keys.append("c" + filters.chat.replace("@", "x").replace(".", "").replace("-", "x"))
    if filters.media_only:
        keys.append("file")
    if filters.is_from_me:
        keys.append("own")
    match = _words(asked)
    if keys:
        match = f"({match}) AND keys : ({' AND '.join(keys)})"
    return match if filters.is_from_me is not False else f"({match}) NOT keys : own"


def _words(asked: list[str]) -> str:
    return f"words : ({' AND '.join(asked)})"


def _rare(connection: sqlite3.Connection, asked: list[str], filters: Filters) -> list[str]:
    if len(asked) == 1 and filters == _ALL:
        return asked
    count = f"SELECT count(*) FROM (SELECT 1 FROM search WHERE search MATCH ? LIMIT {RANKED + 1})"  # noqa: S608
    return [one for one in asked if connection.execute(count, (_words([one]),)).fetchone()[0] <= RANKED]


def _key(timestamp: int, row: int) -> int:
    return min(max(timestamp // 1000, 0), _LAST_SECOND) << _ROW_BITS | row & _ROWS
