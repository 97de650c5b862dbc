"""Commands to the simulated WhatsApp network and its phones."""

from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta

from wagateway.contract import Command, Route, Target
from wagateway.phone import Phone

Wait = Annotated[float, Meta(ge=0, le=120, description="Seconds to wait for it, at most")]
Device = Annotated[int, Meta(ge=0, le=255, description="One companion of the account; 0 means all")]
Member = Phone


class Done(msgspec.Struct, frozen=True):
    """How many companions, connections or stanzas it touched."""

    count: int = 0


class PhoneInfo(msgspec.Struct, frozen=True):
    """A virtual phone: the primary device of a WhatsApp account.

    `jid` and `lid` are the account's two addresses, `companions` counts its linked devices.
    """

    phone: str
    name: str
    jid: str
    lid: str
    companions: int


class AddPhone(Command[PhoneInfo], frozen=True, kw_only=True):
    """Add a phone with a WhatsApp account of this number; one that is there only gets the name."""

    routes: ClassVar = (Route("POST", "/sandbox/phones"),)
    target: ClassVar[Target] = "sandbox"
    phone: Phone
    name: Annotated[str, Meta(min_length=1, max_length=64)] = "Phone"


class ListPhones(Command[list[PhoneInfo]], frozen=True, kw_only=True):
    """List the phones, in the order of their numbers."""

    routes: ClassVar = (Route("GET", "/sandbox/phones"),)
    target: ClassVar[Target] = "sandbox"


class CompanionInfo(msgspec.Struct, frozen=True):
    """A linked device; `queued` counts the stanzas it has not acknowledged, `prekeys` its one-time keys."""

    phone: str
    jid: str
    device: int
    platform: str
    connected: bool
    queued: int
    prekeys: int


class ScanQr(Command[CompanionInfo], frozen=True, kw_only=True):
    """Scan a QR code with the phone; answered when the device has taken the link."""

    routes: ClassVar = (Route("POST", "/sandbox/phones/{phone}/scan"),)
    target: ClassVar[Target] = "sandbox"
    phone: Phone
    qr: Annotated[str, Meta(min_length=1, max_length=2048)]


class EnterCode(Command[CompanionInfo], frozen=True, kw_only=True):
    """Type a pairing code (ABCD-EFGH) into the phone; answered when the device has taken the link."""

    routes: ClassVar = (Route("POST", "/sandbox/phones/{phone}/code"),)
    target: ClassVar[Target] = "sandbox"
    phone: Phone
    code: Annotated[str, Meta(min_length=8, max_length=16)]


class Companions(Command[list[CompanionInfo]], frozen=True, kw_only=True):
    """List linked devices, of one phone or of all."""

    routes: ClassVar = (Route("GET", "/sandbox/companions"),)
    target: ClassVar[Target] = "sandbox"
    phone: Phone | None = None


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


class GroupInfo(msgspec.Struct, frozen=True):
    """A group with the phone-number JIDs of its members."""

    jid: str
    subject: str
    members: list[str]


class CreateGroup(Command[GroupInfo], frozen=True, kw_only=True):
    """Create a group from the phone, which becomes its administrator."""

    routes: ClassVar = (Route("POST", "/sandbox/phones/{phone}/groups"),)
    target: ClassVar[Target] = "sandbox"
    phone: Phone
    subject: Annotated[str, Meta(min_length=1, max_length=100)]
    members: Annotated[list[Member], Meta(max_length=1024)] = msgspec.field(default_factory=list)


class SetPresence(Command[Done], frozen=True, kw_only=True):
    """Set what others see of the phone: available, unavailable, or composing/paused towards `to`."""

    routes: ClassVar = (Route("POST", "/sandbox/phones/{phone}/presence"),)
    target: ClassVar[Target] = "sandbox"
    phone: Phone
    state: Literal["available", "unavailable", "composing", "paused"]
    to: Phone | None = None


