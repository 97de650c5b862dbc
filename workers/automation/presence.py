"""Showing the account as online or offline by itself: after each login, and for a while now and then."""

import asyncio
import sqlite3
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import structlog

from wagateway.contract import Problem
from workers.automation.clock import Clock
from workers.automation.waiting import Login
from workers.device import Device
from workers.shard import marks

T = TypeVar("T")

_PAUSES = (0.0, 2.0, 10.0, 60.0)
"""Seconds before each try: a newly linked account has no name yet, and without it nothing can be shown."""

_LATE = 0.05  # of the interval: what all devices have missed together is not made up for together
_DISK_SECONDS = 60.0

log = structlog.get_logger()


class Presence:
    """The presence that the settings ask for. Use it on the loop."""

    def __init__(self, device: Device, login: Login, clock: Clock) -> None:
        self._device = device
        self._login = login
        self._clock = clock
        self._settings = device.settings
        self._pulsing = False
        self._fresh = asyncio.Event()
        self._turn = 0

    def connected(self) -> None:
        """The device has logged in: others do not see it online until it says so."""
        self._turn += 1
        self._fresh.set()

    async def after_logins(self) -> None:
        """Show after each login what the settings say, until cancelled."""
        while True:
            await self._fresh.wait()
            self._fresh.clear()
            try:
                await self._greet()
            except Problem as problem:  # of the disk: the mark of a pulse is dropped after another login
                log.warning("presence.mark_kept", code=problem.code)

    async def pulses(self) -> None:
        """Show the account as online for the set duration at each interval, until cancelled."""
        if not self._settings.presence_pulse_enabled or self._settings.presence_on_connect == "available":
            return
        while True:
            try:
                await self._clock.sleep(await self._until_next())
                await self._login.wait()
                await self._pulse()
            except Problem as problem:  # of the disk: without its mark a pulse would come after each restart
                log.warning("presence.no_pulse", code=problem.code)
                await self._clock.sleep(_DISK_SECONDS)

    async def _greet(self) -> None:
        open_since = await self._read(partial(marks.get, name="presence_pulse_open"))
        left_over = open_since is not None and not self._pulsing
        wanted = self._wanted(left_over)
        if wanted is not None and await self._show(available=wanted) and left_over:
            await self._write(partial(marks.drop, name="presence_pulse_open"))

    def _wanted(self, left_over: bool) -> bool | None:
        if self._pulsing:
            return True
        if self._settings.presence_on_connect == "none":
            return False if left_over else None
        return self._settings.presence_on_connect == "available"

    async def _pulse(self) -> None:
        now = self._clock.now()

        def begin(connection: sqlite3.Connection) -> None:
            marks.put(connection, "presence_pulse", now)
            marks.put(connection, "presence_pulse_open", now)

        await self._write(begin)
        self._pulsing = True
        try:
            if await self._show(available=True):
                await self._clock.sleep(self._settings.presence_pulse_duration)
        finally:
            self._pulsing = False
        # Where that cannot be said now, the mark that is left has it said after the next login.
        if await self._show(available=False):
            await self._write(partial(marks.drop, name="presence_pulse_open"))

    async def _until_next(self) -> float:
        """Seconds; the first pulse comes at any time in the first interval, so that devices do not agree."""
        interval, now = self._settings.presence_pulse_interval, self._clock.now()
        last = await self._read(partial(marks.get, name="presence_pulse"))
        if last is None:
            last = now - int(self._clock.spread() * interval * 1000)
            await self._write(partial(marks.put, name="presence_pulse", at=last))
        due = last / 1000 + interval - now / 1000
        return min(max(due, 0.0), interval) + self._clock.spread() * interval * _LATE

    async def _show(self, *, available: bool) -> bool:
        """Whether WhatsApp was told, in one of some tries, before there was another thing to show."""
        self._turn += 1
        turn = self._turn
        for seconds in _PAUSES:
            await self._clock.sleep(seconds)
            if self._device.state != "logged_in" or self._turn != turn:
                return False
            try:
                await self._device.engine.set_presence(available=available)
            except Problem as problem:
                log.info("presence.not_shown", code=problem.code)
            else:
                return True
        return False

    async def _read(self, function: Callable[[sqlite3.Connection], T]) -> T:
        return await self._device.shard.read(function)

    async def _write(self, function: Callable[[sqlite3.Connection], T]) -> T:
        return await asyncio.wrap_future(self._device.shard.write(function))
