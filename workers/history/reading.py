"""A history file read piece by piece, in batches that each fit one transaction."""

from collections.abc import Iterable, Iterator

import msgspec
import structlog
from google.protobuf.message import DecodeError

from wagateway.phone import is_lid, is_phone
from wagateway.whatsapp.protos import HistorySync, Web
from workers.content.fields import Text, words
from workers.history.entries import Entry, Unreadable, entries, jid_of
from workers.history.wire import Data, Field, Malformed, varint, walk
from workers.shard.imports import OldChat

_LARGEST = 50  # messages, chats and names of a batch, for which others must wait: some 10 ms
_LARGEST_BYTES = 512 * 1024
_STATUS = OldChat(jid="status@broadcast")
_FOREVER = -1
_LATEST = 253_402_300_799  # as in entries
_MOST_UNREAD = 1_000_000
_UINT32 = 0xFFFFFFFF

Pair = tuple[str, str]

log = structlog.get_logger()

_Chat = HistorySync.Conversation
_HISTORY = {field.name: field.number for field in HistorySync.HistorySync.DESCRIPTOR.fields}
_KINDS = HistorySync.HistorySync.HistorySyncType
_MESSAGES = _Chat.DESCRIPTOR.fields_by_name["messages"].number
_HEADER = frozenset(
    _Chat.DESCRIPTOR.fields_by_name[name].number
    for name in (
        *("ID", "name", "displayName", "pnJID", "lidJID", "conversationTimestamp", "lastMsgTimestamp"),
        *("archived", "pinned", "muteEndTime", "unreadCount", "markedAsUnread", "ephemeralExpiration"),
    )
)


class Part(msgspec.Struct, frozen=True):
    """A chat and some of its messages."""

    chat: OldChat
    entries: list[Entry] = []


class Batch(msgspec.Struct, frozen=True):
    """What is kept in one transaction: whose LIDs are whose, who is called what, and messages of chats.

    `lids` are pairs of LID and phone JID, `names` of JID and name.
    """

    lids: list[Pair] = []
    names: list[Pair] = []
    parts: list[Part] = []


class Place(msgspec.Struct, frozen=True):
    """Which part of which history it is; `kind` and `progress` as in the event `history.progress`."""

    kind: str
    progress: int
    part: int


def place(data: Data) -> Place:
    """What a history event says of itself; raises `Malformed`."""
    history = _history(data)
    told = dict.fromkeys(("syncType", "chunkOrder", "progress"), 0)
    for field in walk(data, history.start, history.end):
        for name in told:
            if field.number == _HISTORY[name]:
                value, end = varint(data, field.start, field.end)
                told[name] = value & _UINT32 if end == field.end else 0
    number = told["syncType"]
    kind = _KINDS.Name(number).lower() if number in _KINDS.values() else f"unknown_{number}"
    return Place(kind, told["progress"], told["chunkOrder"])


def batches(data: Data) -> Iterator[Batch]:
    """All of a history event as neonize hands it over; raises `Malformed` or protobuf's DecodeError.

    What cannot be read of a single message is logged and left out.
    """
    history = _history(data)
    # Whose LID is whose stands behind the chats, and must be known before them.
    yield from _gathered(_people(data, history))
    yield from _gathered(_chats(data, history))


def _history(data: Data) -> Field:
    found = next((field for field in walk(data, 0, len(data)) if field.number == 1), None)
    if found is None:
        raise Malformed("no history")
    return found


def _gathered(pieces: Iterable[Batch]) -> Iterator[Batch]:
    whole, size, weight = Batch(), 0, 0
    for piece in pieces:
        whole.lids.extend(piece.lids)
        whole.names.extend(piece.names)
        for part in piece.parts:
            if not whole.parts or whole.parts[-1].chat is not part.chat:
                whole.parts.append(Part(part.chat))
            whole.parts[-1].entries.extend(part.entries)
            weight += sum(len(entry.raw) for entry in part.entries)
        size += 1
        if size >= _LARGEST or weight >= _LARGEST_BYTES:
            yield whole
            whole, size, weight = Batch(), 0, 0
    if size:
        yield whole


def _people(data: Data, history: Field) -> Iterator[Batch]:
    for field in walk(data, history.start, history.end):
        if field.number == _HISTORY["phoneNumberToLidMappings"]:
            mapping = HistorySync.PhoneNumberToLIDMapping.FromString(data[field.start : field.end])
            yield Batch(lids=_lids(mapping.lidJID, mapping.pnJID))
        elif field.number == _HISTORY["pushnames"]:
            named = HistorySync.Pushname.FromString(data[field.start : field.end])
            jid, name = jid_of(named.ID), words(named.pushname).strip()
            if jid and name not in ("", "-"):  # a dash stands for no name
                yield Batch(names=[(jid, name)])


def _lids(lid: Text, phone: Text) -> list[Pair]:
    pair = jid_of(lid), jid_of(phone)
    return [pair] if is_lid(pair[0]) and is_phone(pair[1]) else []


def _chats(data: Data, history: Field) -> Iterator[Batch]:
    for field in walk(data, history.start, history.end):
        if field.number == _HISTORY["conversations"]:
            yield from _chat(data, field)
        elif field.number == _HISTORY["statusV3Messages"]:
            yield from _message(Web.WebMessageInfo, data[field.start : field.end], _STATUS)


def _chat(data: Data, conversation: Field) -> Iterator[Batch]:
    fields = walk(data, conversation.start, conversation.end)
    header = _Chat.FromString(b"".join(data[one.at : one.end] for one in fields if one.number in _HEADER))
    jid = jid_of(header.ID)
    if not jid:
        return
    chat = _told(header, jid)
    yield Batch(lids=_lids(header.lidJID or jid, header.pnJID or jid), parts=[Part(chat)])
    for one in walk(data, conversation.start, conversation.end):
        if one.number == _MESSAGES:
            yield from _message(HistorySync.HistorySyncMsg, data[one.start : one.end], chat)


def _told(header: HistorySync.Conversation, jid: str) -> OldChat:
    return OldChat(
        jid=jid,
        name=words(header.name or header.displayName).strip(),
        time=_seconds(header.conversationTimestamp or header.lastMsgTimestamp) * 1000,
        archived=header.archived,
        pinned=header.pinned > 0,  # when it was
        muted_until=_muted_until(header.muteEndTime),
        unread=min(header.unreadCount, _MOST_UNREAD),
        marked_unread=header.markedAsUnread,
        timer=header.ephemeralExpiration,
    )


def _seconds(value: int) -> int:
    return value if value <= _LATEST else 0


def _muted_until(value: int) -> int:
    """Unix milliseconds of what is Unix seconds, also milliseconds by some phones, or -1 as unsigned."""
    if value >= 1 << 63:
        return _FOREVER
    return value * 1000 if value <= _LATEST else min(value, _LATEST * 1000)


def _message(
    kind: type[HistorySync.HistorySyncMsg] | type[Web.WebMessageInfo], raw: bytes, chat: OldChat
) -> Iterator[Batch]:
    try:
        read = kind.FromString(raw)
        info = read if kind is Web.WebMessageInfo else read.message
        found = entries(info, chat.jid)
    except (DecodeError, Unreadable):
        log.warning("history.message_unreadable", size=len(raw))
    except Exception:  # a bug in reading one message must not lose those behind it
        log.exception("history.message_unreadable", size=len(raw))
    else:
        yield Batch(parts=[Part(chat, found)])
