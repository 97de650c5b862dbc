import sqlite3
from pathlib import Path

import pytest

from wagateway.database import Unusable
from workers.session import NOBODY, stored_identity


def test_the_identity_of_a_session_has_no_device_parts(tmp_path: Path) -> None:
    path = tmp_path / "session.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE whatsmeow_device (jid TEXT, lid TEXT, push_name TEXT)")
        connection.execute(
            "INSERT INTO whatsmeow_device VALUES ('628999.0:12@s.whatsapp.net', '900999:12@lid', 'Me')"
        )
    connection.close()

    assert stored_identity(path) == ("628999@s.whatsapp.net", "900999@lid", "Me")


@pytest.mark.parametrize("statement", ["", "CREATE TABLE whatsmeow_device (jid, lid, push_name)"])
def test_a_session_without_account_belongs_to_nobody(tmp_path: Path, statement: str) -> None:
    path = tmp_path / "session.db"
    connection = sqlite3.connect(path)
    connection.executescript(statement)
    connection.close()

    assert stored_identity(path) == NOBODY


def test_no_session_belongs_to_nobody(tmp_path: Path) -> None:
    assert stored_identity(tmp_path / "session.db") == NOBODY


def test_a_broken_session_needs_a_person(tmp_path: Path) -> None:
    path = tmp_path / "session.db"
    path.write_bytes(b"not a database, and long enough to be looked at" * 100)

    with pytest.raises(Unusable):
        stored_identity(path)
