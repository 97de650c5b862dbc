"""What pages of a shard's lists have in common: cursors, filters in SQL, and totals that cost little."""

import base64
import binascii
import sqlite3
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from wagateway.problems import invalid

MANY = 10_000
"""What no trigger counts is counted up to here."""

T = TypeVar("T")
Value = str | int
Whole = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
"""What SQLite holds: cursors come from outside."""


class MessageCursor(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The last message of a page."""

    timestamp: Whole
    row: Whole


class ChatCursor(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The last chat of a page, and the newest message (`seen`) and chat (`chats`) when the first was made."""

    time: Whole
    row: Whole
    seen: Whole
    chats: Whole


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


def count(
    connection: sqlite3.Connection, table: str, filters: list[str], values: dict[str, Value]
) -> tuple[int, bool]:
    """How many rows match, and whether that is all; counting ends at `MANY`."""
    matching = f"SELECT count(*) FROM (SELECT 1 FROM {table} {where(filters)} LIMIT {MANY + 1})"  # noqa: S608
    count: int = connection.execute(matching, values).fetchone()[0]
    return min(count, MANY), count <= MANY


def where(filters: list[str]) -> str:
    """The WHERE clause of conditions that all must hold."""
    return "WHERE " + " AND ".join(filters) if filters else ""


def pattern(text: str) -> str:
    """The pattern of LIKE, with a backslash as its escape, for texts that contain this one."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def cut(rows: list[T], limit: int) -> tuple[list[T], T | None]:
    """The rows of the page, and the last of them when there are more."""
    return rows[:limit], rows[limit - 1] if len(rows) > limit else None
