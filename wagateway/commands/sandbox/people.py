"""Commands to the simulated phones about what they show of themselves, whom they block, and groups."""

from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from wagateway.commands.sandbox.parts import Done
from wagateway.contract import Command, Route, Target
from wagateway.phone import Phone

_Group = Annotated[Phone, Meta(description="The JID of a group")]
Picture = Annotated[bytes, Meta(max_length=1_000_000, description="JPEG; nothing takes the picture away")]


class PhoneProfile(msgspec.Struct, frozen=True):
    """What WhatsApp knows of an account; `picture` is the picture's id, `business` a business's name.

    `privacy` is by WhatsApp's own words, `blocked` are phone-number JIDs.
    """

    name: str
    about: str
    picture: str
    business: str
    privacy: dict[str, str]
    blocked: list[str]


class ShowProfile(Command[PhoneProfile], frozen=True, kw_only=True):
    """Show what WhatsApp knows of the phone's account."""

    routes: ClassVar = (Route("GET", "/sandbox/phones/{phone}/profile"),)
    target: ClassVar[Target] = "sandbox"
    phone: Phone


class SetProfile(Command[PhoneProfile], frozen=True, kw_only=True):
    """Change what the phone's account shows; what is left out stays.

    `privacy` maps groupadd, last, status, profile, readreceipts, online or calladd to all, contacts, none…
    `block` and `unblock` are phones.
    """

    routes: ClassVar = (Route("POST", "/sandbox/phones/{phone}/profile"),)
    target: ClassVar[Target] = "sandbox"
    phone: Phone
    about: Annotated[str, Meta(max_length=512)] | None = None
    picture: Picture | None = None
    business: Annotated[str, Meta(max_length=128)] | None = None
    privacy: dict[str, str] = msgspec.field(default_factory=dict)
    block: Annotated[list[Phone], Meta(max_length=100)] = msgspec.field(default_factory=list)
    unblock: Annotated[list[Phone], Meta(max_length=100)] = msgspec.field(default_factory=list)


class GroupFacts(msgspec.Struct, frozen=True):
    """A group as WhatsApp has it; `members` maps phone-number JIDs to superadmin, admin or member.

    `ephemeral` is in seconds, `invite` the code in the link, `picture` the picture's id; `pending` are the
    phone-number JIDs of those who wait to be let in.
    """

    jid: str
    subject: str
    topic: str
    locked: bool
    announce: bool
    approval: bool
    ephemeral: int
    members: dict[str, str]
    invite: str
    picture: str
    pending: list[str]


class ShowGroup(Command[GroupFacts], frozen=True, kw_only=True):
    """Show a group as WhatsApp has it."""

    routes: ClassVar = (Route("GET", "/sandbox/groups/{group}"),)
    target: ClassVar[Target] = "sandbox"
    group: _Group


class PhoneSetGroup(Command[GroupFacts], frozen=True, kw_only=True):
    """Change a group from the phone, if it may; what is left out stays.

    `approval` is whether administrators let in who comes by the link; `reset` makes a new link.
    """

    routes: ClassVar = (Route("POST", "/sandbox/phones/{phone}/group"),)
    target: ClassVar[Target] = "sandbox"
    phone: Phone
    group: _Group
    subject: str | None = None
    topic: str | None = None
    locked: bool | None = None
    announce: bool | None = None
    approval: bool | None = None
    ephemeral: int | None = None
    picture: Picture | None = None
    reset: bool = False


class MemberOutcome(msgspec.Struct, frozen=True):
    """What became of one participant; `error` is 0 or WhatsApp's code."""

    member: str
    error: int


class PhoneSetMembers(Command[list[MemberOutcome]], frozen=True, kw_only=True):
    """Change who is in a group from the phone; `approve` and `reject` are for those who wait to be let in."""

    routes: ClassVar = (Route("POST", "/sandbox/phones/{phone}/group/members"),)
    target: ClassVar[Target] = "sandbox"
    phone: Phone
    group: _Group
    action: Literal["add", "remove", "promote", "demote", "approve", "reject"]
    members: Annotated[list[Phone], Meta(min_length=1, max_length=1024)]


class PhoneJoinGroup(Command[GroupFacts], frozen=True, kw_only=True):
    """Join a group with the phone by the code in its link; where that needs approval it waits then."""

    routes: ClassVar = (Route("POST", "/sandbox/phones/{phone}/group/join"),)
    target: ClassVar[Target] = "sandbox"
    phone: Phone
    invite: Annotated[str, Meta(min_length=1, max_length=128)]


class PhoneLeaveGroup(Command[Done], frozen=True, kw_only=True):
    """Leave a group with the phone."""

    routes: ClassVar = (Route("POST", "/sandbox/phones/{phone}/group/leave"),)
    target: ClassVar[Target] = "sandbox"
    phone: Phone
    group: _Group
