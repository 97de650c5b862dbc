"""What a decrypted message says, for the inbox of a virtual phone."""

from typing import TypedDict

from wagateway.whatsapp.protos import E2E
from wagateway.whatsapp.stanza import Jid


class Facts(TypedDict):
    """The fields of an inbox entry that come from the message itself."""

    text: str
    kind: str
    quoted_id: str
    mentions: list[str]
    is_forwarded: bool
    expiration: int


_ASIDE = {"senderKeyDistributionMessage", "messageContextInfo"}


def describe(message: E2E.Message) -> Facts | None:
    """The facts of a message; None when it only carries keys."""
    fields = [(field.name, value) for field, value in message.ListFields() if field.name not in _ASIDE]
    if not fields:
        return None
    name, value = fields[0]
    if name in ("ephemeralMessage", "viewOnceMessage", "documentWithCaptionMessage", "editedMessage"):
        inner = describe(value.message)
        if inner is not None and name == "editedMessage":
            inner["kind"] = name
        return inner
    if name == "protocolMessage" and value.HasField("editedMessage"):
        return describe(value.editedMessage)
    if name == "conversation":
        return _facts(value, "text", E2E.ContextInfo())
    context = value.contextInfo if hasattr(value, "contextInfo") else E2E.ContextInfo()
    kind = "text" if name == "extendedTextMessage" else name
    return _facts(getattr(value, "text", "") or getattr(value, "caption", ""), kind, context)


def _facts(text: str, kind: str, context: E2E.ContextInfo) -> Facts:
    return Facts(
        text=text,
        kind=kind,
        quoted_id=context.stanzaID,
        mentions=list(context.mentionedJID),
        is_forwarded=context.isForwarded,
        expiration=context.expiration,
    )


def text_message(text: str, quoted: tuple[str, str] | None, mentions: list[str]) -> E2E.Message:
    """A text as a phone writes it; `quoted` is the id and the author of what it replies to."""
    if quoted is None and not mentions:
        return E2E.Message(conversation=text)
    message = E2E.Message()
    message.extendedTextMessage.text = text
    context = message.extendedTextMessage.contextInfo
    context.mentionedJID.extend(mentions)
    if quoted is not None:
        context.stanzaID, context.participant = quoted
        context.quotedMessage.conversation = ""
    return message


def device_sent(to: Jid, message: E2E.Message) -> E2E.Message:
    """The copy of a message to `to` that goes to the sender's own devices."""
    copy = E2E.Message()
    copy.deviceSentMessage.destinationJID = str(to)
    copy.deviceSentMessage.message.CopyFrom(message)
    return copy
