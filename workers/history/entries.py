"""What one message of a history says: the rows that it, its reactions and its votes become."""

from typing import Any

import msgspec

from wagateway.commands.messages import MessageStatus
from wagateway.phone import BROADCAST, GROUP, USER
from wagateway.whatsapp.protos import E2E, Web
from workers import content
from workers.content import Content
from workers.content.fields import Text, bare_jid, words
from workers.content.wrappers import unwrap

_LATEST = 253_402_300_799  # the last second of the year 9999: no later time can be told
_REVOKED = (Web.WebMessageInfo.REVOKE, Web.WebMessageInfo.ADMIN_REVOKE)
_STATUS: dict[int, MessageStatus] = {
    Web.WebMessageInfo.ERROR: "failed",
    Web.WebMessageInfo.PENDING: "sent",
    Web.WebMessageInfo.SERVER_ACK: "server",
    Web.WebMessageInfo.DELIVERY_ACK: "delivered",
    Web.WebMessageInfo.READ: "read",
    Web.WebMessageInfo.PLAYED: "read",
}


class Unreadable(ValueError):
    """A message without an id, an author or a time."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A message of a history; `author` is "" for the account itself, `timestamp` Unix milliseconds.

    `raw` is the serialised `E2E.Message` out of its wrappers. `original` is the message that an edit is
    about, as the edit leaves it.
    """

    id: str
    author: str
    timestamp: int
    read: Content
    raw: bytes
    push_name: str = ""
    status: MessageStatus = ""
    original: "Entry | None" = None


def entries(info: Web.WebMessageInfo, chat: str) -> list[Entry]:
    """The rows of a message of the chat; none when there is nothing in it to show. Raises `Unreadable`."""
    author = _author(info.key, info.participant, chat)
    message_id, sent_at = words(info.key.ID), info.messageTimestamp
    if not message_id or not 0 < sent_at <= _LATEST:
        raise Unreadable
    said = _said(info, message_id, author, sent_at * 1000)
    return [*said, *_reactions(info, chat), *_votes(info, chat)]


def jid_of(text: Text) -> str:
    """A JID without device part, of today's form; "" for what is none."""
    return bare_jid(text).replace("@c.us", "@" + USER)


def _author(key: Any, participant: Text, chat: str) -> str:
    if key.fromMe:
        return ""
    if not chat.endswith((GROUP, BROADCAST)):
        return chat
    author = jid_of(participant) or jid_of(key.participant)
    if not author:
        raise Unreadable
    return author


def _said(info: Web.WebMessageInfo, message_id: str, author: str, timestamp: int) -> list[Entry]:
    if info.messageStubType in _REVOKED:
        return [_revoke(info, message_id, author, timestamp)]
    read = content.interpret(info.message)
    if read is None:
        return []
    entry = Entry(
        id=message_id,
        author=author,
        timestamp=timestamp,
        read=read,
        raw=_bare(info).SerializeToString(),
        push_name=words(info.pushName),
        status="" if author else _STATUS.get(info.status, "server") if info.HasField("status") else "server",
    )
    return [_edit(entry) if read.kind == content.EDIT else entry]


def _bare(info: Web.WebMessageInfo) -> E2E.Message:
    """The message out of its wrappers, with the secret that votes on it are encrypted under."""
    inner, _ = unwrap(info.message)
    secret = info.messageSecret or content.poll_secret(info.message)
    if secret and not inner.messageContextInfo.messageSecret:
        inner.messageContextInfo.messageSecret = secret
    return inner


def _edit(entry: Entry) -> Entry:
    """An edit, which is all that a history has of the message that it changed."""
    read = entry.read
    message = E2E.Message.FromString(entry.raw)
    changed = message.protocolMessage
    sealed = read.sealed is not None
    after = changed.editedMessage if changed.HasField("editedMessage") else message
    inner, _ = unwrap(after)
    target_id = read.target_id or entry.id
    at = changed.timestampMS if 0 < changed.timestampMS <= _LATEST * 1000 else entry.timestamp
    whole = None if sealed else content.interpret(after)
    return msgspec.structs.replace(
        entry,
        # Where an edit has the id of what it edits, its row needs one of its own.
        id=f"{entry.id}/{at}" if entry.id == target_id else entry.id,
        timestamp=at,
        read=msgspec.structs.replace(read, target_id=target_id),
        status="",
        original=whole
        and msgspec.structs.replace(entry, id=target_id, read=whole, raw=inner.SerializeToString()),
    )


def _revoke(info: Web.WebMessageInfo, message_id: str, author: str, timestamp: int) -> Entry:
    """What is left of a message that was taken back."""
    message = E2E.Message()
    message.protocolMessage.type = E2E.ProtocolMessage.REVOKE
    message.protocolMessage.key.CopyFrom(info.key)
    revoked_at = info.revokeMessageTimestamp
    return Entry(
        id=f"{message_id}/revoked",
        author=author,
        timestamp=revoked_at * 1000 if 0 < revoked_at <= _LATEST else timestamp,
        read=Content(kind=content.REVOKE, target_id=message_id),
        raw=message.SerializeToString(),
    )


def _reactions(info: Web.WebMessageInfo, chat: str) -> list[Entry]:
    found = []
    for reaction in info.reactions:
        if not reaction.text:
            continue  # taken back
        message = E2E.Message()
        message.reactionMessage.key.CopyFrom(info.key)
        message.reactionMessage.text = reaction.text
        message.reactionMessage.senderTimestampMS = reaction.senderTimestampMS
        read = content.interpret(message)
        if read is not None:
            found.append(_aside(info, reaction.key, reaction.senderTimestampMS, chat, read, message))
    return found


def _votes(info: Web.WebMessageInfo, chat: str) -> list[Entry]:
    """The votes on a poll, which the phone has opened."""
    found = []
    poll = unwrap(info.message)[0] if info.pollUpdates else None
    for update in info.pollUpdates:
        message = E2E.Message()
        message.pollUpdateMessage.pollCreationMessageKey.CopyFrom(info.key)
        message.pollUpdateMessage.senderTimestampMS = update.senderTimestampMS
        texts = tuple(content.option_texts(poll, update.vote.selectedOptions))
        read = Content(kind=content.VOTE, text="\n".join(texts), target_id=words(info.key.ID), choices=texts)
        key, at = update.pollUpdateMessageKey, update.senderTimestampMS or update.serverTimestampMS
        found.append(_aside(info, key, at, chat, read, message))
    return found


def _aside(
    info: Web.WebMessageInfo, key: Any, at: int, chat: str, read: Content, message: E2E.Message
) -> Entry:
    """Something about the message, which has an id of its own unless the phone does not tell it."""
    author, target = _author(key, "", chat), words(info.key.ID)
    own_id = words(key.ID)
    if own_id in ("", target):
        own_id = f"{target}/{read.kind}/{author}"
    return Entry(
        id=own_id,
        author=author,
        timestamp=at if 0 < at <= _LATEST * 1000 else info.messageTimestamp * 1000,
        read=read,
        raw=message.SerializeToString(),
        status="" if author else "server",
    )
