"""What one arrived message or receipt changes in the shard: its rows and its events, in one transaction."""

import sqlite3

import msgspec
import structlog

from wagateway.commands.messages import MessageStatus
from wagateway.events.catalogue import ACK, MEDIA_READY
from wagateway.phone import is_group
from wagateway.whatsapp.protos import E2E
from workers import content, payloads, states
from workers.content import Content, MediaPart
from workers.content.votes import unseal
from workers.engine import IncomingMessage, IncomingReceipt
from workers.identities import Own, identities, learn, parties
from workers.media import outcomes, served_at
from workers.payloads import Facts
from workers.shard import changes, media, messages, receipts
from workers.shard import log as event_log
from workers.shard.messages import MessageRow

_SEALED_ROWS = """
SELECT id, chat, sender, from_me, push_name, timestamp, raw
FROM messages INDEXED BY messages_by_target
WHERE target_id = ? AND target_id != '' AND chat = ? AND kind IN (?, ?) AND content = '' ORDER BY row
"""

log = structlog.get_logger()


class Arrived(msgspec.Struct, frozen=True):
    """A message of somebody else that is new here; JIDs are phone JIDs where known.

    `timestamp` is Unix milliseconds. Messages about others, such as reactions and edits, are not told so.
    """

    id: str
    chat: str
    sender: str
    kind: str
    timestamp: int


class Called(msgspec.Struct, frozen=True):
    """Somebody calls who must be rejected; `caller` is a phone JID where known."""

    id: str
    caller: str


class Kept(msgspec.Struct, frozen=True):
    """What a transaction did: `seq` is its last event (None: it made none), `wanted` a file to fetch."""

    seq: int | None = None
    wanted: bool = False
    arrived: Arrived | None = None
    called: Called | None = None


def keep_message(
    connection: sqlite3.Connection, own: Own, message: IncomingMessage, *, download: bool
) -> Kept:
    """Store the message and log its event; a repeat of a stored one changes nothing.

    An edit or revoke by somebody who may not is stored, but neither done nor told. `download` says
    whether its file is fetched by itself.
    """
    parsed = E2E.Message.FromString(message.content)
    facts = learn(connection, own, message)
    read = content.interpret(
        parsed, ephemeral=message.ephemeral, view_once=message.view_once, edit=message.edit
    )
    if read is None:
        _set_timer(connection, facts.chat, content.timer_of(parsed))
        return Kept()
    read = opened(connection, own, read, facts.chat, (facts.sender, facts.sender_lid))
    row = row_of(read, facts, message.content)
    allowed = _allowed(connection, row)
    named = not facts.is_from_me and not is_group(facts.chat) and facts.chat == facts.sender
    if not messages.add_message(connection, row, facts.push_name if named else ""):
        return Kept()
    _set_timer(connection, facts.chat, read.timer)
    wanted = _register(connection, read.media, row, wanted=download)
    if not allowed:
        log.warning("message.not_its_author", kind=row.kind, message_id=row.id)
        return Kept()
    seq = _tell(connection, own, read, facts, download=download)
    if read.media is not None:
        seq = _tell_ready(connection, own, read.media, row) or seq
    if row.from_me:
        seq = _tell_reached(connection, own, row) or seq
    seq = open_late(connection, own, facts.chat, facts.id) or seq
    return Kept(seq, wanted, arrived=_arrived(row))


def _set_timer(connection: sqlite3.Connection, chat: str, timer: int | None) -> None:
    """Two people agree on their timer by their messages; the one of a group is what WhatsApp tells of it."""
    if timer is not None and not is_group(chat):
        messages.set_timer(connection, chat, timer)


def open_late(
    connection: sqlite3.Connection, own: Own, chat: str, message_id: str, *, tell: bool = True
) -> int | None:
    """Open the votes and edits that came before the message they are about, and `tell` them again.

    Call it after the message was stored. Returns the number of the last event, None without any.
    """
    seq = None
    if not changes.exist(connection, message_id):
        return None
    values = (message_id, chat, content.EDIT, content.VOTE)
    for row in connection.execute(_SEALED_ROWS, values).fetchall():
        *said, raw = row
        facts = _facts_of_row(connection, own, *said)
        read = content.interpret(E2E.Message.FromString(raw))
        senders = (facts.sender, facts.sender_lid)
        clear = None if read is None else opened(connection, own, read, facts.chat, senders)
        if clear is None or clear is read:
            continue
        moment = messages.now()
        connection.execute(
            "UPDATE messages SET content = ?, updated_at = ? WHERE id = ? AND chat = ? AND target_id = ?",
            (clear.text, moment, facts.id, chat, message_id),
        )
        changes.settle(connection, chat, message_id, moment)
        if tell:
            seq = _tell(connection, own, clear, facts, download=False)
    return seq


def _arrived(row: MessageRow) -> Arrived | None:
    if row.from_me or row.target_id:
        return None
    return Arrived(row.id, row.chat, row.sender, row.kind, row.timestamp)


