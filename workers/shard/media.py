"""The files that messages of a shard name: where each is fetched from, and how far that has come."""

import re
import sqlite3
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from workers.content import MediaPart
from workers.engine import MediaKind
from workers.shard.messages import now

State = Literal["wanted", "idle", "ready", "failed", "expired", "removed"]
"""To be fetched; known only; in the folder of files; cannot be fetched, not even later; no longer at
WhatsApp; taken out of the folder to make room."""

ANY_SIZE = 2**63 - 1

_SLACK = 60_000  # milliseconds
_ID = re.compile(r"[0-9a-f]{64}")
_OURS = ".whatsapp.net"
_COLUMNS = (
    "id, state, encrypted_as, mime_type, size, media_key, enc_sha256, direct_path, message_id, chat, "
    "attempts, reason, used_at"
)


class MediaRow(msgspec.Struct, frozen=True):
    """A file. `id` is its SHA-256 in hex; `size` (bytes) is the sender's claim until the file is ready.

    Without a `media_key` it is not encrypted. `message_id` and `chat` are those of the message that told
    of it last, `used_at` is Unix milliseconds.
    """

    id: str
    state: State
    encrypted_as: MediaKind
    mime_type: str
    size: int
    media_key: bytes
    enc_sha256: bytes
    direct_path: str
    message_id: str
    chat: str
    attempts: int
    reason: str
    used_at: int

    def __repr__(self) -> str:
        return f"MediaRow({self.id}, {self.state})"  # its key opens the file for whoever has the link


_INSERT = """
INSERT INTO media (id, state, encrypted_as, mime_type, size, media_key, enc_sha256, direct_path, message_id,
                   chat, next_attempt, created_at, updated_at)
VALUES (:id, :state, :encrypted_as, :mime_type, :size, :media_key, :enc_sha256, :direct_path, :message_id,
        :chat, :now, :now, :now)
"""

# A file keeps its first link while that has not failed: a stranger who repeats a file's digest in a
# message of his own must not be able to take it away from a download that is about to begin.
_REFRESH = """
UPDATE media SET state = CASE state WHEN 'wanted' THEN state ELSE :state END,
    encrypted_as = :encrypted_as, mime_type = :mime_type, size = :size,
    media_key = :media_key, enc_sha256 = :enc_sha256, direct_path = :direct_path, message_id = :message_id,
    chat = :chat, attempts = 0, next_attempt = :now, reason = '', updated_at = :now
WHERE id = :id AND state != 'ready' AND (state != 'wanted' OR attempts > 0)
"""


def register(
    connection: sqlite3.Connection, part: MediaPart, message_id: str, chat: str, *, wanted: bool
) -> bool:
    """Keep how the file of a message is fetched; True when it is to be downloaded now.

    A file that is known but not there takes the newer link, which may be alive. False as well for an id
    that is no SHA-256: such a file can be neither checked nor named.
    """
    if not _ID.fullmatch(part.id):
        return False
    values = _values(part, message_id, chat, "wanted" if wanted else "idle")
    known = connection.execute("SELECT state FROM media WHERE id = ?", (part.id,)).fetchone()
    if known is None:
        connection.execute(_INSERT, values)
        return wanted
    if known[0] == "ready":
        touch(connection, part.id)
        return False
    connection.execute(_REFRESH, values)
    return wanted or known[0] == "wanted"


def differs(connection: sqlite3.Connection, part: MediaPart) -> bool:
    """Whether the file is not there and this link to it is none that is known or being tried."""
    known = find(connection, part.id)
    if known is None:
        return True
    other = (known.direct_path, known.media_key) != (_direct_path(part), part.media_key)
    return other and known.state not in ("ready", "wanted")


def refresh(connection: sqlite3.Connection, part: MediaPart, message_id: str, chat: str) -> None:
    """Take this link where it differs from what is known."""
    if differs(connection, part):
        register(connection, part, message_id, chat, wanted=False)


def find(connection: sqlite3.Connection, media_id: str) -> MediaRow | None:
    """The file with this id."""
    row = connection.execute(f"SELECT {_COLUMNS} FROM media WHERE id = ?", (media_id,)).fetchone()  # noqa: S608
    return MediaRow(*row) if row else None


def want(connection: sqlite3.Connection, media_id: str) -> bool:
    """Have the file fetched at once and before others, whatever went wrong until now; False when ready."""
    wanted = connection.execute(
        "UPDATE media SET state = 'wanted', attempts = 0, next_attempt = 0, reason = '', updated_at = ? "
        "WHERE id = ? AND state != 'ready'",
        (now(), media_id),
    )
    return wanted.rowcount > 0


def next_wanted(
    connection: sqlite3.Connection, moment: int, largest: int, skip: frozenset[str]
) -> MediaRow | None:
    """The file whose turn has come by `moment`, none of `skip` nor larger than `largest` (as is claimed)."""
    # A row from the far future tells that the clock was set back; it is not left waiting until then.
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM media WHERE state = 'wanted' AND size <= :largest "  # noqa: S608
        "AND (next_attempt <= :moment OR updated_at > :moment + :slack) "
        "ORDER BY next_attempt, created_at LIMIT :limit",
        {"largest": largest, "moment": moment, "slack": _SLACK, "limit": len(skip) + 1},
    )
    return next((MediaRow(*row) for row in rows if row[0] not in skip), None)


