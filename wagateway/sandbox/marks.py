"""What a stanza says in the clear about the encrypted message in it, as WhatsApp's clients mark it."""

from wagateway.sandbox.contents import innermost
from wagateway.whatsapp.protos import E2E
from wagateway.whatsapp.stanza import Node

SENDER_REVOKE = "7"
ADMIN_REVOKE = "8"
_EDIT = "1"

_TYPES = {
    "reactionMessage": "reaction",
    "encReactionMessage": "reaction",
    "pollCreationMessage": "poll",
    "pollCreationMessageV2": "poll",
    "pollCreationMessageV3": "poll",
    "pollUpdateMessage": "poll",
}
_MEDIA = {
    "imageMessage": "image",
    "stickerMessage": "sticker",
    "documentMessage": "document",
    "ptvMessage": "ptv",
    "contactMessage": "vcard",
    "contactsArrayMessage": "contact_array",
    "locationMessage": "location",
    "liveLocationMessage": "livelocation",
    "listMessage": "list",
    "listResponseMessage": "list_response",
    "buttonsResponseMessage": "buttons_response",
    "orderMessage": "order",
    "productMessage": "product",
    "interactiveResponseMessage": "native_flow_response",
}


def stanza_type(message: E2E.Message) -> str:
    """The `type` of the stanza: text, media, poll or reaction."""
    name = innermost(message)[0]
    return _TYPES.get(name) or ("media" if media_type(message) else "text")


def media_type(message: E2E.Message) -> str:
    """The `mediatype` of the `<enc>`; empty for what is none."""
    name, part = innermost(message)
    if isinstance(part, E2E.ExtendedTextMessage):
        return "url" if part.HasField("title") else ""
    if isinstance(part, E2E.AudioMessage):
        return "ptt" if part.PTT else "audio"
    if name == "videoMessage" and isinstance(part, E2E.VideoMessage):
        return "gif" if part.gifPlayback else "video"
    return _MEDIA.get(name, "")


def edit(message: E2E.Message) -> str:
    """The `edit` attribute of the stanza: that the message changes or takes back an older one."""
    if message.HasField("editedMessage"):
        return edit(message.editedMessage.message)
    if message.HasField("reactionMessage"):
        return "" if message.reactionMessage.text else SENDER_REVOKE
    if message.HasField("secretEncryptedMessage"):
        kind = message.secretEncryptedMessage.secretEncType
        return _EDIT if kind == E2E.SecretEncryptedMessage.MESSAGE_EDIT else ""
    change = message.protocolMessage
    if change.HasField("editedMessage"):
        return _EDIT
    if change.HasField("key") and change.type == E2E.ProtocolMessage.REVOKE:
        return SENDER_REVOKE if change.key.fromMe else ADMIN_REVOKE
    return ""


def asides(message: E2E.Message) -> list[Node]:
    """The elements beside the `<enc>`: for a poll, whether it asks or votes."""
    if stanza_type(message) != "poll":
        return []
    vote = message.HasField("pollUpdateMessage")
    return [Node("meta", {"polltype": "vote" if vote else "creation"})]
