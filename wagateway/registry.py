"""The registry: the supervisor's durable tables of devices and webhooks; nobody else opens the file."""

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


@_SCHEMA(name="0003_webhooks")
def _webhooks(database: Database) -> None:
    database.execute(
        """CREATE TABLE webhooks (
            device_id TEXT NOT NULL,
            webhook_id TEXT NOT NULL,
            url TEXT NOT NULL,
            secret TEXT NOT NULL,
            events TEXT NOT NULL,
            ignore_jids TEXT,
            headers TEXT NOT NULL,
            insecure INTEGER NOT NULL,
            concurrency INTEGER,
            give_up INTEGER,
            created_at REAL NOT NULL,
            PRIMARY KEY (device_id, webhook_id)
        ) STRICT"""
    )
    # A foreign key could not do it: the webhooks of the whole gateway belong to no device.
    database.execute(
        """CREATE TRIGGER device_removed AFTER DELETE ON devices BEGIN
            DELETE FROM webhooks WHERE device_id = old.device_id;
        END"""
    )


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


class WebhookEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook that was added: to the device `device_id`, or to the whole gateway where that is "".

    An empty or absent `secret`, `events`, `ignore_jids`, `concurrency` or `give_up` (seconds) means that
    the setting of the gateway holds; no `ignore_jids` at all are an empty list. `created_at` is Unix seconds.
    """

    device_id: str
    webhook_id: str
    url: str
    secret: str = ""
    events: list[str] = []
    ignore_jids: list[str] | None = None
    headers: dict[str, str] = {}
    insecure: bool = False
    concurrency: int | None = None
    give_up: int | None = None
    created_at: float

    def __repr__(self) -> str:
        return f"WebhookEntry({self.device_id!r}, {self.webhook_id!r})"


_COLUMNS = ", ".join(Entry.__struct_fields__)
_PUT = f"""INSERT INTO devices ({_COLUMNS}) VALUES (:{_COLUMNS.replace(", ", ", :")})
ON CONFLICT (device_id) DO UPDATE SET {
    ", ".join(
        f"{name} = excluded.{name}"
        for name in Entry.__struct_fields__
        if name not in ("device_id", "created_at")
    )
}"""  # noqa: S608  field names
_WEBHOOK_COLUMNS = ", ".join(WebhookEntry.__struct_fields__)
_PUT_WEBHOOK = f"""INSERT OR REPLACE INTO webhooks ({_WEBHOOK_COLUMNS})
VALUES (:{_WEBHOOK_COLUMNS.replace(", ", ", :")})"""  # noqa: S608  field names
_JSON = ("events", "ignore_jids", "headers")


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
        """Forget a device and its webhooks."""
        self._connection.execute("DELETE FROM devices WHERE device_id = ?", (device_id,))

    def webhooks(self) -> list[WebhookEntry]:
        """All webhooks that were added, oldest first."""
        rows = self._connection.execute(
            f"SELECT {_WEBHOOK_COLUMNS} FROM webhooks ORDER BY created_at, webhook_id"  # noqa: S608
        )
        return [_webhook_entry(row) for row in rows]

    def put_webhook(self, entry: WebhookEntry) -> None:
        """Add or change a webhook."""
        values = msgspec.structs.asdict(entry)
        for name in _JSON:
            if values[name] is not None:
                values[name] = msgspec.json.encode(values[name]).decode()
        self._connection.execute(_PUT_WEBHOOK, values)

    def remove_webhook(self, device_id: str, webhook_id: str) -> None:
        """Forget a webhook."""
        self._connection.execute(
            "DELETE FROM webhooks WHERE device_id = ? AND webhook_id = ?", (device_id, webhook_id)
        )


def _entry(row: tuple[Any, ...]) -> Entry:
    values = dict(zip(Entry.__struct_fields__, row, strict=True))
    for secret in ("webhook_secret", "proxy"):
        values[secret] = Secret(values[secret])
    return Entry(
        **values | {"paired": bool(values["paired"]), "webhook_insecure": bool(values["webhook_insecure"])}
    )


def _webhook_entry(row: tuple[Any, ...]) -> WebhookEntry:
    values = dict(zip(WebhookEntry.__struct_fields__, row, strict=True))
    for name in _JSON:
        values[name] = None if values[name] is None else msgspec.json.decode(values[name])
    return msgspec.convert(values, WebhookEntry, strict=False)


def _stored(value: object) -> object:
    return value.value if isinstance(value, Secret) else value
