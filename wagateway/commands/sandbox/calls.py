"""Commands to the simulated phones about calls, and about who is shown as online."""

from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from wagateway.commands.sandbox.parts import Wait
from wagateway.contract import Command, Route, Target
from wagateway.phone import Phone


class CallInfo(msgspec.Struct, frozen=True):
    """A call; `to` is the JID of whom or of the group that is called, `begun` Unix seconds.

    `rejected` are the linked devices that rejected it: one between two is `rejected` then, a group's rings
    on until the caller hangs up.
    """

    id: str
    caller: str
    to: str
    video: bool
    begun: int
    state: Literal["ringing", "rejected", "ended"]
    rejected: list[str]


class PhoneCall(Command[CallInfo], frozen=True, kw_only=True):
    """Call a number or a group from the phone: all linked devices of whoever is called ring."""

    routes: ClassVar = (Route("POST", "/sandbox/phones/{phone}/calls"),)
    target: ClassVar[Target] = "sandbox"
    phone: Phone
    to: Phone
    video: bool = False


class PhoneHangUp(Command[CallInfo], frozen=True, kw_only=True):
    """End a call that the phone has begun."""

    routes: ClassVar = (Route("POST", "/sandbox/phones/{phone}/calls/end"),)
    target: ClassVar[Target] = "sandbox"
    phone: Phone
    call_id: str


class Calls(Command[list[CallInfo]], frozen=True, kw_only=True):
    """The calls that the phone has begun, oldest first; waits until devices have rejected so many."""

    routes: ClassVar = (Route("GET", "/sandbox/phones/{phone}/calls"),)
    target: ClassVar[Target] = "sandbox"
    phone: Phone
    rejected: Annotated[int, Meta(ge=0)] = 0
    wait: Wait = 0.0


class PresenceInfo(msgspec.Struct, frozen=True):
    """Whether an account is shown as online; `last_seen` is Unix seconds, 0 while it never left."""

    available: bool
    last_seen: int


class ShowPresence(Command[PresenceInfo], frozen=True, kw_only=True):
    """Whether the account of the phone is shown as online; waits for it to become so, or not so."""

    routes: ClassVar = (Route("GET", "/sandbox/phones/{phone}/presence"),)
    target: ClassVar[Target] = "sandbox"
    phone: Phone
    available: bool | None = None
    wait: Wait = 0.0
