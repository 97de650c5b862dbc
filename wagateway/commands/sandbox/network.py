"""Commands to the simulated network: its phones, linked devices, groups, newsletters and media host."""

from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from wagateway.commands.sandbox.parts import Device, Done, Wait
from wagateway.contract import Command, Route, Target
from wagateway.phone import Phone

Member = Phone


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


class UnlinkCompanion(Command[Done], frozen=True, kw_only=True):
    """Remove linked devices from the phone, as its owner would (stream error 401 device_removed)."""

    routes: ClassVar = (Route("POST", "/sandbox/phones/{phone}/unlink"),)
    target: ClassVar[Target] = "sandbox"
    phone: Phone
    device: Device = 0


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


class GroupInfo(msgspec.Struct, frozen=True):
    """A group with the phone-number JIDs of its members."""

    jid: str
    subject: str
    members: list[str]


class PhoneCreateGroup(Command[GroupInfo], frozen=True, kw_only=True):
    """Create a group from the phone, which becomes its administrator."""

    routes: ClassVar = (Route("POST", "/sandbox/phones/{phone}/groups"),)
    target: ClassVar[Target] = "sandbox"
    phone: Phone
    subject: Annotated[str, Meta(min_length=1, max_length=100)]
    members: Annotated[list[Member], Meta(max_length=1024)] = msgspec.field(default_factory=list)


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


class PhoneSetNewsletter(Command[NewsletterInfo], frozen=True, kw_only=True):
    """Follow a newsletter with the phone or follow it no more, mute it or unmute it; what is left out stays.

    Linked devices of the phone hear of it. Owners cannot stop following.
    """

    routes: ClassVar = (Route("POST", "/sandbox/phones/{phone}/newsletter"),)
    target: ClassVar[Target] = "sandbox"
    phone: Phone
    newsletter: Annotated[Phone, Meta(description="The JID of a newsletter")]
    follow: bool | None = None
    muted: bool | None = None
