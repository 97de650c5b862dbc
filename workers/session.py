"""The account that a device's stored session belongs to, read while nobody has the session open."""

import sqlite3
from pathlib import Path

from wagateway.database import Unusable
from wagateway.phone import LID, USER

Identity = tuple[str, str, str]
"""Phone JID, LID and display name of an account; empty when not paired."""

NOBODY: Identity = ("", "", "")


def stored_identity(session: Path) -> Identity:
    """Whose session is in the file; `NOBODY` when there is none. Raises `Unusable` for a broken file.

    Only for a process whose engine has not opened the file yet: closing it here would drop the locks that
    neonize's own copy of SQLite holds on it.
    """
    if not session.exists():
        return NOBODY
    connection = sqlite3.connect(session)
    try:
        row = connection.execute("SELECT jid, lid, push_name FROM whatsmeow_device").fetchone()
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):  # killed before neonize had made its tables
            return NOBODY
        raise
    except sqlite3.DatabaseError as error:
        raise Unusable(f"{session}: {error}") from error
    finally:
        connection.close()
    return NOBODY if row is None else (_bare(row[0], USER), _bare(row[1], LID), row[2] or "")


def _bare(jid: str | None, server: str) -> str:
    user = (jid or "").partition("@")[0].partition(":")[0].partition(".")[0]
    return f"{user}@{server}" if user else ""
