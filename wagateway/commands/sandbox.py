"""Commands to the simulated WhatsApp network and its phones."""

from typing import Annotated, ClassVar, Literal

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
    own linked devices sent. `kind` is the name of the message's protobuf field, `text` for plain texts.
    `receipt` is what the phone has answered: delivered or read.
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
