"""The sandbox's memory: keys and values in SQLite, what changed written in one transaction at a time."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

Encoded = Callable[[], bytes]


class Disk:
    """A key-value file; what was `put` or `drop`ped is on disk after the next `flush`.

    Not synced: a killed process loses nothing that was flushed, a machine that loses power may. One process
    has the file at a time; the next waits for it `patience` seconds, then gets `sqlite3.OperationalError`.
    """

    def __init__(self, path: Path, patience: float = 5.0) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        for statement in (
            f"PRAGMA busy_timeout = {int(patience * 1000)}",
            "PRAGMA locking_mode = EXCLUSIVE",
            "PRAGMA journal_mode = WAL",
            "PRAGMA synchronous = OFF",
            "CREATE TABLE IF NOT EXISTS kept (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
        ):
            self._connection.execute(statement)
        self._changed: dict[str, Encoded | None] = {}

    def close(self) -> None:
        """Flush and close."""
        self.flush()
        self._connection.close()

    def put(self, key: str, encoded: Encoded) -> None:
        """Keep a value; `encoded` is called at the flush, once however often the value changed."""
        self._changed[key] = encoded

    def drop(self, key: str) -> None:
        """Forget a value."""
        self._changed[key] = None

    def get(self, key: str) -> bytes | None:
        """A flushed value."""
        row = self._connection.execute("SELECT value FROM kept WHERE key = ?", (key,)).fetchone()
        return None if row is None else bytes(row[0])

    def under(self, prefix: str) -> Iterator[tuple[str, bytes]]:
        """The flushed values whose keys begin with `prefix`, in the order of keys; keys without it."""
        rows = self._connection.execute(
            "SELECT key, value FROM kept WHERE key >= ? AND key < ? ORDER BY key", (prefix, prefix + "\uffff")
        )
        for key, value in rows:
            yield key[len(prefix) :], bytes(value)

    def flush(self) -> None:
        """Write what changed, in one transaction; when the disk fails it stays changed, and this raises."""
        if not self._changed:
            return
        changed, self._changed = self._changed, {}
        kept = [(key, encoded()) for key, encoded in changed.items() if encoded is not None]
        dropped = [(key,) for key, encoded in changed.items() if encoded is None]
        run = self._connection
        try:
            run.execute("BEGIN")
            if kept:
                run.executemany("INSERT OR REPLACE INTO kept VALUES (?, ?)", kept)
            if dropped:
                run.executemany("DELETE FROM kept WHERE key = ?", dropped)
            run.execute("COMMIT")
        except sqlite3.Error:
            if run.in_transaction:
                run.execute("ROLLBACK")
            self._changed = changed | self._changed
            raise
