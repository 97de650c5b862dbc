"""The registry: the supervisor's durable table of devices; nobody else opens the file."""

import sqlite3
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
from sqlite_utils import Database, Migrations

from wagateway.database import open_database

_SCHEMA = Migrations("registry")


@_SCHEMA(name="0001_devices")
def _devices(database: Database) -> None:
    database.execute(
        """CREATE TABLE devices (
            device_id TEXT PRIMARY KEY,
            created_at REAL NOT NULL,
            paired INTEGER NOT NULL DEFAULT 0,
            jid TEXT NOT NULL DEFAULT '',
            display_name TEXT NOT NULL DEFAULT '',
            reason TEXT NOT NULL DEFAULT ''
        ) STRICT"""
    )


class Entry(msgspec.Struct, frozen=True):
    """What is remembered of a device; `created_at` is Unix seconds, `reason` why it is not logged in."""

    device_id: str
    created_at: float
    paired: bool = False
    jid: str = ""
    display_name: str = ""
    reason: str = ""


class Registry:
    """One connection; each call is a durable transaction."""

    def __init__(self, path: Path) -> None:
        self._connection: sqlite3.Connection = open_database(path, _SCHEMA)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def entries(self) -> list[Entry]:
        """All devices, oldest first."""
        columns = "device_id, created_at, paired, jid, display_name, reason"
        rows = self._connection.execute(f"SELECT {columns} FROM devices ORDER BY created_at, rowid")  # noqa: S608
        return [Entry(row[0], row[1], bool(row[2]), *row[3:]) for row in rows]

    def put(self, entry: Entry) -> None:
        """Add or change a device."""
        self._connection.execute(
            "INSERT INTO devices VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (device_id) DO UPDATE SET "
            "paired = excluded.paired, jid = excluded.jid, display_name = excluded.display_name, "
            "reason = excluded.reason",
            msgspec.structs.astuple(entry),
        )

    def remove(self, device_id: str) -> None:
        """Forget a device."""
        self._connection.execute("DELETE FROM devices WHERE device_id = ?", (device_id,))
