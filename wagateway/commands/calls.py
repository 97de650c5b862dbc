"""Commands about calls."""

from typing import Annotated, ClassVar

from msgspec import Meta

from wagateway.contract import Command, Route
from wagateway.phone import Phone


class RejectCall(Command[None], frozen=True, kw_only=True):
    """Reject an incoming call; `call_id` and `caller_jid` are as its `call.offer` event tells them."""

    routes: ClassVar = (Route("POST", "/call/reject"),)
    done: ClassVar = "Call rejected successfully"
    caller_jid: Phone
    call_id: Annotated[str, Meta(min_length=1, max_length=128)]
