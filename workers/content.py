"""What a WhatsApp message says: its kind, its text and what it refers to."""

from typing import Any

import msgspec
from google.protobuf.unknown_fields import UnknownFieldSet

from wagateway.whatsapp.protos import E2E

TEXT = "text"
UNKNOWN = "unknown"

_WRAPPERS = frozenset(
    {
        "deviceSentMessage",
        "ephemeralMessage",
        "viewOnceMessage",
        "viewOnceMessageV2",
        "viewOnceMessageV2Extension",
        "documentWithCaptionMessage",
    }
)
_DEEPEST = 8  # wrappers around wrappers; honest ones need three
_SILENT = frozenset(
    {
        "senderKeyDistributionMessage",
        "fastRatchetKeySenderKeyDistributionMessage",
        "messageContextInfo",
        "protocolMessage",
        "stickerSyncRmrMessage",
    }
)
_MEDIA = frozenset({"image", "video", "video_note", "audio", "document", "sticker"})
_NAMES = {"ptvMessage": "video_note", "conversation": TEXT, "extendedTextMessage": TEXT}


class Content(msgspec.Struct, frozen=True):
    """The readable side of a message.

    `kind` is `text` or names another kind of message; `media_type` is the kind where it is a file, else "".
    `timer` is the chat's disappearing timer in seconds where the message tells it.
    """

    kind: str
    text: str = ""
    media_type: str = ""
    quoted_id: str = ""
    quoted_text: str = ""
    forwarded: bool = False
    timer: int | None = None


def interpret(message: E2E.Message) -> Content | None:
    """What the message says; None when it has nothing to show (keys, settings, an empty first event)."""
    inner = _unwrap(message)
    field = next((field for field, _ in inner.ListFields() if field.name not in _SILENT), None)
    if field is None:
        return Content(UNKNOWN) if len(UnknownFieldSet(inner)) else None
    kind = _NAMES.get(field.name) or field.name.removesuffix("Message")
    text = text_of(inner)
    if kind == TEXT and not text:
        return None
    about = _context(getattr(inner, field.name))
    return Content(
        kind=kind,
        text=text,
        media_type=kind if kind in _MEDIA else "",
        quoted_id=about.stanzaID,
        quoted_text=text_of(about.quotedMessage),
        forwarded=about.isForwarded,
        timer=about.expiration or None,
    )


def timer_of(message: E2E.Message) -> int | None:
    """The disappearing timer in seconds that a settings message sets for its chat; None for any other."""
    inner = _unwrap(message)
    setting = inner.protocolMessage
    if inner.HasField("protocolMessage") and setting.type == E2E.ProtocolMessage.EPHEMERAL_SETTING:
        return int(setting.ephemeralExpiration)
    return None


def text_of(message: E2E.Message) -> str:
    """The text of a text message, "" of any other."""
    inner = _unwrap(message)
    return str(inner.conversation or inner.extendedTextMessage.text)


def _unwrap(message: E2E.Message) -> E2E.Message:
    for _ in range(_DEEPEST):
        field = next((field for field, _ in message.ListFields() if field.name in _WRAPPERS), None)
        if field is None:
            break
        message = getattr(message, field.name).message
    return message


def _context(part: Any) -> E2E.ContextInfo:
    descriptor = getattr(part, "DESCRIPTOR", None)
    if descriptor is None or "contextInfo" not in descriptor.fields_by_name:
        return E2E.ContextInfo()
    return part.contextInfo
