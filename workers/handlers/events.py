"""Answers the commands about the log of a device."""

import time
from functools import partial

import msgspec

from wagateway.commands.events import EventPage, ListEvents
from wagateway.events import wants
from wagateway.filters import filters_of
from workers.deadline import seconds_left
from workers.device import Device
from workers.shard import log as event_log

_LOOKED_AT = 5000  # events in one answer when only some kinds are wanted
_SIZE = 4 * 1024 * 1024  # bytes


async def list_events(device: Device, command: ListEvents) -> EventPage:
    """The events after a number, in order; those of other kinds than wanted are passed over.

    An empty page with a `next` before `head` says that others are to be looked at: there is a bound to what
    is passed over at once. A number beyond the head is of a log that is no more: the answer is an empty
    page at once whose `next` is the head. `missed` counts along the pages, each those that it has passed;
    for who begins with the oldest event there is none.
    """
    filters = filters_of(command.events)
    until = time.monotonic() + min(command.wait, seconds_left())
    page = await _page(device, command.after, command.limit, filters)
    missed = page.missed if command.after else 0
    while not page.bodies and command.after <= page.head == page.next:
        if not await device.head.within(until - time.monotonic(), page.head):
            break
        page = await _page(device, page.next, command.limit, filters)
        missed += page.missed
    return EventPage(
        events=[msgspec.Raw(body) for body in page.bodies],
        next=page.next,
        head=page.head,
        oldest=page.oldest,
        missed=missed,
    )


async def _page(device: Device, after: int, limit: int, filters: frozenset[str]) -> event_log.Picked:
    pick = partial(
        event_log.pick,
        after=after,
        limit=limit,
        wanted=partial(wants, filters),
        looked_at=_LOOKED_AT if filters else limit,
        size=_SIZE,
    )
    return await device.shard.read(pick)