def keep_receipt(connection: sqlite3.Connection, own: Own, receipt: IncomingReceipt) -> int | None:
    """Store a receipt, move the messages it is about, and log that; None for what was known.

    Returns the number of the last event.
    """
    chat, chat_lid, sender, sender_lid = parties(connection, own, receipt)
    kind = receipt.kind
    if sender == own.jid:
        # Where read receipts are on, an own device that reads says so without the `-self`.
        match kind:
            case "delivered":
                return None
            case "read":
                kind = "read-self"
            case "played":
                kind = "played-self"
    new = receipts.add_receipts(connection, kind, chat, sender, receipt.ids, receipt.timestamp)
    if not new:
        return None
    if kind == "read-self":
        messages.mark_read(connection, chat, new)
    own_device = kind in ("read-self", "played-self")  # of messages of others
    moved = {} if own_device else _settled(connection, chat, new)
    told = msgspec.structs.replace(receipt, ids=new, kind=kind, chat_lid=chat_lid, sender_lid=sender_lid)
    name = messages.name_of(connection, sender)
    payload = payloads.ack_of(told, chat=chat, sender=sender, name=name)
    seq = event_log.append(connection, own, ACK, chat, payload)
    for message_id, status in moved.items():
        seq = states.tell(connection, own, chat, message_id, status)
    return seq


def _settled(connection: sqlite3.Connection, chat: str, ids: list[str]) -> dict[str, MessageStatus]:
    """Move these messages of ours to what their receipts say; the new status of each that moved."""
    moment = messages.now()
    settled = {each: receipts.settle(connection, chat, each, moment) for each in ids}
    return {each: status for each, status in settled.items() if status is not None}


def _facts_of_row(
    connection: sqlite3.Connection,
    own: Own,
    message_id: str,
    chat: str,
    sender: str,
    from_me: int,
    push_name: str,
    timestamp: int,
) -> Facts:
    phone, lid = identities(connection, own, sender)
    return Facts(
        id=message_id,
        chat=chat,
        chat_lid=messages.lid_of(connection, chat),
        sender=phone,
        sender_lid=lid,
        name=messages.name_of(connection, phone),
        push_name=push_name,
        timestamp=timestamp,
        is_from_me=bool(from_me),
    )


def opened(
    connection: sqlite3.Connection, own: Own, read: Content, chat: str, senders: tuple[str, str]
) -> Content:
    """A sealed vote or edit opened with the secret of the message it is about; else as it is."""
    if read.sealed is None:
        return read
    original = messages.find_message(connection, read.target_id, chat)
    if original is None:
        return read
    authors = identities(connection, own, own.jid if original.from_me else original.sender)
    return unseal(read, E2E.Message.FromString(original.raw), authors, senders) or read


def row_of(read: Content, facts: Facts, raw: bytes) -> MessageRow:
    """The row that keeps a message; `raw` is its serialised `E2E.Message`."""
    row_id, target_id, part = facts.id, read.target_id, read.media
    if read.kind == content.EDIT and not target_id:
        # Such an edit has the id of what it edits, and each row needs one of its own.
        row_id, target_id = f"{facts.id}/{facts.timestamp}", facts.id
    return MessageRow(
        id=row_id,
        chat=facts.chat,
        sender=facts.sender,
        sender_lid=facts.sender_lid,
        from_me=facts.is_from_me,
        push_name=facts.push_name,
        timestamp=facts.timestamp,
        kind=read.kind,
        content=read.text,
        media_type=read.media_type,
        media_id=part.id if part else "",
        filename=part.filename if part else "",
        url=part.url if part else "",
        file_length=part.size if part else 0,
        quoted_id=read.quoted_id,
        target_id=target_id,
        forwarded=read.forwarded,
        status="server" if facts.is_from_me else "",
        raw=raw,
    )


def _allowed(connection: sqlite3.Connection, row: MessageRow) -> bool:
    return row.kind not in (content.EDIT, content.REVOKE) or changes.may(
        connection, row.kind, row.chat, row.target_id, row.sender, own=row.from_me
    )


def _register(
    connection: sqlite3.Connection, part: MediaPart | None, row: MessageRow, *, wanted: bool
) -> bool:
    return part is not None and media.register(connection, part, row.id, row.chat, wanted=wanted)


def _tell_ready(connection: sqlite3.Connection, own: Own, part: MediaPart, row: MessageRow) -> int | None:
    """Tell of the file of a message at once where an earlier message has brought it already."""
    known = media.find(connection, part.id)
    if known is None or known.state != "ready":
        return None
    brought = msgspec.structs.replace(known, message_id=row.id, chat=row.chat)
    return outcomes.tell(connection, own, MEDIA_READY, brought)


def _tell_reached(connection: sqlite3.Connection, own: Own, row: MessageRow) -> int | None:
    """Tell of a message of ours, sent by another device, whose receipts came before it."""
    reached = receipts.status_of(connection, row.chat, row.id)
    if reached in ("", row.status):
        return None
    return states.tell(connection, own, row.chat, row.id, reached)


def _tell(connection: sqlite3.Connection, own: Own, read: Content, facts: Facts, *, download: bool) -> int:
    part = read.media
    path = served_at(own.id, part.id, part.mime_type) if download and part else ""
    payload = payloads.payload_of(read, facts, lambda jid: identities(connection, own, jid), path)
    return event_log.append(connection, own, payloads.event_of(read), facts.chat, payload)
