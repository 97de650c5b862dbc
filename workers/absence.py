"""Absences: since when the device had no connection, told once what waited for it has come."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn, TypeVar

import msgspec

from wagateway.contract import Problem
from wagateway.events import rfc3339
from wagateway.events.catalogue import GAP
from wagateway.events.device import GapPayload
from workers.head import Head
from workers.shard import Shard, marks, recovery
from workers.shard import log as event_log
from workers.shard.log import Own
from workers.shard.messages import now
from workers.shard.writer import once_kept

EVERY = 30.0
_SHORTEST = 1000  # milliseconds; less is no absence

T = TypeVar("T")


class _Gap(msgspec.Struct):
    """An absence that has ended; `seen` is how many messages had come of it when that was last looked at."""

    since: int
    until: int
    after: int
    seen: int = -1
    all: bool = False

    def count(self, connection: sqlite3.Connection) -> int:
        """How many messages have come of it."""
        return recovery.recovered(connection, self.after, self.since, self.until)

    def payload(self, recovered: int) -> GapPayload:
        """What is told of it."""
        return GapPayload(
            since=rfc3339(self.since),
            until=rfc3339(self.until),
            down_ms=self.until - self.since,
            recovered=recovered,
        )


def _nobody(_outcome: object) -> None:
    """Nobody asks."""


class Absence:
    """Keeps when the device was last online, and tells `gap`. Use it on the loop.

    A process that is killed leaves a time that is at most `every` seconds early. Until WhatsApp has said
    that all of it has come, or nothing has come for `every` seconds, an absence is not over: what ends
    before goes on with it at the next login.
    """

    def __init__(self, shard: Shard, own: Own, head: Head, every: float = EVERY) -> None:
        self._shard = shard
        self._own = own
        self._head = head
        self._every = every
        self._loop = asyncio.get_running_loop()
        self._woken = asyncio.Event()
        self._online = False
        self._since: int | None = None
        self._after = 0
        self._early = False
        self._gap: _Gap | None = None

    async def start(self) -> None:
        """Learn when the device was last online; call it before it can be again."""
        self._since, self._after = await self._shard.read(
            lambda connection: (marks.get(connection, "online"), recovery.newest_row(connection))
        )

    def paired(self) -> None:
        """The account is new: nobody has missed anything of it."""
        self._since, self._gap = None, None
        self._write(lambda connection: marks.drop(connection, "online"))

    def logged_in(self) -> None:
        """The device is online from now on."""
        self._online, moment = True, now()
        self._gap = None
        if self._since is not None and moment - self._since >= _SHORTEST:
            self._gap = _Gap(self._since, moment, self._after, all=self._early)
        else:
            self._mark(moment)
        self._early = False
        self._woken.set()

    def caught_up(self, _count: int = 0) -> None:
        """All that had waited for the device has been told, and stored; any thread may say so."""
        with suppress(RuntimeError):  # the loop is closed: the next start goes on
            self._loop.call_soon_threadsafe(self._caught_up)

    def lost(self) -> None:
        """The device is online no more, or will not be in a moment; does nothing the second time."""
        if not self._online:
            return
        self._online = self._early = False
        if self._gap is not None:  # it goes on
            self._gap = None
            return
        moment = self._since = now()

        def leave(connection: sqlite3.Connection) -> int:
            marks.put(connection, "online", moment)
            return recovery.newest_row(connection)

        self._write(leave, self._left)

    async def run(self) -> NoReturn:
        """Keep the time while online, and tell of absences, until cancelled."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._every):
                    await self._woken.wait()
            self._woken.clear()
            if self._gap is not None:
                # The disk fails: the next turn tries again.
                with suppress(sqlite3.Error, Problem):
                    await self._look(self._gap)
            elif self._online:
                self._mark(now())

    def _caught_up(self) -> None:
        if self._gap is not None:
            self._gap.all = True
            self._woken.set()
        elif not self._online:
            self._early = True  # there was so little that it has overtaken the login

    async def _look(self, gap: _Gap) -> None:
        if not gap.all:
            count = await self._shard.read(gap.count)
            if count > gap.seen:
                gap.seen = count
                return
        if gap is self._gap:
            await self._tell(gap)

    async def _tell(self, gap: _Gap) -> None:
        def tell(connection: sqlite3.Connection) -> int:
            marks.put(connection, "online", now())
            return event_log.append(connection, self._own, GAP, "", gap.payload(gap.count(connection)))

        self._gap = None
        try:
            future = self._shard.write(tell)
            once_kept(future, self._head.committed)
            await asyncio.shield(asyncio.wrap_future(future))
        except Problem:
            if self._online:
                self._gap = gap
            else:
                self._since, self._after = gap.since, gap.after
            raise

    def _mark(self, moment: int) -> None:
        self._write(lambda connection: marks.put(connection, "online", moment))

    def _left(self, newest: int) -> None:
        self._after = newest

    def _write(
        self, function: Callable[[sqlite3.Connection], T], done: Callable[[T], None] = _nobody
    ) -> None:
        """Do it without waiting: what a failing disk or the end of the worker forbids is tried no more."""
        with suppress(Problem):
            once_kept(self._shard.write(function, lazy=True), done)
