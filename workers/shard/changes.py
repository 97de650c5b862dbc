"""Edits and revokes of a shard: what they do to the message they are about, whichever came first."""

import sqlite3

from wagateway.phone import is_group
from workers.content import EDIT, REVOKE
from workers.shard.text import searchable

_AUTHOR = "coalesce((SELECT phone FROM lids WHERE lid = sender), sender)"

_ORIGINALS = f"""
SELECT row, {_AUTHOR}, from_me, revoked_at, filename FROM messages
WHERE id = :id AND chat = :chat AND target_id = ''
"""  # noqa: S608  a literal of this file

# `target_id != ''` lets SQLite use the index, which leaves the many messages without one out. Unasked it
# would take that of the chat, all of whose messages it would read for each that arrives.
_CHANGE = f"""
SELECT content, timestamp FROM messages INDEXED BY messages_by_target
WHERE target_id = :id AND target_id != '' AND chat = :chat AND kind = :kind
    AND (content != '' OR kind != 'edit')
    AND (:anybody OR {_AUTHOR} = :author OR (from_me AND :from_me))
ORDER BY timestamp DESC, row DESC LIMIT 1
"""  # noqa: S608  a literal of this file

_ANY = "SELECT 1 FROM messages WHERE target_id = ? AND target_id != '' LIMIT 1"

_EDIT = """
UPDATE messages SET content = :content, words = :words, edited_at = :at, updated_at = :now
WHERE row = :row AND revoked_at = 0 AND (edited_at, content) != (:at, :content)
"""
_REVOKE = "UPDATE messages SET revoked_at = :at, updated_at = :now WHERE row = :row AND revoked_at = 0"


def settle(connection: sqlite3.Connection, chat: str, message_id: str, moment: int) -> None:
    """Let the message, if it is stored, be as the edits and revokes make it that are stored.

    Only its author edits a message; the newest edit that has a text counts. Only its author revokes it,
    or anybody in a group: WhatsApp lets only admins revoke there what others wrote, and who is one is not
    known here.
    """
    if not exist(connection, message_id):
        return
    about = {"id": message_id, "chat": chat}
    for row, author, from_me, _, filename in connection.execute(_ORIGINALS, about).fetchall():
        by = about | {"author": author, "from_me": from_me}
        done = {"row": row, "now": moment}
        edit = connection.execute(_CHANGE, by | {"kind": EDIT, "anybody": False}).fetchone()
        if edit is not None:
            content, at = edit
            words = searchable(f"{content} {filename}")
            connection.execute(_EDIT, done | {"content": content, "words": words, "at": at})
        group = is_group(chat)
        revoke = connection.execute(_CHANGE, by | {"kind": REVOKE, "anybody": group}).fetchone()
        if revoke is not None:
            connection.execute(_REVOKE, done | {"at": revoke[1]})


def exist(connection: sqlite3.Connection, message_id: str) -> bool:
    """Whether anything is stored that is about a message with this id, in whichever chat."""
    return connection.execute(_ANY, (message_id,)).fetchone() is not None


def may(
    connection: sqlite3.Connection, kind: str, chat: str, message_id: str, author: str, *, own: bool
) -> bool:
    """Whether an edit or revoke by `author` (`own`: ourselves) can be meant for the message.

    True as well while the message is not stored. What is revoked is not edited any more.
    """
    if kind == REVOKE and is_group(chat):
        return True
    originals = connection.execute(_ORIGINALS, {"id": message_id, "chat": chat}).fetchall()
    return not originals or any(
        (author == wrote or (own and from_me)) and not (kind == EDIT and revoked_at)
        for _, wrote, from_me, revoked_at, _ in originals
    )
