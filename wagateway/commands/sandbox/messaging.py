"""Commands to the simulated phones: what they send, what they got, and what they tell of it."""

from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta

from wagateway.commands.sandbox.parts import Done, Wait
from wagateway.contract import Command, Route, Target
from wagateway.phone import Phone


class PhoneSent(msgspec.Struct, frozen=True):
    """The ids of the messages the phone sent, in order."""

    ids: list[str]


class PhoneSendText(Command[PhoneSent], frozen=True, kw_only=True):
    """Send a text from the phone to a number or a group.

    With `count`, so many messages, `rate` a second (0: as fast as possible). In the text `{n}` becomes the
    number of the message, from 0, and `{monotonic}` the time of sending in seconds of CLOCK_MONOTONIC.
    """

    routes: ClassVar = (Route("POST", "/sandbox/phones/{phone}/send"),)
    target: ClassVar[Target] = "sandbox"
    phone: Phone
    to: Phone
    text: Annotated[str, Meta(min_length=1, max_length=65536)]
    count: Annotated[int, Meta(ge=1, le=100_000)] = 1
    rate: Annotated[float, Meta(ge=0, le=10_000)] = 0.0
    reply_message_id: str = ""
    mentions: Annotated[list[Phone], Meta(max_length=1024)] = msgspec.field(default_factory=list)


class PhoneSendMessage(Command[PhoneSent], frozen=True, kw_only=True):
    """Send a message of any kind from the phone to a number, a group, `status@broadcast` or a newsletter.

    `content` is WhatsApp's `E2E.Message` in protobuf JSON form. `count` and `rate` are as for a text.
    """

    routes: ClassVar = (Route("POST", "/sandbox/phones/{phone}/messages"),)
    target: ClassVar[Target] = "sandbox"
    phone: Phone
    to: Phone
    content: dict[str, Any] = msgspec.field(default_factory=dict)
    count: Annotated[int, Meta(ge=1, le=100_000)] = 1
    rate: Annotated[float, Meta(ge=0, le=10_000)] = 0.0


class PhoneSentMedia(msgspec.Struct, frozen=True):
    """The id of the message that a file was sent with; the file's SHA-256 in hex and its bytes."""

    ids: list[str]
    media_id: str
    media_size: int


class PhoneSendMedia(Command[PhoneSentMedia], frozen=True, kw_only=True):
    """Send a file from the phone, encrypted and uploaded as phones do it.

    `data` is base64 in JSON; instead of it, `size` sends so many random bytes. `seconds` is the length of
    a sound or video, `width` and `height` are pixels. A `lost` file's link has expired (410) from the start.
    """

    routes: ClassVar = (Route("POST", "/sandbox/phones/{phone}/media"),)
    target: ClassVar[Target] = "sandbox"
    phone: Phone
    to: Phone
    kind: Literal["image", "video", "video_note", "audio", "voice_note", "document", "sticker"]
    data: bytes = b""
    size: Annotated[int, Meta(ge=0, le=512 * 1024 * 1024)] = 0
    caption: str = ""
    filename: str = ""
    mime_type: str = ""
    view_once: bool = False
    seconds: Annotated[int, Meta(ge=0, le=10**6)] = 0
    width: Annotated[int, Meta(ge=0, le=100_000)] = 0
    height: Annotated[int, Meta(ge=0, le=100_000)] = 0
    thumbnail: bytes = b""
    reply_message_id: str = ""
    lost: bool = False


class PhonePoll(Command[PhoneSent], frozen=True, kw_only=True):
    """Ask a poll from the phone; `max_answer` 0 lets everybody choose as many options as they like."""

    routes: ClassVar = (Route("POST", "/sandbox/phones/{phone}/polls"),)
    target: ClassVar[Target] = "sandbox"
    phone: Phone
    to: Phone
    question: Annotated[str, Meta(min_length=1, max_length=255)]
    options: Annotated[list[str], Meta(min_length=2, max_length=12)]
    max_answer: Annotated[int, Meta(ge=0, le=12)] = 1


class AboutMessage(Command[PhoneSent], frozen=True, kw_only=True):
    """Do something about a message of a chat that the phone sent or received."""

    target: ClassVar[Target] = "sandbox"
    phone: Phone
    chat: Phone
    message_id: str


class PhoneVote(AboutMessage, frozen=True, kw_only=True):
    """Vote for these options of a poll; none of them withdraws the vote."""

    routes: ClassVar = (Route("POST", "/sandbox/phones/{phone}/votes"),)
    options: Annotated[list[str], Meta(max_length=12)] = msgspec.field(default_factory=list)


class PhoneReact(AboutMessage, frozen=True, kw_only=True):
    """React to a message with an emoji; without one take the reaction back."""

    routes: ClassVar = (Route("POST", "/sandbox/phones/{phone}/reactions"),)
    emoji: Annotated[str, Meta(max_length=64)] = ""


