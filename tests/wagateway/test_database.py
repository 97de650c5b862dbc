"""The one way our SQLite files are opened."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlite_utils import Database, Migrations

from wagateway.database import Unusable, open_database


def one_table() -> Migrations:
    migrations = Migrations("test")

    @migrations(name="0001_things")
    def _things(database: Database) -> None:
        database.execute("CREATE TABLE things (id INTEGER PRIMARY KEY)")

    return migrations


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = open_database(tmp_path / "a.db", one_table())
    yield connection
    connection.close()


def test_a_new_file_is_migrated_and_durable(opened: sqlite3.Connection) -> None:
    assert opened.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert opened.execute("PRAGMA synchronous").fetchone()[0] == 2
    assert opened.execute("SELECT id FROM things").fetchall() == []


def test_it_is_in_autocommit_mode(opened: sqlite3.Connection, tmp_path: Path) -> None:
    opened.execute("INSERT INTO things VALUES (7)")
    other = open_database(tmp_path / "a.db", one_table())
    rows = other.execute("SELECT id FROM things").fetchall()
    other.close()
    assert rows == [(7,)]


def test_only_the_owner_can_read_it(opened: sqlite3.Connection, tmp_path: Path) -> None:
    assert {0o600} == {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}


def test_a_file_newer_than_the_code_is_refused(opened: sqlite3.Connection, tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="newer version"):
        open_database(tmp_path / "a.db", Migrations("test"))


def test_w20_a_failing_migration_is_undone_and_refused(opened: sqlite3.Connection, tmp_path: Path) -> None:
    migrations = one_table()

    @migrations(name="0002_bad")
    def _bad(database: Database) -> None:
        database.execute("CREATE TABLE half (x)")
        raise ValueError("no")

    with pytest.raises(Unusable, match="migration failed: no"):
        open_database(tmp_path / "a.db", migrations)
    tables = {row[0] for row in opened.execute("SELECT name FROM sqlite_master")}
    assert "half" not in tables


def test_a_corrupt_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_bytes(b"not a database" * 500)
    with pytest.raises(Unusable, match="not a database"):
        open_database(tmp_path / "a.db", one_table())


def test_a_full_disk_may_pass_and_is_no_refusal(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError):
        open_database(Path("/dev/full"), one_table())
