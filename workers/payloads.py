"""The payloads of events, made from what a message says and from who said it when."""

import re
from collections.abc import Callable, Iterable
from typing import Any, TypedDict

import msgspec

from wagateway.events import Kind, rfc3339
from wagateway.events.catalogue import EDITED, MESSAGE, REACTION, REVOKED, VOTE
from wagateway.events.messages import (
    AckPayload,
    EditedPayload,
    MessagePayload,
    ReactionPayload,
    RevokedPayload,
    UndecryptablePayload,
    VotePayload,
)
from wagateway.events.parts import FileLink, MediaObject, Mention, PollVote
from wagateway.events.people import CallPayload
from wagateway.phone import user_of
from workers import content
from workers.content import Content, MediaPart
from workers.engine import IncomingCall, IncomingReceipt, ReceiptKind

Identities = Callable[[str], tuple[str, str]]
"""Both identities of a JID: the phone JID (the JID itself where that is not known) and the LID or ""."""

AnyPayload = MessagePayload | ReactionPayload | EditedPayload | RevokedPayload | VotePayload

_KINDS: dict[str, Kind[Any]] = {
    content.REACTION: REACTION,
    content.EDIT: EDITED,
    content.REVOKE: REVOKED,
    content.VOTE: VOTE,
}
_SHOWN_AS_OBJECTS = frozenset({"contact", "contacts", "location", "live_location", "poll"})
_SUMMARIES = frozenset({"buttons", "template", "interactive"})
_WITHOUT_CAPTION = frozenset({"audio", "sticker"})
_AT = re.compile(r"@([0-9]{1,20})(?![0-9])", re.ASCII)
_RECEIPTS: dict[ReceiptKind, str] = {
    "delivered": "The messages have reached a device of the recipient",
    "read": "The recipient has seen the messages",
    "played": "The recipient has played or opened the messages",
    "read-self": "The messages were read on another device of this account",
    "played-self": "The messages were played or opened on another device of this account",
}


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """Which message, where, from whom and when; `chat` and `sender` are phone JIDs where known.

    `chat_lid` and `sender_lid` are the LIDs, "" where unknown. `name` is what the sender is called here,
    `push_name` what they call themselves. `timestamp` is Unix milliseconds.
    """

    id: str
    chat: str
    chat_lid: str = ""
    sender: str
    sender_lid: str = ""
    name: str = ""
    push_name: str = ""
    timestamp: int
    is_from_me: bool


def event_of(read: Content) -> Kind[Any]:
    """The kind of event that tells such a message."""
    return _KINDS.get(read.kind, MESSAGE)


def payload_of(read: Content, facts: Facts, identities: Identities, path: str = "") -> AnyPayload:
    """The payload of a message's event, of the kind that `event_of` says.

    `path` is where its file will be served, "" when it is not fetched by itself.
    """
    mentions = [Mention(jid=jid, lid=lid) for jid, lid in map(identities, read.mentions)]
    text = readable(read.text, mentions)
    common = _common(facts, read.kind, text)
    match read.kind:
        case content.REACTION:
            return ReactionPayload(**common, reaction=read.text, reacted_message_id=read.target_id)
        case content.EDIT:
            target = read.target_id or facts.id
            return EditedPayload(**common, original_message_id=target, body=text, mentions=mentions)
        case content.REVOKE:
            return _revoked(read, facts, identities, common)
        case content.VOTE:
            return VotePayload(**common, poll_vote=_vote(read, facts))
        case _:
            caption = readable(read.caption, mentions)
            made = _message(read, identities, common, caption, mentions)
            return _with_file(_with_object(made, read), read, caption, path)


def readable(text: str, mentions: Iterable[Mention]) -> str:
    """A text whose mentions of LIDs are of phone numbers, where those are known."""
    numbers = {user_of(one.lid): user_of(one.jid) for one in mentions if one.lid and one.jid != one.lid}
    return _AT.sub(lambda found: "@" + numbers.get(found[1], found[1]), text) if numbers else text


def ack_of(receipt: IncomingReceipt, *, chat: str, sender: str, name: str) -> AckPayload:
    """The payload of a receipt's event; `chat` and `sender` are its phone JIDs where known by now."""
    return AckPayload(
        ids=receipt.ids,
        chat_id=chat,
        chat_lid=receipt.chat_lid,
        sender=sender,
        from_lid=receipt.sender_lid,
        sender_display_name=name or user_of(sender),
        receipt_type=receipt.kind,
        receipt_type_description=_RECEIPTS[receipt.kind],
        timestamp=rfc3339(receipt.timestamp),
    )


def offer_of(call: IncomingCall, facts: Facts, *, rejected: bool) -> CallPayload:
    """The payload of a call's event; `facts` are as of a message, `rejected` whether we reject it."""
    return CallPayload(
        call_id=call.id,
        chat_id=facts.chat,
        chat_lid=facts.chat_lid,
        sender=facts.sender,
        from_lid=facts.sender_lid,
        sender_display_name=facts.name or user_of(facts.sender),
        timestamp=rfc3339(facts.timestamp),
        auto_rejected=rejected,
        group_jid=call.group,
        remote_platform=call.platform,
        remote_version=call.version,
    )


