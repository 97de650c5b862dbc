"""Which messages came after an absence, of those that were sent while the device was away."""

import sqlite3

# A call is no message that waited, and what is about another one (a reaction, an edit) is none either.
_RECOVERED = """
SELECT count(*) FROM messages
WHERE row > ? AND timestamp BETWEEN ? AND ? AND target_id = '' AND kind != 'call'
"""
_SECOND = 1000  # WhatsApp's times are whole seconds, cut off


def newest_row(connection: sqlite3.Connection) -> int:
    """What was stored last; 0 before the first."""
    return int(connection.execute("SELECT coalesce(max(row), 0) FROM messages").fetchone()[0])


def recovered(connection: sqlite3.Connection, after: int, since: int, until: int) -> int:
    """How many messages of the time between the two were stored after that row; Unix milliseconds."""
    values = (after, since - since % _SECOND, until)
    return int(connection.execute(_RECOVERED, values).fetchone()[0])
