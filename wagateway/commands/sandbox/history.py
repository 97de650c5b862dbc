"""Commands to the simulated phones about the history that they hand to linked devices."""

from typing import Annotated, ClassVar

from msgspec import Meta

from wagateway.commands.sandbox.parts import Done
from wagateway.contract import Command, Route, Target
from wagateway.phone import Phone


class SendHistory(Command[Done], frozen=True, kw_only=True):
    """Send a history sync of about `bytes` (before compression) to the phone's linked devices.

    `conversations` is how many chats the messages are spread over. Counts the devices.
    """

    routes: ClassVar = (Route("POST", "/sandbox/phones/{phone}/history"),)
    target: ClassVar[Target] = "sandbox"
    phone: Phone
    bytes: Annotated[int, Meta(ge=0, le=64_000_000)] = 100_000
    conversations: Annotated[int, Meta(ge=1, le=10_000)] = 20
