"""What each kind of message says: one reader for each field that `E2E.Message` can carry it in."""

import re
from collections.abc import Callable
from typing import Any

from wagateway.events.parts import ContactCard, Location, Poll
from workers.content.business import (
    buttons,
    buttons_reply,
    interactive,
    interactive_reply,
    list_reply,
    listing,
    order,
    product,
    structured,
    template,
)
from workers.content.fields import bare_jid, count, field, finite, lines, words
from workers.content.files import file_of
from workers.content.shapes import EDIT, REACTION, TEXT, VOTE, Content, Sealed

Reader = Callable[[Any], Content | None]
"""Reads one part of a message; None when there is nothing in it to show."""

_MOST_CARDS = 257  # as many as WhatsApp's own clients send at once
_MOST_CARDS_SIZE = 262144  # characters of all of them
_MOST_OPTIONS = 256
_LONGEST_OPTION = 1024
_LARGEST_VCARD = 64 * 1024
_LARGEST_THUMBNAIL = 64 * 1024
_PHONE = re.compile(
    r"^(?:[\w-]+\.)?TEL(?P<types>[^:\r\n]*):(?P<number>[^\r\n]*)", re.ASCII | re.IGNORECASE | re.MULTILINE
)
_WAID = re.compile(r";waid=([0-9]{5,20})", re.ASCII | re.IGNORECASE)
_NAME = re.compile(r"^(?:[\w-]+\.)?FN[^:\r\n]*:([^\r\n]*)", re.ASCII | re.IGNORECASE | re.MULTILINE)
_NO_DIGIT = re.compile(r"[^0-9]")
_MESSAGE_EDIT = 2  # of SecretEncryptedMessage.SecretEncType
_SEALED_EDITS = {1: "event_edit", 4: "poll_edit", 5: "poll_edit"}
_WORDS = ("title", "name", "text", "caption", "description", "note")


def _conversation(part: str | bytes) -> Content | None:
    return Content(kind=TEXT, text=words(part)) if part else None


def _extended_text(part: Any) -> Content | None:
    return _conversation(part.text)


def _file(kind: str) -> Reader:
    def read(part: Any) -> Content:
        media = file_of(part, kind)
        caption = words(field(part, "caption", ""))
        return Content(
            kind="voice_note" if field(part, "PTT", False) else kind,
            text=caption or (media.filename if media else ""),
            caption=caption,
            media_type=kind,
            media=media,
        )

    return read


def _card(part: Any) -> ContactCard:
    vcard = words(part.vcard)[:_LARGEST_VCARD]
    found, named = _PHONE.search(vcard), _NAME.search(vcard)
    waid = _WAID.search(found["types"]) if found else None
    number = waid[1] if waid else (_NO_DIGIT.sub("", found["number"]) if found else "")
    name = words(part.displayName).strip() or (named[1].strip() if named else "")
    return ContactCard(name=name, vcard=vcard, phone_number=number)


def _contact(part: Any) -> Content:
    card = _card(part)
    return Content(kind="contact", text=f"{card.name} {card.phone_number}".strip(), contacts=(card,))


def _contacts(part: Any) -> Content:
    cards = tuple(_card(one) for one in part.contacts[:_MOST_CARDS])
    while sum(len(card.vcard) for card in cards) > _MOST_CARDS_SIZE:
        cards = cards[:-1]
    text = lines(*(f"{card.name} {card.phone_number}" for card in cards))
    return Content(kind="contacts", text=text, contacts=cards)


def _place(kind: str) -> Reader:
    def read(part: Any) -> Content:
        place = Location(
            latitude=finite(part.degreesLatitude),
            longitude=finite(part.degreesLongitude),
            name=words(field(part, "name", "")),
            address=words(field(part, "address", "")),
            url=words(field(part, "URL", "")),
            comment=words(field(part, "comment", "")),
            accuracy=part.accuracyInMeters,
            speed=finite(part.speedInMps) or None,
            heading=part.degreesClockwiseFromMagneticNorth,
            thumbnail=bytes(part.JPEGThumbnail) if len(part.JPEGThumbnail) <= _LARGEST_THUMBNAIL else b"",
            caption=words(field(part, "caption", "")),
            sequence=count(field(part, "sequenceNumber", 0)),
            time_offset=field(part, "timeOffset", 0),
        )
        live = kind == "live_location" or field(part, "isLive", False)
        where = f"{place.latitude}, {place.longitude}"
        text = lines(where, place.name, place.address, place.comment, place.caption)
        return Content(kind="live_location" if live else kind, text=text, location=place)

    return read