class SendHistory(Command[Done], frozen=True, kw_only=True):
    """Send a history sync of about `bytes` (before compression) to the phone's linked devices.

    `conversations` is how many chats the messages are spread over. Counts the devices.
    """

    routes: ClassVar = (Route("POST", "/sandbox/phones/{phone}/history"),)
    target: ClassVar[Target] = "sandbox"
    phone: Phone
    bytes: Annotated[int, Meta(ge=0, le=64_000_000)] = 100_000
    conversations: Annotated[int, Meta(ge=1, le=10_000)] = 20


class DropConnection(Command[Done], frozen=True, kw_only=True):
    """Cut the connection of the phone's linked devices without a word."""

    routes: ClassVar = (Route("POST", "/sandbox/phones/{phone}/faults/drop"),)
    target: ClassVar[Target] = "sandbox"
    phone: Phone
    device: Device = 0


class RefuseConnections(Command[Done], frozen=True, kw_only=True):
    """Refuse connections for so many seconds; without a phone those of everybody, at the proxy."""

    routes: ClassVar = (Route("POST", "/sandbox/faults/refuse"),)
    target: ClassVar[Target] = "sandbox"
    seconds: Annotated[float, Meta(ge=0, le=3600)]
    phone: Phone | None = None


class DelayAcks(Command[Done], frozen=True, kw_only=True):
    """Acknowledge what the phone's linked devices send so many milliseconds late; 0 ends that."""

    routes: ClassVar = (Route("POST", "/sandbox/phones/{phone}/faults/delay"),)
    target: ClassVar[Target] = "sandbox"
    phone: Phone
    milliseconds: Annotated[float, Meta(ge=0, le=120_000)]


class WithholdAcks(Command[Done], frozen=True, kw_only=True):
    """Deliver the next messages of the phone's linked devices but never acknowledge them."""

    routes: ClassVar = (Route("POST", "/sandbox/phones/{phone}/faults/withhold"),)
    target: ClassVar[Target] = "sandbox"
    phone: Phone
    count: Annotated[int, Meta(ge=0, le=100_000)] = 1


class AwaitWithheld(Command[Done], frozen=True, kw_only=True):
    """Wait until an acknowledgement is being held back or delayed; counts those held at that moment."""

    routes: ClassVar = (Route("POST", "/sandbox/phones/{phone}/faults/await"),)
    target: ClassVar[Target] = "sandbox"
    phone: Phone
    wait: Wait = 10.0


class RejectSends(Command[Done], frozen=True, kw_only=True):
    """Answer the next messages of the phone's linked devices with an error instead of delivering them."""

    routes: ClassVar = (Route("POST", "/sandbox/phones/{phone}/faults/reject"),)
    target: ClassVar[Target] = "sandbox"
    phone: Phone
    count: Annotated[int, Meta(ge=0, le=100_000)] = 1
    error: Annotated[int, Meta(ge=400, le=599)] = 463


class UnlinkCompanion(Command[Done], frozen=True, kw_only=True):
    """Remove linked devices from the phone, as its owner would (stream error 401 device_removed)."""

    routes: ClassVar = (Route("POST", "/sandbox/phones/{phone}/unlink"),)
    target: ClassVar[Target] = "sandbox"
    phone: Phone
    device: Device = 0


class ReplaceStream(Command[Done], frozen=True, kw_only=True):
    """Tell the phone's linked devices that another client took their session over."""

    routes: ClassVar = (Route("POST", "/sandbox/phones/{phone}/faults/replace"),)
    target: ClassVar[Target] = "sandbox"
    phone: Phone
    device: Device = 0


class FailLogins(Command[Done], frozen=True, kw_only=True):
    """Answer the next logins of the phone's linked devices with a failure.

    401, 403 and 406 log out, 402 is a ban with `ban_code` and `expire` seconds, 405 says that the client
    is outdated, 503 is passing. `count` 0 ends it.
    """

    routes: ClassVar = (Route("POST", "/sandbox/phones/{phone}/faults/login"),)
    target: ClassVar[Target] = "sandbox"
    phone: Phone
    reason: Annotated[int, Meta(ge=400, le=599)]
    count: Annotated[int, Meta(ge=0, le=100_000)] = 1
    ban_code: Annotated[int, Meta(ge=101, le=110)] = 101
    expire: Annotated[int, Meta(ge=0, le=10**7)] = 3600


