"""What was stored under a LID moves to the phone JID once it is known whose LID it is."""

import sqlite3

from workers.shard import changes, receipts

_RENAME_CHAT = """
UPDATE chats SET jid = :phone, name = CASE WHEN name = :old THEN :new ELSE name END WHERE jid = :lid
"""

# What the account has set in the chat of the phone JID counts more than what it has in that of the LID.
_MERGE_CHAT = """
UPDATE chats SET
    name = CASE WHEN chats.name = :new AND other.name != :old THEN other.name ELSE chats.name END,
    last_message_time = max(chats.last_message_time, other.last_message_time),
    base_time = max(chats.base_time, other.base_time),
    latest = max(chats.latest, other.latest),
    unread_count = max(chats.unread_count, other.unread_count,
        chats.unread_count + other.unread_count - :doubles),
    auto_replied_at = max(chats.auto_replied_at, other.auto_replied_at),
    archived = chats.archived OR other.archived,
    pinned = chats.pinned OR other.pinned,
    marked_unread = chats.marked_unread OR other.marked_unread,
    ephemeral_expiration = CASE chats.ephemeral_expiration WHEN 0 THEN other.ephemeral_expiration
        ELSE chats.ephemeral_expiration END,
    muted_until = CASE WHEN chats.muted_until BETWEEN 0 AND :now THEN other.muted_until
        ELSE chats.muted_until END,
    updated_at = :now
FROM chats other WHERE chats.jid = :phone AND other.jid = :lid
"""

# Not left to UPDATE OR IGNORE, which would make the triggers ignore their conflicts as well.
_DROP_DOUBLES = """
DELETE FROM messages WHERE chat = :lid AND EXISTS (
    SELECT 1 FROM messages kept
    WHERE kept.id = messages.id AND kept.chat = :phone AND kept.from_me = messages.from_me
        AND (kept.from_me OR coalesce((SELECT phone FROM lids WHERE lid = kept.sender), kept.sender)
            = coalesce((SELECT phone FROM lids WHERE lid = messages.sender), messages.sender))
) RETURNING id, status, from_me = 0 AND target_id = ''
"""


def move(connection: sqlite3.Connection, lid: str, phone: str, names: tuple[str, str], moment: int) -> None:
    """Make one chat of the two, which are called `names` while nothing better is known; no message twice.

    Call it after the LID was stored as that of the phone JID.
    """
    # Senders stay as they are: nothing finds them fast, and a page shows the phone JID instead.
    about = connection.execute(
        "SELECT DISTINCT target_id FROM messages WHERE chat = ? AND target_id != ''", (lid,)
    ).fetchall()
    got = receipts.move(connection, lid, phone)
    doubles = connection.execute(_DROP_DOUBLES, {"lid": lid, "phone": phone}).fetchall()
    moved = connection.execute("UPDATE messages SET chat = ? WHERE chat = ?", (phone, lid))
    if moved.rowcount or doubles:
        connection.execute("UPDATE media SET chat = ? WHERE chat = ?", (phone, lid))
    for (target_id,) in about:
        changes.settle(connection, phone, target_id, moment)
    for message_id in got:
        receipts.settle(connection, phone, message_id, moment)
    for message_id, status, _ in doubles:
        receipts.advance(connection, phone, message_id, status, "", moment)
    values = {"lid": lid, "phone": phone, "old": names[0], "new": names[1], "now": moment}
    if connection.execute("SELECT 1 FROM chats WHERE jid = ?", (phone,)).fetchone() is None:
        connection.execute(_RENAME_CHAT, values)
    else:
        counted = sum(could_be_unread for _, _, could_be_unread in doubles)
        connection.execute(_MERGE_CHAT, values | {"doubles": counted})
        connection.execute("DELETE FROM chats WHERE jid = ?", (lid,))
