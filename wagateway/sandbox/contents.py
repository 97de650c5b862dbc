"""What a decrypted message says, for the inbox of a virtual phone."""

from typing import Any, TypedDict

from google.protobuf import json_format

from wagateway.problems import invalid
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
# Where the kinds of messages keep what a person would call their text; the first that is not empty counts.
_TEXTS = (
    *("text", "caption", "selectedDisplayText", "displayName", "name", "title", "orderTitle"),
    *("groupName", "fileName", "address"),
)


def describe(message: E2E.Message) -> Facts | None:
    """The facts of a message; None when it only carries keys."""
    name, value = innermost(message)
    if not name:
        return None
    if name == "protocolMessage" and value.HasField("editedMessage"):
        inner = describe(value.editedMessage)
        if inner is not None and message.HasField("editedMessage"):
            inner["kind"] = "editedMessage"
        return inner
    if name == "conversation":
        return _facts(value, "text", E2E.ContextInfo())
    context = getattr(value, "contextInfo", None) or E2E.ContextInfo()
    return _facts(_text(value), "text" if name == "extendedTextMessage" else name, context)


def innermost(message: E2E.Message) -> tuple[str, Any]:
    """The field that says what a message is, out of all wrappers, and its value; "" when there is none."""
    for field, value in message.ListFields():
        if field.name in _ASIDE:
            continue
        kind = field.message_type
        if kind is not None and kind.name == "FutureProofMessage":
            return innermost(value.message)
        return field.name, value
    return "", None


def _text(value: Any) -> str:
    if isinstance(value, E2E.InteractiveResponseMessage):
        return str(value.body.text)
    for name in _TEXTS:
        text = getattr(value, name, "")
        if text and isinstance(text, str):
            return text
    return ""


def _facts(text: str, kind: str, context: E2E.ContextInfo) -> Facts:
    return Facts(
        text=text,
        kind=kind,
        quoted_id=context.stanzaID,
        mentions=list(context.mentionedJID),
        is_forwarded=context.isForwarded,
        expiration=context.expiration,
    )


def parse(content: dict[str, Any]) -> E2E.Message:
    """A message from its protobuf JSON form; a `Problem` that names `content` when it is none."""
    message = E2E.Message()
    try:
        json_format.ParseDict(content, message)
    except json_format.ParseError as error:
        raise invalid("content", f"is no WhatsApp message: {error}") from None
    if not innermost(message)[0]:
        raise invalid("content", "says nothing")
    return message


def as_json(content: bytes) -> dict[str, Any]:
    """A serialized message in protobuf JSON form."""
    found: dict[str, Any] = json_format.MessageToDict(E2E.Message.FromString(content))
    return found


class Quoted(TypedDict):
    """What a message replies to: id, author's JID, and the message itself where it is known."""

    id: str
    author: str
    message: E2E.Message | None


def text_message(text: str, quoted: Quoted | None, mentions: list[str]) -> E2E.Message:
    """A text as a phone writes it."""
    if quoted is None and not mentions:
        return E2E.Message(conversation=text)
    message = E2E.Message()
    message.extendedTextMessage.text = text
    context = message.extendedTextMessage.contextInfo
    context.mentionedJID.extend(mentions)
    if quoted is not None:
        quote(context, quoted)
    return message


def quote(context: E2E.ContextInfo, quoted: Quoted) -> None:
    """Make the message of this context a reply."""
    context.stanzaID, context.participant = quoted["id"], quoted["author"]
    if quoted["message"] is None:
        context.quotedMessage.conversation = ""
    else:
        context.quotedMessage.CopyFrom(quoted["message"])
        context.quotedMessage.ClearField("messageContextInfo")


def device_sent(to: Jid, message: E2E.Message) -> E2E.Message:
    """The copy of a message to `to` that goes to the sender's own devices."""
    copy = E2E.Message()
    copy.deviceSentMessage.destinationJID = str(to)
    copy.deviceSentMessage.message.CopyFrom(message)
    if message.HasField("messageContextInfo"):
        copy.messageContextInfo.CopyFrom(message.messageContextInfo)
    return copy
