"""Commands about the log of a device: everything that happened, by number."""

from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from wagateway.commands.webhooks import EventNames, Seq
from wagateway.contract import Command, Needs, Route


class EventPage(msgspec.Struct, frozen=True):
    """Events as webhooks get them, in order.

    `next` goes into `after` for the next page, also when this one is empty. `head` is the newest event there
    is and `oldest` the oldest that is kept. `missed` counts those after `after` that are not kept any more.
    """

    events: list[msgspec.Raw]
    next: int
    head: int
    oldest: int
    missed: int


class ListEvents(Command[EventPage], frozen=True, kw_only=True):
    """Get the events after a number; with `wait`, for so many seconds until there is one.

    Without `after` they begin with the oldest that is kept. With `Accept: application/x-ndjson` the answer
    is a stream without end: one event a line, then those that happen.
    """

    routes: ClassVar = (Route("GET", "/events"), Route("GET", "/devices/{device_id}/events"))
    needs: ClassVar[Needs] = "log"
    done: ClassVar = "Events retrieved"
    after: Seq = 0
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100
    wait: Annotated[float, Meta(ge=0, le=60)] = 0
    events: EventNames = msgspec.field(default_factory=list)
