"""Reading a WhatsApp message: which kind it is, and what surrounds what it says."""

import re

import msgspec
from google.protobuf.unknown_fields import UnknownFieldSet

from wagateway.events.parts import Referral
from wagateway.whatsapp.protos import E2E
from workers.content.fields import bare_jid, words
from workers.content.kinds import READERS, Reader, about, other
from workers.content.shapes import EDIT, REVOKE, UNKNOWN, Content
from workers.content.wrappers import VIEW_ONCE, unwrap

_SILENT = frozenset(
    {
        "senderKeyDistributionMessage",
        "fastRatchetKeySenderKeyDistributionMessage",
        "groupRootKeyShare",
        "rootSecretDistributeMessage",
        "messageContextInfo",
        "stickerSyncRmrMessage",
    }
)
_STATUS_MENTIONS = frozenset({"statusMentionMessage", "groupStatusMentionMessage"})
_MOST_MENTIONS = 4096  # no group has more members
_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def interpret(
    message: E2E.Message, *, ephemeral: bool = False, view_once: bool = False, edit: bool = False
) -> Content | None:
    """What the message says; None when it has nothing to show (keys, settings, an empty first event).

    The flags tell which wrappers the engine has taken off already. Never raises, whatever is in it.
    """
    inner, around = unwrap(message)
    read = _read(inner)
    if read is None:
        return Content(kind="status_mention") if around & _STATUS_MENTIONS else None
    if (edit or "editedMessage" in around) and read.kind not in (EDIT, REVOKE):
        read = Content(kind=EDIT, text=read.text, caption=read.caption)
    context = _context(inner)
    once = view_once or bool(around & VIEW_ONCE) or _says_view_once(inner)
    return msgspec.structs.replace(
        read,
        quoted_id=words(context.stanzaID),
        quoted_text=text_of(context.quotedMessage),
        quoted_by=bare_jid(context.participant),
        mentions=_mentions(context),
        forwarded=context.isForwarded,
        view_once=once,
        ephemeral=ephemeral or "ephemeralMessage" in around or context.expiration > 0,
        # What an edit repeats of the original may be long out of date. Without a word of it nothing is known:
        # plain texts have no context, and not every client writes one.
        timer=context.expiration if read.kind != EDIT and context.HasField("expiration") else None,
        referral=_referral(context),
    )


def timer_of(message: E2E.Message) -> int | None:
    """The disappearing timer in seconds that a settings message sets for its chat; None for any other."""
    inner, _ = unwrap(message)
    setting = inner.protocolMessage
    if inner.HasField("protocolMessage") and setting.type == E2E.ProtocolMessage.EPHEMERAL_SETTING:
        return int(setting.ephemeralExpiration)
    return None


def text_of(message: E2E.Message) -> str:
    """What can be searched of a message of any kind, "" when there is nothing."""
    inner, _ = unwrap(message)
    read = _read(inner)
    return read.text if read else ""


def _read(message: E2E.Message) -> Content | None:
    for field, part in message.ListFields():
        if field.name in _SILENT:
            continue
        read = _reader(field.name)(part)
        if read is not None:
            return read
    return Content(kind=UNKNOWN) if len(UnknownFieldSet(message)) else None


def _reader(field: str) -> Reader:
    return (
        _NESTED.get(field)
        or READERS.get(field)
        or other(_CAPITAL.sub("_", field.removesuffix("Message")).lower())
    )


def _protocol(part: E2E.ProtocolMessage) -> Content | None:
    """An edit or a revoke; the other kinds are settings and plumbing."""
    if part.type == E2E.ProtocolMessage.MESSAGE_EDIT and part.HasField("editedMessage"):
        inner, _ = unwrap(part.editedMessage)
        after = _read(inner) or Content(kind=UNKNOWN)
        return msgspec.structs.replace(about(EDIT, part.key, after.text), caption=after.caption)
    # A type newer than this version looks like none, and none reads as the first, which is a revoke.
    if part.HasField("type") and part.type == E2E.ProtocolMessage.REVOKE and part.key.ID:
        return about(REVOKE, part.key)
    return None


def _comment(part: E2E.CommentMessage) -> Content:
    return about("comment", part.targetMessageKey, text_of(part.message))


def _payment(kind: str) -> Reader:
    return lambda part: Content(kind=kind, text=text_of(part.noteMessage))


_NESTED: dict[str, Reader] = {
    "protocolMessage": _protocol,
    "commentMessage": _comment,
    "sendPaymentMessage": _payment("payment"),
    "requestPaymentMessage": _payment("payment_request"),
}
"""Parts that hold a whole message."""


def _context(message: E2E.Message) -> E2E.ContextInfo:
    if message.protocolMessage.HasField("editedMessage"):
        message, _ = unwrap(message.protocolMessage.editedMessage)
    for field, part in message.ListFields():
        kind = field.message_type
        if kind is not None and "contextInfo" in kind.fields_by_name and part.HasField("contextInfo"):
            return part.contextInfo
    return E2E.ContextInfo()


def _says_view_once(message: E2E.Message) -> bool:
    parts = (message.imageMessage, message.videoMessage, message.audioMessage, message.ptvMessage)
    return any(part.viewOnce for part in parts)


def _mentions(context: E2E.ContextInfo) -> tuple[str, ...]:
    jids = (bare_jid(jid) for jid in context.mentionedJID[:_MOST_MENTIONS])
    return tuple(dict.fromkeys(jid for jid in jids if jid))


def _referral(context: E2E.ContextInfo) -> Referral | None:
    if not context.HasField("externalAdReply"):
        return None
    ad = context.externalAdReply
    return Referral(
        ctwa_clid=words(ad.ctwaClid),
        source_url=words(ad.sourceURL),
        source_id=words(ad.sourceID),
        source_type=words(ad.sourceType),
        source_app=words(ad.sourceApp),
        ref=words(ad.ref),
        ad_title=words(ad.title),
        ad_body=words(ad.body),
        ad_type=_name(ad, "adType"),
        media_type=_name(ad, "mediaType"),
        media_url=words(ad.mediaURL),
        thumbnail_url=words(ad.thumbnailURL),
        original_image_url=words(ad.originalImageURL),
        show_ad_attribution=ad.showAdAttribution,
        contains_auto_reply=ad.containsAutoReply,
        automated_greeting_message_shown=ad.automatedGreetingMessageShown,
        greeting_message_body=words(ad.greetingMessageBody),
        click_to_whatsapp_call=ad.clickToWhatsappCall,
    )


def _name(part: E2E.ContextInfo.ExternalAdReplyInfo, field: str) -> str:
    """The name of an enumeration's value, "" where the sender says nothing or something newer."""
    if not part.HasField(field):
        return ""
    found = part.DESCRIPTOR.fields_by_name[field].enum_type.values_by_number.get(getattr(part, field))
    return found.name if found else ""