class Contact(msgspec.Struct, frozen=True):
    """Somebody in an address book, under a full name."""

    phone: Phone
    name: Annotated[str, Meta(min_length=1, max_length=100)]


class AddContacts(Command[Done], frozen=True, kw_only=True):
    """Put phones into the phone's address book; its linked devices hear of it. Counts them.

    The contacts are who sees what the phone or a linked device posts to `status@broadcast`.
    """

    routes: ClassVar = (Route("POST", "/sandbox/phones/{phone}/contacts"),)
    target: ClassVar[Target] = "sandbox"
    phone: Phone
    contacts: Annotated[list[Contact], Meta(min_length=1, max_length=1024)]


class NewsletterInfo(msgspec.Struct, frozen=True):
    """A newsletter with the phone-number JIDs of those who follow it; `invite` is the code in its link."""

    jid: str
    name: str
    description: str
    invite: str
    followers: list[str]


class CreateNewsletter(Command[NewsletterInfo], frozen=True, kw_only=True):
    """Create a newsletter that the phone owns; it and its linked devices can post to it.

    Send to the newsletter's JID to post from the phone.
    """

    routes: ClassVar = (Route("POST", "/sandbox/phones/{phone}/newsletters"),)
    target: ClassVar[Target] = "sandbox"
    phone: Phone
    name: Annotated[str, Meta(min_length=1, max_length=100)]
    description: Annotated[str, Meta(max_length=2048)] = ""
    followers: Annotated[list[Member], Meta(max_length=1024)] = msgspec.field(default_factory=list)


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


class MarkPlayed(Command[Done], frozen=True, kw_only=True):
    """Listen on the phone: sends played receipts for these ids, or for all voice notes not played yet."""

    routes: ClassVar = (Route("POST", "/sandbox/phones/{phone}/played"),)
    target: ClassVar[Target] = "sandbox"
    phone: Phone
    ids: list[str] = msgspec.field(default_factory=list)


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


class MediaFaults(Command[Done], frozen=True, kw_only=True):
    """Say what the media host does wrong from now on; each call replaces what the last one said.

    The next so many uploads and downloads are answered with `status`. `bytes_per_second` (0: full speed)
    and `delay` in seconds, before an answer, hold for requests that come after this.
    """

    routes: ClassVar = (Route("POST", "/sandbox/faults/media"),)
    target: ClassVar[Target] = "sandbox"
    upload_failures: Annotated[int, Meta(ge=0, le=100_000)] = 0
    download_failures: Annotated[int, Meta(ge=0, le=100_000)] = 0
    status: Annotated[int, Meta(ge=400, le=599)] = 500
    bytes_per_second: Annotated[int, Meta(ge=0, le=10**9)] = 0
    delay: Annotated[float, Meta(ge=0, le=600)] = 0.0


class ExpireMedia(Command[Done], frozen=True, kw_only=True):
    """Let the links to the files of all messages, or of one phone's, expire (410). Counts the files."""

    routes: ClassVar = (Route("POST", "/sandbox/faults/expire"),)
    target: ClassVar[Target] = "sandbox"
    phone: Phone | None = None


class MediaTally(msgspec.Struct, frozen=True):
    """What the media host has served since the sandbox started; `begun` counts all requests that came."""

    begun: int
    uploads: int
    downloads: int
    failures: int


class MediaCounts(Command[MediaTally], frozen=True, kw_only=True):
    """Count what the media host has served; waits until each count is at least what is asked for here."""

    routes: ClassVar = (Route("GET", "/sandbox/media"),)
    target: ClassVar[Target] = "sandbox"
    begun: Annotated[int, Meta(ge=0)] = 0
    uploads: Annotated[int, Meta(ge=0)] = 0
    downloads: Annotated[int, Meta(ge=0)] = 0
    failures: Annotated[int, Meta(ge=0)] = 0
    wait: Wait = 0.0
