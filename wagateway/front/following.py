"""Reading the events of a device from any place on: stored ones from its worker, new ones from its tail."""

from collections.abc import Awaitable, Callable
from typing import Literal

import msgspec

from wagateway.events import known, wants
from wagateway.front.tails import Happened, Tail
from wagateway.problems import invalid

Start = int | Literal["now"]
"""After which event; 0 is the oldest that is kept."""


class Missed(msgspec.Struct, frozen=True):
    """So many events are not kept any more; the oldest that is has the number `oldest`."""

    missed: int
    oldest: int


Give = Callable[[Happened | Missed], Awaitable[None]]


def filters_of(names: list[str]) -> frozenset[str]:
    """Filters as `wants` takes them; raises 400 `VALIDATION_ERROR`."""
    for name in names:
        if not known(name):
            raise invalid("events", f"'{name}' is no kind of event")
    return frozenset(name.lower() for name in names)


async def follow(tail: Tail, start: Start, wanted: frozenset[str], give: Give) -> None:
    """Give each event of these kinds once and in order, for ever; return when the device was removed.

    Who takes them slowly slows nobody: what the tail has forgotten meanwhile is read from the worker.
    """
    began = await tail.placed()
    at = began if start == "now" else start
    while True:
        news = tail.since(at)
        if news:
            for one in news:
                if wants(wanted, one.kind):
                    await give(one)
            at = news[-1].seq
        elif news is None:
            page = await tail.page(at, sorted(wanted))
            if page is None:
                return
            if page.missed:
                await give(Missed(page.missed, page.oldest))
            for raw in page.events:
                await give(tail.happened(raw))
            at = page.next
        elif tail.ended:
            return
        else:
            await tail.changed()