def undecryptable_of(facts: Facts, *, unavailable: bool) -> UndecryptablePayload:
    """The payload of the event of a message whose content nobody here knows."""
    return UndecryptablePayload(**_common(facts, "undecryptable", ""), unavailable=unavailable)


class _Common(TypedDict):
    """The fields of `MessageFacts`."""

    id: str
    chat_id: str
    chat_lid: str
    sender: str
    from_lid: str
    sender_display_name: str
    from_name: str
    timestamp: str
    is_from_me: bool
    kind: str
    message_id: str
    chat_jid: str
    sender_jid: str
    content: str


def _common(facts: Facts, kind: str, text: str) -> _Common:
    return _Common(
        id=facts.id,
        chat_id=facts.chat,
        chat_lid=facts.chat_lid,
        sender=facts.sender,
        from_lid=facts.sender_lid,
        sender_display_name=facts.name or user_of(facts.sender),
        from_name=facts.push_name,
        timestamp=rfc3339(facts.timestamp),
        is_from_me=facts.is_from_me,
        kind=kind,
        message_id=facts.id,
        chat_jid=facts.chat,
        sender_jid=facts.sender,
        content=text,
    )


def _message(
    read: Content, identities: Identities, common: _Common, caption: str, mentions: list[Mention]
) -> MessagePayload:
    text = common["content"]
    quoted_sender, quoted_sender_lid = identities(read.quoted_by) if read.quoted_by else ("", "")
    return MessagePayload(
        **common,
        body="" if read.kind in _SHOWN_AS_OBJECTS else caption if read.kind == "document" else text,
        chosen_id=read.chosen_id,
        replied_to_id=read.quoted_id,
        quoted_body=read.quoted_text,
        quoted_sender=quoted_sender,
        quoted_sender_lid=quoted_sender_lid,
        target_id=read.target_id,
        mentions=mentions,
        view_once=read.view_once,
        forwarded=read.forwarded,
        ephemeral=read.ephemeral,
        expiration=read.timer or 0,
        referral=read.referral,
    )


def _with_object(payload: MessagePayload, read: Content) -> MessagePayload:
    """What a kind shows as an object of its own."""
    return msgspec.structs.replace(
        payload,
        contact=read.contacts[0] if read.kind == "contact" else None,
        contacts_array=list(read.contacts) if read.kind == "contacts" else [],
        location=read.location if read.kind == "location" else None,
        live_location=read.location if read.kind == "live_location" else None,
        listing=read.listing,
        order=read.order,
        interactive=payload.content if read.kind in _SUMMARIES else "",
        poll=read.poll,
    )


def _vote(read: Content, facts: Facts) -> PollVote:
    return PollVote(
        poll_message_id=read.target_id,
        voter=facts.sender,
        voter_lid=facts.sender_lid,
        options=None if read.choices is None else list(read.choices),
    )


def _with_file(payload: MessagePayload, read: Content, caption: str, path: str) -> MessagePayload:
    part = read.media
    if part is None:
        return payload
    payload = msgspec.structs.replace(payload, media=_media(part, path))
    if read.kind in _SUMMARIES:
        return msgspec.structs.replace(payload, interactive_media=[path] if path else [])
    return msgspec.structs.replace(payload, **{part.kind: _file(part, caption, path)})


def _file(part: MediaPart, caption: str, path: str) -> str | FileLink:
    """The file under the name of its kind, in the real server's forms."""
    if part.kind in _WITHOUT_CAPTION:
        caption = ""
    if path:
        return FileLink(path=path, caption=caption) if caption else path
    if not part.url:
        return ""
    if part.kind == "document":
        return FileLink(url=part.url, filename=part.filename, caption=caption)
    return FileLink(url=part.url, caption=caption)


def _media(part: MediaPart, path: str) -> MediaObject:
    return MediaObject(
        id=part.id,
        kind=part.kind,
        mime_type=part.mime_type,
        size=part.size,
        filename=part.filename,
        path=path,
        seconds=part.seconds,
        width=part.width,
        height=part.height,
        voice=part.voice,
        animated=part.animated,
    )


def _revoked(read: Content, facts: Facts, identities: Identities, common: _Common) -> RevokedPayload:
    author, author_lid = "", ""
    if read.target_from_me:
        author, author_lid = facts.sender, facts.sender_lid
    elif read.target_by:
        author, author_lid = identities(read.target_by)
    return RevokedPayload(
        **common,
        revoked_message_id=read.target_id,
        revoked_from_me=read.target_from_me,
        revoked_chat=facts.chat,
        revoked_chat_lid=facts.chat_lid,
        revoked_sender=author,
        revoked_sender_lid=author_lid,
    )
