"""Posts of newsletters that are stored as messages, found by what they say."""

import sqlite3

import msgspec

_NEWEST = """
SELECT id, kind, media_type, timestamp, raw FROM messages
WHERE chat = ? AND target_id = '' ORDER BY timestamp DESC, row DESC LIMIT ?
"""
_LOOKED_AT = 1000  # posts: without the server's number of a post, each costs a comparison


class StoredPost(msgspec.Struct, frozen=True):
    """A post as it is stored; `timestamp` is Unix milliseconds."""

    id: str
    kind: str
    media_type: str
    timestamp: int


def find_posts(connection: sqlite3.Connection, newsletter: str) -> dict[bytes, StoredPost]:
    """The newest stored posts by their serialised content, without those that say the same as another."""
    found: dict[bytes, StoredPost] = {}
    twice: set[bytes] = set()
    for *fields, raw in connection.execute(_NEWEST, (newsletter, _LOOKED_AT)):
        if raw in found:
            twice.add(raw)
        found[raw] = StoredPost(*fields)
    return {raw: post for raw, post in found.items() if raw and raw not in twice}
