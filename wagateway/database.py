"""Opening a SQLite file of ours: the same pragmas everywhere, and a schema that is exactly the code's."""

import functools
import os
import sqlite3
from pathlib import Path

from sqlite_utils import Database, Migrations

from wagateway.problems import storage_failed, storage_full

_PRAGMAS = (
    "PRAGMA busy_timeout = 5000",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA journal_size_limit = 16777216",
)
_DAMAGING = {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CANTOPEN}
_PASSING = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_READONLY}


class Unusable(Exception):
    """The file needs a person: it is corrupt, newer than the code, or cannot be migrated."""


def open_database(path: Path, migrations: Migrations) -> sqlite3.Connection:
    """A connection in autocommit mode to the file at `path`, made (mode 0600) and migrated if need be.

    Name migrations by number (`0001_messages`): they run in order, each in a transaction of its own. Raises
    `Unusable`; a full disk or a locked file is a `sqlite3.OperationalError`, because it may pass.
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    except (PermissionError, IsADirectoryError) as error:
        raise Unusable(f"{path}: {error.strerror}") from error
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        for pragma in _PRAGMAS:
            connection.execute(pragma).fetchall()
        _migrate(connection, migrations, path)
    except sqlite3.Error as error:
        connection.close()
        if _may_pass(error):
            raise
        raise Unusable(f"{path}: {error}") from error
    except BaseException:
        connection.close()
        raise
    return connection


def _migrate(connection: sqlite3.Connection, migrations: Migrations, path: Path) -> None:
    done = _applied(connection, migrations)
    known = names(migrations)
    if done == known:
        return
    if unknown := done - known:
        raise Unusable(
            f"{path}: written by a newer version of wagateway (it has {', '.join(sorted(unknown))}); "
            "start that version again, or restore a backup from before the upgrade"
        )
    try:
        migrations.apply(Database(connection, execute_plugins=False))
    except sqlite3.Error:
        raise
    except Exception as error:  # a migration is code of any kind; whatever it raised, it was rolled back
        raise Unusable(f"{path}: a migration failed: {error}") from error


def _applied(connection: sqlite3.Connection, migrations: Migrations) -> frozenset[str]:
    # Asked in plain SQL: sqlite-utils would cost every worker 0.4 MB for finding nothing to do.
    tables = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = '_sqlite_migrations'")
    if tables.fetchone() is None:
        return frozenset()
    query = "SELECT name FROM _sqlite_migrations WHERE migration_set = ?"
    return frozenset(name for (name,) in connection.execute(query, (migrations.name,)))


@functools.cache
def names(migrations: Migrations) -> frozenset[str]:
    """The names of all migrations of a set."""
    # Everything is pending for an empty database: the one public way to list them.
    empty = sqlite3.connect(":memory:")
    try:
        pending = migrations.pending(Database(empty, execute_plugins=False))
        return frozenset(migration.name for migration in pending)
    finally:
        empty.close()


def as_problem(error: Exception) -> Exception:
    """A 507 `STORAGE_FULL` or 503 `STORAGE_FAILED` for a fault of the disk, the error itself for a bug."""
    code = _primary(error)
    if code == sqlite3.SQLITE_FULL:
        return storage_full()
    if isinstance(error, Unusable) or code in _DAMAGING | _PASSING:
        return storage_failed()
    return error


def damages(error: Exception) -> bool:
    """Whether the connection can no longer be trusted to show what is on the disk."""
    return isinstance(error, Unusable) or _primary(error) in _DAMAGING


def _may_pass(error: sqlite3.Error) -> bool:
    return _primary(error) in _PASSING | {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}


def _primary(error: Exception) -> int:
    return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