class PhoneEdit(AboutMessage, frozen=True, kw_only=True):
    """Change the text or the caption of a message of the phone's own.

    An `encrypted` edit is for a message that was sent with a `messageContextInfo.messageSecret`.
    """

    routes: ClassVar = (Route("POST", "/sandbox/phones/{phone}/edits"),)
    text: Annotated[str, Meta(min_length=1, max_length=65536)]
    encrypted: bool = False


class PhoneRevoke(AboutMessage, frozen=True, kw_only=True):
    """Take a message back for everybody; in a group also one of somebody else, as administrators can."""

    routes: ClassVar = (Route("POST", "/sandbox/phones/{phone}/revocations"),)


class InboxMessage(msgspec.Struct, frozen=True):
    """What a phone received and decrypted; `timestamp` is Unix seconds.

    `sender` and `chat` are phone-number or group JIDs. `from_me` marks the copy of what one of the phone's
    own linked devices sent. `kind` is the name of the message's protobuf field out of all wrappers, `text`
    for plain texts. `text` is also a caption, a name, a question, an emoji or what a vote is for.
    `receipt` is what the phone has answered: delivered, read or played.

    `message` is all of it in protobuf JSON form. `media_id` is the SHA-256 of its file in hex, checked by
    fetching and decrypting it, and `media_size` the bytes; `media_error` says why there is none.
    """

    index: int
    id: str
    sender: str
    chat: str
    text: str
    timestamp: int
    kind: str
    from_me: bool
    device: int
    receipt: str = "delivered"
    quoted_id: str = ""
    mentions: list[str] = msgspec.field(default_factory=list)
    is_forwarded: bool = False
    expiration: int = 0
    message: dict[str, Any] = msgspec.field(default_factory=dict)
    media_id: str = ""
    media_size: int = 0
    media_error: str = ""


class InboxPage(msgspec.Struct, frozen=True):
    """Messages in the order they came; `total` is the index that the next one will have."""

    messages: list[InboxMessage]
    total: int


class Inbox(Command[InboxPage], frozen=True, kw_only=True):
    """The messages a phone received from index `after` on; waits for the first of them."""

    routes: ClassVar = (Route("GET", "/sandbox/phones/{phone}/inbox"),)
    target: ClassVar[Target] = "sandbox"
    phone: Phone
    after: Annotated[int, Meta(ge=0)] = 0
    wait: Wait = 0.0


class MediaContent(msgspec.Struct, frozen=True):
    """A decrypted file: its bytes (base64 in JSON), how many they are, and their SHA-256 in hex."""

    data: bytes
    size: int
    sha256: str


class PhoneMedia(Command[MediaContent], frozen=True, kw_only=True):
    """Fetch and decrypt the file of a message in the phone's inbox."""

    routes: ClassVar = (Route("GET", "/sandbox/phones/{phone}/media"),)
    target: ClassVar[Target] = "sandbox"
    phone: Phone
    index: Annotated[int, Meta(ge=0)]


class Receipt(msgspec.Struct, frozen=True):
    """A receipt that a phone got for one of its messages: `type` is delivered, read or played."""

    id: str
    sender: str
    device: int
    type: str
    timestamp: int


class ReceiptPage(msgspec.Struct, frozen=True):
    """Receipts in the order they came; `total` is the index that the next one will have."""

    receipts: list[Receipt]
    total: int


class Receipts(Command[ReceiptPage], frozen=True, kw_only=True):
    """The receipts a phone got for its messages from index `after` on; waits for the first of them."""

    routes: ClassVar = (Route("GET", "/sandbox/phones/{phone}/receipts"),)
    target: ClassVar[Target] = "sandbox"
    phone: Phone
    after: Annotated[int, Meta(ge=0)] = 0
    wait: Wait = 0.0


class MarkRead(Command[Done], frozen=True, kw_only=True):
    """Read messages on the phone: sends read receipts for these ids, or for all unread ones."""

    routes: ClassVar = (Route("POST", "/sandbox/phones/{phone}/read"),)
    target: ClassVar[Target] = "sandbox"
    phone: Phone
    ids: list[str] = msgspec.field(default_factory=list)


class MarkPlayed(Command[Done], frozen=True, kw_only=True):
    """Listen on the phone: sends played receipts for these ids, or for all voice notes not played yet."""

    routes: ClassVar = (Route("POST", "/sandbox/phones/{phone}/played"),)
    target: ClassVar[Target] = "sandbox"
    phone: Phone
    ids: list[str] = msgspec.field(default_factory=list)


class SetPresence(Command[Done], frozen=True, kw_only=True):
    """Set what others see of the phone: available or not, or composing, recording or paused towards `to`."""

    routes: ClassVar = (Route("POST", "/sandbox/phones/{phone}/presence"),)
    target: ClassVar[Target] = "sandbox"
    phone: Phone
    state: Literal["available", "unavailable", "composing", "recording", "paused"]
    to: Phone | None = None
