"""What one batch of a history changes in the shard, in one transaction; no event is told."""

import sqlite3

import msgspec

from workers import content
from workers.arrivals import open_late, opened, row_of
from workers.content import MediaPart
from workers.history.entries import Entry
from workers.history.reading import Batch, Part
from workers.identities import Own, identities
from workers.payloads import Facts
from workers.shard import imports, media, messages
from workers.shard.messages import MessageRow

_LOST = ("failed", "expired")


class Tally(msgspec.Struct, frozen=True):
    """How much was new."""

    chats: int = 0
    messages: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.chats + other.chats, self.messages + other.messages)


def keep(connection: sqlite3.Connection, own: Own, batch: Batch) -> Tally:
    """Store what is not stored yet."""
    for lid, phone in batch.lids:
        imports.learn_lid(connection, lid, phone)
    for jid, name in batch.names:
        imports.learn_name(connection, messages.phone_of(connection, jid), name)
    tally = Tally()
    for part in batch.parts:
        tally += _keep_part(connection, own, part)
    return tally


def _keep_part(connection: sqlite3.Connection, own: Own, part: Part) -> Tally:
    jid, lid = identities(connection, own, part.chat.jid)
    chat = msgspec.structs.replace(part.chat, jid=jid)
    for entry in part.entries:
        if entry.push_name and entry.author:
            imports.learn_name(connection, identities(connection, own, entry.author)[0], entry.push_name)
    # Phones tell of chats that nobody has written in, too.
    shown = chat.time > 0 or any(not entry.read.target_id or entry.original for entry in part.entries)
    added = shown and imports.tell_chat(connection, chat)
    with imports.standing(connection, chat):
        kept = sum(_keep_entry(connection, own, entry, jid, lid) for entry in part.entries)
    return Tally(int(added), kept)


def _keep_entry(connection: sqlite3.Connection, own: Own, entry: Entry, chat: str, chat_lid: str) -> bool:
    changed = imports.changed_at(connection, entry.read.target_id, chat)
    if entry.original is not None and changed is None:
        kept = _keep_entry(connection, own, entry.original, chat, chat_lid)
        imports.set_edited(connection, entry.original.id, chat, entry.timestamp)
        return kept
    if changed is not None and _is_done(entry, *changed):
        return False
    sender, sender_lid = identities(connection, own, entry.author or own.jid)
    facts = Facts(
        id=entry.id,
        chat=chat,
        chat_lid=chat_lid,
        sender=sender,
        sender_lid=sender_lid,
        push_name=entry.push_name,
        timestamp=entry.timestamp,
        is_from_me=not entry.author,
    )
    read = opened(connection, own, entry.read, chat, (sender, sender_lid))
    row = msgspec.structs.replace(row_of(read, facts, entry.raw), status=entry.status)
    if not messages.add_message(connection, row):
        return False
    if read.media is not None:
        _register(connection, read.media, row)
    if not row.target_id:
        open_late(connection, own, row.chat, row.id, tell=False)
    return True


def _is_done(entry: Entry, edited_at: int, revoked_at: int) -> bool:
    """Whether an edit or revoke has been done to its message already, or something newer has."""
    if entry.read.kind == content.EDIT:
        return revoked_at > 0 or edited_at >= entry.timestamp
    return entry.read.kind == content.REVOKE and revoked_at > 0


def _register(connection: sqlite3.Connection, part: MediaPart, row: MessageRow) -> None:
    """Keep how the file is fetched when somebody asks for it; what came since has the better link."""
    known = media.find(connection, part.id)
    if known is None or known.state in _LOST:
        media.register(connection, part, row.id, row.chat, wanted=False)
