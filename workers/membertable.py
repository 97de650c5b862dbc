"""The members of a group as a table for spreadsheets."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable

from wagateway.commands.groups import Member

_COLUMNS = ("participant_jid", "phone_number", "lid", "display_name", "role")
_FORMULA = ("=", "+", "-", "@")
_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_BLANK_KINDS = ("C", "M", "Z")  # Unicode's: controls and the like, marks upon others, separators
_BLANK = frozenset('"\u115f\u1160\u2800')  # a quote may be read as the cell's own; the others look empty


def table(members: Iterable[Member]) -> str:
    """The members as CSV (RFC 4180), one line each; no cell is a formula, whatever people call themselves.

    That holds too where a spreadsheet separates cells at semicolons or tabs, not commas: then the quotes
    around ours protect nothing. So there are no tabs, and an apostrophe stands also behind a semicolon.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n", quoting=csv.QUOTE_ALL)
    writer.writerow(_COLUMNS)
    for member in members:
        row = (member.jid, member.phone_number, member.lid, member.display_name, _role(member))
        writer.writerow([_harmless(cell) for cell in row])
    return text.getvalue()


def _role(member: Member) -> str:
    if member.is_super_admin:
        return "super_admin"
    return "admin" if member.is_admin else "member"


def _harmless(cell: str) -> str:
    """The cell in one line, with an apostrophe before all that begins like a formula."""
    parts = _BREAKS.sub(" ", cell).split(";")
    return ";".join("'" + part if _first_seen(part) in _FORMULA else part for part in parts)


def _first_seen(text: str) -> str:
    """The first character that is seen, in its plain form (`=` for a wide one); "" when there is none."""
    return next(filter(_is_seen, unicodedata.normalize("NFKC", text)), "")


def _is_seen(character: str) -> bool:
    return character not in _BLANK and not unicodedata.category(character).startswith(_BLANK_KINDS)