def _poll(part: Any) -> Content:
    poll = Poll(
        question=words(part.name),
        options=[words(option.optionName)[:_LONGEST_OPTION] for option in part.options[:_MOST_OPTIONS]],
        max_answer=part.selectableOptionsCount,
    )
    return Content(kind="poll", text=lines(poll.question, *poll.options), poll=poll)


def about(kind: str, key: Any, text: str = "", sealed: Sealed | None = None) -> Content:
    """A kind that is about the message which the key names."""
    return Content(
        kind=kind,
        text=text,
        target_id=words(key.ID),
        target_from_me=key.fromMe,
        target_by=bare_jid(key.participant),
        sealed=sealed,
    )


def _vote(part: Any) -> Content:
    vote = part.vote
    return about(
        VOTE, part.pollCreationMessageKey, sealed=Sealed("vote", bytes(vote.encPayload), bytes(vote.encIV))
    )


def _reaction(part: Any) -> Content:
    return about(REACTION, part.key, words(part.text))


def _secret(part: Any) -> Content:
    key = part.targetMessageKey
    if part.secretEncType == _MESSAGE_EDIT:
        return about(EDIT, key, sealed=Sealed("edit", bytes(part.encPayload), bytes(part.encIV)))
    return about(_SEALED_EDITS.get(part.secretEncType, "encrypted"), key)


def _aimed(kind: str, key: str, text: str = "") -> Reader:
    """A kind that is about the message which its field `key` names."""

    def read(part: Any) -> Content:
        return about(kind, getattr(part, key), words(getattr(part, text)) if text else "")

    return read


def _event(part: Any) -> Content:
    where = part.location
    return Content(kind="event", text=lines(part.name, part.description, where.name, where.address))


def _group_invite(part: Any) -> Content:
    return Content(kind="group_invite", text=lines(part.groupName, part.caption))


def _newsletter_invite(kind: str) -> Reader:
    return lambda part: Content(kind=kind, text=lines(part.newsletterName, part.caption))


def other(kind: str) -> Reader:
    """A kind that nothing is known of but its name: what it calls its text is taken for that."""

    def read(part: Any) -> Content:
        found = (field(part, name, "") for name in _WORDS)
        return Content(kind=kind, text=lines(*(text for text in found if isinstance(text, str | bytes))))

    return read


READERS: dict[str, Reader] = {
    "conversation": _conversation,
    "extendedTextMessage": _extended_text,
    "imageMessage": _file("image"),
    "videoMessage": _file("video"),
    "ptvMessage": _file("video_note"),
    "audioMessage": _file("audio"),
    "documentMessage": _file("document"),
    "stickerMessage": _file("sticker"),
    "contactMessage": _contact,
    "contactsArrayMessage": _contacts,
    "locationMessage": _place("location"),
    "liveLocationMessage": _place("live_location"),
    "pollCreationMessage": _poll,
    "pollCreationMessageV2": _poll,
    "pollCreationMessageV3": _poll,
    "pollCreationMessageV5": _poll,
    "pollCreationMessageV6": _poll,
    "pollUpdateMessage": _vote,
    "pollResultSnapshotMessage": other("poll_result"),
    "pollResultSnapshotMessageV3": other("poll_result"),
    "pollAddOptionMessage": _aimed("poll_edit", "pollCreationMessageKey"),
    "reactionMessage": _reaction,
    "encReactionMessage": _aimed("encrypted_reaction", "targetMessageKey"),
    "secretEncryptedMessage": _secret,
    "encCommentMessage": _aimed("encrypted_comment", "targetMessageKey"),
    "encEventResponseMessage": _aimed("event_reply", "eventCreationMessageKey"),
    "pinInChatMessage": _aimed("pin", "key"),
    "keepInChatMessage": _aimed("keep", "key"),
    "questionResponseMessage": _aimed("question_reply", "key", "text"),
    "statusQuestionAnswerMessage": _aimed("question_reply", "key", "text"),
    "buttonsResponseMessage": buttons_reply,
    "templateButtonReplyMessage": buttons_reply,
    "interactiveResponseMessage": interactive_reply,
    "listResponseMessage": list_reply,
    "listMessage": listing,
    "buttonsMessage": buttons,
    "templateMessage": template,
    "highlyStructuredMessage": structured,
    "interactiveMessage": interactive,
    "orderMessage": order,
    "productMessage": product,
    "eventMessage": _event,
    "groupInviteMessage": _group_invite,
    "newsletterAdminInviteMessage": _newsletter_invite("newsletter_admin_invite"),
    "newsletterFollowerInviteMessageV2": _newsletter_invite("newsletter_invite"),
    "callLogMesssage": other("call"),
    "bcallMessage": other("call"),
}
