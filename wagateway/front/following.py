"""Reading the events of a device from any place on: stored ones from its worker, new ones from its tail."""

from collections.abc import Awaitable, Callable
from typing import Literal

import msgspec

from wagateway.commands.events import EventPage
from wagateway.events import wants
from wagateway.front.tails import PAGE, Happened, Tail

_FIRST = 8  # stored events that are asked for before their size is known
_HELD = 2**17  # bytes of stored events that wait for a reader

Start = int | Literal["now"]
"""After which event; 0 is the oldest that is kept."""


class Missed(msgspec.Struct, frozen=True):
    """So many events are not kept any more; the oldest that is has the number `oldest`."""

    missed: int
    oldest: int


Give = Callable[[Happened | Missed], Awaitable[None]]


async def follow(tail: Tail, start: Start, wanted: frozenset[str], give: Give) -> None:
    """Give each event of these kinds once and in order, for ever; return when the device was removed.

    Who takes them slowly slows nobody: what the tail has forgotten meanwhile is read from the worker.
    A start beyond the newest event is of a log that is no more: it begins with what happens from now on.
    """
    at = await _beginning(tail, start)
    stored = _Stored(tail, sorted(wanted))
    while True:
        news = tail.since(at)
        if news:
            for one in news:
                if wants(wanted, one.kind):
                    await give(one)
            at = news[-1].seq
        elif news is None:
            reached = await stored.given(at, give)
            if reached is None:
                return
            at = reached
        elif tail.ended:
            return
        else:
            await tail.changed()


class _Stored:
    """Reads stored events for one reader, who may take long: what waits for it is small whatever it is."""

    def __init__(self, tail: Tail, kinds: list[str]) -> None:
        self._tail = tail
        self._kinds = kinds
        self._limit = _FIRST

    async def given(self, after: int, give: Give) -> int | None:
        """Give the next few, and return how far that went; None when the device was removed."""
        async with self._tail.reading:
            page = await self._next(after)
            if page is None:
                return None
            # Copies: a piece of the answer would keep all of it in memory.
            lines = [bytes(raw) for raw in page.events]
            missed, oldest, reached = page.missed, page.oldest, page.next
            del page
        if missed:
            await give(Missed(missed, oldest))
        for line in lines:
            await give(self._tail.happened(line))
        return reached

    async def _next(self, after: int) -> EventPage | None:
        """A page of the right size; one that is much too large is thrown away."""
        while (page := await self._tail.page(after, self._kinds, self._limit)) is not None:
            size, count = sum(len(bytes(raw)) for raw in page.events), len(page.events)
            if count:
                self._limit = min(max(_HELD * count // size, 1), 2 * self._limit, PAGE)
            if size <= 2 * _HELD or count <= self._limit:
                break
        return page


async def _beginning(tail: Tail, start: Start) -> int:
    began = await tail.placed()
    at, newest = began if start == "now" else start, tail.cursor
    if at <= newest:
        return at
    page = await tail.page(at, [], 1)  # it may be a moment ahead of the tail
    return newest if page is not None and page.next < at else at
