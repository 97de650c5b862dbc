"""Commands about one message."""

from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from wagateway.commands.sending import MessageId, Sending
from wagateway.contract import Command, Needs, Route
from wagateway.phone import Phone

MessageStatus = Literal["", "sent", "server", "delivered", "read", "failed"]
"""How far a message of ours came: handed to WhatsApp without an answer yet, acknowledged by its server,
on a device of the receiver, read there, or refused; "" for messages of others."""

MediaId = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
"""The SHA-256 of a file in hex."""


class DownloadedMedia(msgspec.Struct, frozen=True):
    """A message's file in the media store; `file_size` is in bytes.

    `file_path` is the path under which the gateway serves it to those with credentials. The front adds
    `file_url`, an absolute link that needs none until `expires_at` (RFC 3339 UTC).
    """

    message_id: str
    status: str
    media_type: str
    filename: str
    file_path: str
    file_size: int
    media_id: str = ""
    mime_type: str = ""
    file_url: str = ""
    expires_at: str = ""


class DownloadMessageMedia(Command[DownloadedMedia], frozen=True, kw_only=True):
    """Fetch the file of a message into the media store, if it is not there yet, and say where it is."""

    routes: ClassVar = (Route("GET", "/message/{message_id}/download"),)
    needs: ClassVar[Needs] = "shard"
    message_id: MessageId
    phone: Phone

    def sentence(self, reply: DownloadedMedia) -> str:
        """The status text of the reply, as the real server answers."""
        return reply.status


class Recipient(msgspec.Struct, frozen=True):
    """How far a message came with one of its receivers; times are RFC 3339 UTC, "" while it did not.

    `lid` is "" where it is not known.
    """

    jid: str
    status: MessageStatus
    delivered_at: str
    read_at: str
    lid: str = ""


class MessageState(msgspec.Struct, frozen=True):
    """How far a message of ours came.

    In a group it is delivered when anybody has it, and read when everybody who has it has read it. `reason`
    says why it failed, or why nobody knows whether WhatsApp has it.
    """

    message_id: str
    chat_jid: str
    status: MessageStatus
    reason: str
    timestamp: str
    recipients: list[Recipient]


class GetMessageStatus(Command[MessageState], frozen=True, kw_only=True):
    """Get the delivery state of a message of ours; `phone` tells the chat where an id is in several."""

    routes: ClassVar = (Route("GET", "/message/{message_id}/status"),)
    needs: ClassVar[Needs] = "shard"
    done: ClassVar = "Message status retrieved"
    message_id: MessageId
    phone: Phone | None = None


class MediaFile(msgspec.Struct, frozen=True):
    """A file in the media store: its absolute path, its size in bytes and its MIME type."""

    path: str
    size: int
    mime_type: str


class FetchMedia(Command[MediaFile], frozen=True, kw_only=True):
    """Have a file in the media store, fetched from WhatsApp if need be; for the front, which has no route."""

    needs: ClassVar[Needs] = "shard"
    media_id: MediaId


class ReactToMessage(Sending, frozen=True, kw_only=True):
    """React to a message with an emoji; "" takes the reaction back."""

    routes: ClassVar = (Route("POST", "/message/{message_id}/reaction"),)
    message_id: MessageId
    phone: Phone
    emoji: Annotated[str, Meta(max_length=64)]


class RevokeMessage(Sending, frozen=True, kw_only=True):
    """Delete a message for everyone: one of ours, or as administrator of a group one of others."""

    routes: ClassVar = (Route("POST", "/message/{message_id}/revoke"),)
    message_id: MessageId
    phone: Phone


class UpdateMessage(Sending, frozen=True, kw_only=True):
    """Replace the text of a message of ours."""

    routes: ClassVar = (Route("POST", "/message/{message_id}/update"),)
    message_id: MessageId
    phone: Phone
    message: Annotated[str, Meta(min_length=1, max_length=65536)]


class ReadMessage(Sending, frozen=True, kw_only=True):
    """Tell the sender that a message was read."""

    routes: ClassVar = (Route("POST", "/message/{message_id}/read"),)
    message_id: MessageId
    phone: Phone


class DeleteMessage(Command[None], frozen=True, kw_only=True):
    """Delete a message for this account only, on all its devices.

    neonize cannot do it: it is answered with 501 `ENGINE_UNSUPPORTED`.
    """

    routes: ClassVar = (Route("POST", "/message/{message_id}/delete"),)
    done: ClassVar = "Message deleted successfully"
    message_id: MessageId
    phone: Phone


class StarMessage(Command[None], frozen=True, kw_only=True):
    """Star a message on all devices of the account.

    neonize cannot do it: it is answered with 501 `ENGINE_UNSUPPORTED`.
    """

    routes: ClassVar = (Route("POST", "/message/{message_id}/star"),)
    done: ClassVar = "Starred message successfully"
    message_id: MessageId
    phone: Phone


class UnstarMessage(Command[None], frozen=True, kw_only=True):
    """Take the star of a message back.

    neonize cannot do it: it is answered with 501 `ENGINE_UNSUPPORTED`.
    """

    routes: ClassVar = (Route("POST", "/message/{message_id}/unstar"),)
    done: ClassVar = "Unstarred message successfully"
    message_id: MessageId
    phone: Phone
