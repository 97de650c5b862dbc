"""Who is who: phone JIDs, LIDs and names of many people in one query."""

import sqlite3
from collections.abc import Iterable

import msgspec


def lid_sql(jid: str) -> str:
    """SQL for the LID of a JID, which is itself where it is one, and '' where it is not known."""
    known = f"coalesce((SELECT lid FROM lids WHERE lids.phone = {jid} LIMIT 1), '')"  # noqa: S608  a name of a column
    return f"CASE WHEN {jid} GLOB '*@lid' THEN {jid} ELSE {known} END"


_FIND = f"""
WITH asked AS (SELECT value AS jid FROM json_each(?)),
    found AS (SELECT asked.jid, coalesce(lids.phone, asked.jid) AS phone FROM asked
        LEFT JOIN lids ON lids.lid = asked.jid)
SELECT jid, phone, {lid_sql("found.phone")},
    coalesce((SELECT name FROM contacts WHERE contacts.jid = found.phone),
        (SELECT name FROM contacts WHERE contacts.jid = found.jid), '')
FROM found
"""  # noqa: S608  literals of this file


class Person(msgspec.Struct, frozen=True):
    """Somebody: the phone JID where known, else the LID; `lid` and `name` are "" where not known."""

    jid: str
    lid: str
    name: str


def find_people(connection: sqlite3.Connection, jids: Iterable[str]) -> dict[str, Person]:
    """Who each of these (phone JIDs or LIDs) is; every one of them is in the answer."""
    asked = msgspec.json.encode(sorted(set(jids) - {""})).decode()
    return {jid: Person(*person) for jid, *person in connection.execute(_FIND, (asked,))}


def named_people(connection: sqlite3.Connection) -> list[Person]:
    """Everybody whose name is remembered."""
    jids = [jid for (jid,) in connection.execute("SELECT jid FROM contacts")]
    return list(find_people(connection, jids).values())
