"""The reactions to the messages of a page."""

import sqlite3

import msgspec

from workers.content import REACTION
from workers.shard.people import lid_sql


class ReactionRow(msgspec.Struct, frozen=True):
    """How somebody reacts to a message; the time is Unix milliseconds.

    `name` is "" without one, `sender_lid` where it is not known.
    """

    emoji: str
    sender: str
    name: str
    from_me: int
    timestamp: int
    sender_lid: str


_REACTIONS = f"""
SELECT m.chat, m.target_id, m.content, coalesce(l.phone, m.sender),
    coalesce(nullif(m.push_name, ''), c.name, ''), m.from_me, m.timestamp, {lid_sql("m.sender")}
FROM json_each(?) page CROSS JOIN messages m INDEXED BY messages_by_target ON m.target_id = page.value
LEFT JOIN lids l ON l.lid = m.sender
LEFT JOIN contacts c ON c.jid = coalesce(l.phone, m.sender)
WHERE m.target_id != '' AND m.kind = '{REACTION}' ORDER BY m.timestamp, m.row
"""  # noqa: S608  literals of this package


def find_reactions(
    connection: sqlite3.Connection, messages: list[tuple[int, str, str]]
) -> dict[int, list[ReactionRow]]:
    """The reactions to these messages (row, chat, id), by row; of each person the last, unless taken back."""
    ids = msgspec.json.encode(list({message_id for _, _, message_id in messages})).decode()
    last: dict[tuple[str, str], dict[str, ReactionRow]] = {}
    for chat, target_id, *said in connection.execute(_REACTIONS, (ids,)):
        reaction = ReactionRow(*said)
        of_message = last.setdefault((chat, target_id), {})
        of_message.pop(reaction.sender, None)
        if reaction.emoji:
            of_message[reaction.sender] = reaction
    found = ((row, last.get((chat, message_id))) for row, chat, message_id in messages)
    return {row: list(of_message.values()) for row, of_message in found if of_message}
