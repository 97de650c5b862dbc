"""The registry: the supervisor's durable table of devices; nobody else opens the file."""

import sqlite3
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
from sqlite_utils import Database, Migrations

from wagateway.database import open_database
from wagateway.settings import Secret

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


@_SCHEMA(name="0002_device_settings")
def _device_settings(database: Database) -> None:
    for column in ("webhook_url", "webhook_secret", "webhook_events", "proxy"):
        database.execute(f"ALTER TABLE devices ADD COLUMN {column} TEXT NOT NULL DEFAULT ''")
    database.execute("ALTER TABLE devices ADD COLUMN webhook_insecure INTEGER NOT NULL DEFAULT 0")


class Entry(msgspec.Struct, frozen=True):
    """What is remembered of a device; `created_at` is Unix seconds, `reason` why it is not logged in.

    Of its own settings "" means that the one of the gateway holds; the webhook's URL is its only one then.
    """

    device_id: str
    created_at: float
    paired: bool = False
    jid: str = ""
    display_name: str = ""
    reason: str = ""
    webhook_url: str = ""
    webhook_secret: Secret = Secret("")
    webhook_events: str = ""
    webhook_insecure: bool = False
    proxy: Secret = Secret("")


_COLUMNS = ", ".join(Entry.__struct_fields__)
_PUT = f"""INSERT INTO devices ({_COLUMNS}) VALUES (:{_COLUMNS.replace(", ", ", :")})
ON CONFLICT (device_id) DO UPDATE SET {
    ", ".join(
        f"{name} = excluded.{name}"
        for name in Entry.__struct_fields__
        if name not in ("device_id", "created_at")
    )
}"""  # noqa: S608  field names


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
        rows = self._connection.execute(f"SELECT {_COLUMNS} FROM devices ORDER BY created_at, rowid")  # noqa: S608
        return [_entry(row) for row in rows]

    def put(self, entry: Entry) -> None:
        """Add or change a device."""
        values = {name: _stored(value) for name, value in msgspec.structs.asdict(entry).items()}
        self._connection.execute(_PUT, values)

    def remove(self, device_id: str) -> None:
        """Forget a device."""
        self._connection.execute("DELETE FROM devices WHERE device_id = ?", (device_id,))


def _entry(row: tuple[Any, ...]) -> Entry:
    values = dict(zip(Entry.__struct_fields__, row, strict=True))
    for secret in ("webhook_secret", "proxy"):
        values[secret] = Secret(values[secret])
    return Entry(
        **values | {"paired": bool(values["paired"]), "webhook_insecure": bool(values["webhook_insecure"])}
    )


def _stored(value: object) -> object:
    return value.value if isinstance(value, Secret) else value
