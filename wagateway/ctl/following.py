"""The log of a device as it grows: long polls, one after the other, whatever happens to the worker."""

import asyncio
import contextlib
from collections.abc import Callable

import msgspec
import zmq

from wagateway import wire
from wagateway.commands.events import EventPage, ListEvents
from wagateway.commands.internal import GetDeviceTable
from wagateway.contract import Problem
from wagateway.ctl import show
from wagateway.ctl.asking import NOT_RUNNING, SECONDS, Failure, Place, linked, named, started
from wagateway.link import Context, Link
from wagateway.pauses import pauses

_WAIT_SECONDS = 30.0
_GRACE_SECONDS = 15.0  # beyond the wait, before it counts as no answer
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0
_AWAY_SECONDS = 0.5  # a worker that is back sooner is not worth a word


async def follow(
    place: Place, device: str, command: ListEvents, emit: Callable[[EventPage], None], *, now: bool
) -> None:
    """Hand every page to `emit`, beginning with the events of `command` or with those from `now` on.

    Ends never by itself; raises `Problem` or `Failure` for what waiting does not help against.
    """
    with zmq.Context() as context:
        row = await started(context, place, device)
        with Link(context, wire.worker_socket(place.runtime, row.device_id)) as worker:
            source = _Source(context, place, row.device_id, worker)
            if now:
                newest = await source.page(ListEvents(limit=1))
                command = msgspec.structs.replace(command, after=newest.head)
            command = msgspec.structs.replace(command, wait=_WAIT_SECONDS)
            while True:
                page = await source.page(command)
                if page.missed and command.after:
                    note_missed(page.missed)
                emit(page)
                command = msgspec.structs.replace(command, after=page.next)


def note_missed(number: int) -> None:
    """Say that the log has lost the beginning of what was asked for."""
    show.note(f"{number} events behind that number are not kept any more")


class _Source:
    """Asks the worker of a device, and the next one when it dies."""

    def __init__(self, context: Context, place: Place, device: str, worker: Link) -> None:
        self._context = context
        self._place = place
        self._device = device
        self._worker = worker

    async def page(self, command: ListEvents) -> EventPage:
        """The page, as soon as there is a worker that gives it."""
        until_next, away = pauses(_FIRST_PAUSE, _LONGEST_PAUSE), 0.0
        while True:
            pause = next(until_next)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._worker.connected.wait(), pause)
            try:
                return await self._worker.ask(command, command.wait + _GRACE_SECONDS)
            except Problem as problem:
                if problem.status not in (503, 504):
                    raise
            told = away >= _AWAY_SECONDS
            away += pause
            await self._look(tell=not told and away >= _AWAY_SECONDS)
            if self._worker.connected.is_set():
                await asyncio.sleep(pause)  # it is there and cannot answer: not in a circle

    async def _look(self, *, tell: bool) -> None:
        """Whether it is worth waiting for the worker; raises `Failure` when the device is no more."""
        try:
            address = wire.supervisor_socket(self._place.runtime)
            async with linked(self._context, self._place, address, "The gateway") as supervisor:
                row = named(await supervisor.ask(GetDeviceTable(), SECONDS), self._device)
        except Problem:
            return
        except Failure as failure:
            if failure.code != NOT_RUNNING:
                raise
            why = "the gateway is not running"
        else:
            if row is None:
                raise Failure(f"{self._device} was removed")
            why = f"its worker is {row.worker}" + (f" ({row.reason})" if row.reason else "")
        if tell:
            show.note(f"{self._device} does not answer, {why}: waiting for it")
