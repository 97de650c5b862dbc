"""Commands about one message."""

from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from wagateway.commands.sending import MessageId
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
    """How far a message came with one of its receivers; times are RFC 3339 UTC, "" while it did not."""

    jid: str
    status: MessageStatus
    delivered_at: str
    read_at: str


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