def next_turn(connection: sqlite3.Connection, moment: int) -> float | None:
    """Seconds from now until the first turn after `moment`, 0 when it has come; None when there is none."""
    row = connection.execute(
        "SELECT min(next_attempt) FROM media WHERE state = 'wanted' AND next_attempt > ?", (moment,)
    ).fetchone()
    return None if row[0] is None else max((row[0] - now()) / 1000, 0.0)


def save_ready(connection: sqlite3.Connection, media_id: str, size: int) -> bool:
    """The file is in the folder and has so many bytes; False when that was known."""
    moment = now()
    saved = connection.execute(
        "UPDATE media SET state = 'ready', size = ?, attempts = 0, next_attempt = 0, reason = '', "
        "used_at = ?, updated_at = ? WHERE id = ? AND state != 'ready'",
        (size, moment, moment, media_id),
    )
    return saved.rowcount > 0


def save_retry(connection: sqlite3.Connection, row: MediaRow, wait: float, reason: str) -> None:
    """The file could not be fetched now; its turn comes again in `wait` seconds, unless its link changed."""
    moment = now()
    connection.execute(
        "UPDATE media SET attempts = ?, next_attempt = ?, reason = ?, updated_at = ? "
        "WHERE id = ? AND state = 'wanted' AND direct_path = ? AND media_key = ?",
        (row.attempts, moment + int(wait * 1000), reason, moment, row.id, row.direct_path, row.media_key),
    )


def save_over(connection: sqlite3.Connection, row: MediaRow, state: State, reason: str) -> bool:
    """The file is `failed` or `expired`; False, and no change, when it has another link meanwhile."""
    saved = connection.execute(
        "UPDATE media SET state = ?, attempts = ?, next_attempt = 0, reason = ?, updated_at = ? "
        "WHERE id = ? AND state = 'wanted' AND direct_path = ? AND media_key = ?",
        (state, row.attempts, reason, now(), row.id, row.direct_path, row.media_key),
    )
    return saved.rowcount > 0


def save_removed(connection: sqlite3.Connection, ids: list[str], reason: str) -> None:
    """These files are no longer in the folder."""
    moment = now()
    connection.executemany(
        "UPDATE media SET state = 'removed', reason = ?, updated_at = ? WHERE id = ? AND state = 'ready'",
        [(reason, moment, media_id) for media_id in ids],
    )


def touch(connection: sqlite3.Connection, media_id: str) -> None:
    """The file was used now."""
    connection.execute("UPDATE media SET used_at = ? WHERE id = ? AND state = 'ready'", (now(), media_id))


def oldest(connection: sqlite3.Connection, limit: int) -> list[MediaRow]:
    """The ready files that nobody has used for the longest time."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM media WHERE state = 'ready' ORDER BY used_at LIMIT ?",  # noqa: S608
        (limit,),
    )
    return [MediaRow(*row) for row in rows]


def total(connection: sqlite3.Connection) -> int:
    """The bytes of all ready files."""
    row = connection.execute("SELECT coalesce(sum(size), 0) FROM media WHERE state = 'ready'").fetchone()
    return int(row[0])


def states(connection: sqlite3.Connection, prefix: str) -> dict[str, State]:
    """The states of the files whose ids begin so (two hex digits)."""
    rows = connection.execute("SELECT id, state FROM media WHERE id >= ? AND id < ? || 'g'", (prefix, prefix))
    return dict(rows.fetchall())


def prefixes(connection: sqlite3.Connection) -> set[str]:
    """The first two hex digits of every ready file."""
    rows = connection.execute("SELECT DISTINCT substr(id, 1, 2) FROM media WHERE state = 'ready'")
    return {prefix for (prefix,) in rows}


def _values(part: MediaPart, message_id: str, chat: str, state: State) -> dict[str, object]:
    return {
        "id": part.id,
        "state": state,
        "encrypted_as": part.encrypted_as,
        "mime_type": part.mime_type,
        "size": min(part.size, ANY_SIZE),  # a claim may be larger than SQLite's integers
        "media_key": part.media_key,
        "enc_sha256": part.enc_sha256,
        "direct_path": _direct_path(part),
        "message_id": message_id,
        "chat": chat,
        "now": now(),
    }


def _direct_path(part: MediaPart) -> str:
    """Where the file is at WhatsApp, "" for nowhere; a URL counts only where it leads to WhatsApp."""
    if part.direct_path:
        return part.direct_path
    try:
        parts = urlsplit(part.url)
        ours = parts.scheme == "https" and (parts.hostname or "").endswith(_OURS)
    except ValueError:  # an unclosed bracket
        return ""
    return f"{parts.path}?{parts.query}" if ours else ""
