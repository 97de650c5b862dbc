"""Commands that send something to a chat."""

from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from wagateway.contract import Command, Route, Upload
from wagateway.phone import Phone

MAX_IMAGE = 20_000_000
"""Bytes of an image that is fetched from a URL, as the real server has it."""
MAX_FILE = 50_000_000
MAX_VIDEO = 100_000_000
MAX_UPLOAD = 100_000_000
"""Bytes of any uploaded file."""
MAX_FETCHED = 500_000_000
"""Bytes of a video or audio file that is fetched from a URL."""

Duration = Literal[0, 86400, 604800, 7776000]
"""Seconds until the message disappears: never, a day, a week, 90 days."""

MessageId = Annotated[str, Meta(min_length=1, max_length=128)]
Caption = Annotated[str, Meta(max_length=65536)]
Url = Annotated[str, Meta(min_length=1, max_length=4096, description="An http or https URL")]
SmallUpload = Annotated[Upload, Meta(extra={"most": MAX_FILE})]
LargeUpload = Annotated[Upload, Meta(extra={"most": MAX_UPLOAD})]


class MessageSent(msgspec.Struct, frozen=True):
    """WhatsApp has the message; `status` repeats the envelope's sentence."""

    message_id: str
    status: str


class Sending(Command[MessageSent], frozen=True, kw_only=True):
    """What is answered with a `MessageSent`."""

    def sentence(self, reply: MessageSent) -> str:
        """The status text of the reply, as the real server answers."""
        return reply.status


class SendCommand(Sending, frozen=True, kw_only=True):
    """What every command that sends a message shares.

    `reply_message_id` quotes a stored message; an id that is not stored is ignored, as by the real server.
    `idempotency_key` comes from the `Idempotency-Key` header: the same key with the same command is sent
    once and answered alike.
    """

    phone: Phone
    duration: Duration = 0
    is_forwarded: bool = False
    reply_message_id: MessageId | None = None
    idempotency_key: Annotated[str, Meta(min_length=1, max_length=255)] | None = None


class SendMessage(SendCommand, frozen=True, kw_only=True):
    """Send a text message; `mentions` are phone numbers or JIDs, or `@everyone` in a group."""

    routes: ClassVar = (Route("POST", "/send/message"),)
    message: Annotated[str, Meta(min_length=1, max_length=65536)]
    mentions: Annotated[list[Phone], Meta(max_length=1024)] = msgspec.field(default_factory=list)


class SendImage(SendCommand, frozen=True, kw_only=True):
    """Send a picture (JPEG, PNG, WebP), uploaded as `image` or fetched from `image_url`.

    `compress` makes it 600 pixels wide at most, `hd` fits it into 2560 and wins over `compress`; with
    neither, a JPEG or PNG is sent byte for byte.
    """

    routes: ClassVar = (Route("POST", "/send/image"),)
    image: LargeUpload | None = None
    image_url: Url | None = None
    caption: Caption = ""
    view_once: bool = False
    compress: bool = True
    hd: bool = False


class SendFile(SendCommand, frozen=True, kw_only=True):
    """Send any file as a document of at most 50 MB, uploaded as `file` or fetched from `file_url`."""

    routes: ClassVar = (Route("POST", "/send/file"),)
    file: SmallUpload | None = None
    file_url: Url | None = None
    caption: Caption = ""


class SendVideo(SendCommand, frozen=True, kw_only=True):
    """Send a video, uploaded as `video` (100 MB) or fetched from `video_url` (500 MB).

    An MP4 with H.264 is sent as it is unless `compress` or `hd` ask for less; anything else is converted.
    """

    routes: ClassVar = (Route("POST", "/send/video"),)
    video: LargeUpload | None = None
    video_url: Url | None = None
    caption: Caption = ""
    view_once: bool = False
    compress: bool = False
    hd: bool = False
    gif_playback: bool = False


class SendAudio(SendCommand, frozen=True, kw_only=True):
    """Send audio, uploaded as `audio` or fetched from `audio_url`; `ptt` makes it a voice note (Opus)."""

    routes: ClassVar = (Route("POST", "/send/audio"),)
    audio: LargeUpload | None = None
    audio_url: Url | None = None
    ptt: bool = False
    view_once: bool = False


class SendSticker(SendCommand, frozen=True, kw_only=True):
    """Send a sticker made of a picture or animation, uploaded as `sticker` or fetched from `sticker_url`."""

    routes: ClassVar = (Route("POST", "/send/sticker"),)
    sticker: LargeUpload | None = None
    sticker_url: Url | None = None


class SendContact(SendCommand, frozen=True, kw_only=True):
    """Send a contact card."""

    routes: ClassVar = (Route("POST", "/send/contact"),)
    contact_name: Annotated[str, Meta(min_length=1, max_length=256)]
    contact_phone: Phone


class SendLink(SendCommand, frozen=True, kw_only=True):
    """Send a link with the preview of the page it leads to."""

    routes: ClassVar = (Route("POST", "/send/link"),)
    link: Url
    caption: Annotated[str, Meta(min_length=1, max_length=65536)]


class SendLocation(SendCommand, frozen=True, kw_only=True):
    """Send a location; degrees as numbers or as texts."""

    routes: ClassVar = (Route("POST", "/send/location"),)
    latitude: Annotated[float, Meta(ge=-90, le=90)]
    longitude: Annotated[float, Meta(ge=-180, le=180)]
    name: Annotated[str, Meta(max_length=1024)] = ""
    address: Annotated[str, Meta(max_length=1024)] = ""


class SendPoll(SendCommand, frozen=True, kw_only=True):
    """Send a poll; `max_answer` is how many options a voter may choose."""

    routes: ClassVar = (Route("POST", "/send/poll"),)
    question: Annotated[str, Meta(min_length=1, max_length=4096)]
    options: Annotated[
        list[Annotated[str, Meta(min_length=1, max_length=1024)]], Meta(min_length=1, max_length=100)
    ]
    max_answer: Annotated[int, Meta(ge=1)]


class SendPresence(Sending, frozen=True, kw_only=True):
    """Show the account as online or offline."""

    routes: ClassVar = (Route("POST", "/send/presence"),)
    type: Literal["available", "unavailable"]
    is_forwarded: bool = False


class SendChatPresence(Sending, frozen=True, kw_only=True):
    """Show in a chat that the account is typing (`start`), recording (`recording`) or neither (`stop`)."""

    routes: ClassVar = (Route("POST", "/send/chat-presence"),)
    phone: Phone
    action: Literal["start", "stop", "recording"]
    is_forwarded: bool = False


class ForwardMessage(SendCommand, frozen=True, kw_only=True):
    """Send a stored message on to another chat, marked as forwarded.

    A file is not uploaded again unless `force_reupload` says so or WhatsApp has it no more.
    """

    routes: ClassVar = (Route("POST", "/message/{message_id}/forward"),)
    message_id: MessageId
    force_reupload: bool = False
