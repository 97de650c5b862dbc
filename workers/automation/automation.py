"""What a device does by itself because a setting asks for it."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

import structlog

from wagateway.contract import Problem
from workers.arrivals import Arrived, Called
from workers.automation import reads, replies
from workers.automation.clock import Clock
from workers.automation.presence import Presence
from workers.automation.waiting import Login, Waiting
from workers.device import Device

T = TypeVar("T")

_MOST_WAITING = 1000

log = structlog.get_logger()


class Automation:
    """Reads, answers, rejects and shows presence. Make and run it on the loop.

    `arrived` and `called` may be called on any thread; they never wait, and what is too much is dropped.
    What fails is logged and not tried again.
    """

    def __init__(self, device: Device, clock: Clock | None = None) -> None:
        self._device = device
        self._clock = clock or Clock()
        self._login = Login(device)
        self._presence = Presence(device, self._login, self._clock)
        self._unread: Waiting[Arrived] = Waiting("reads", _MOST_WAITING)
        self._unanswered: Waiting[Arrived] = Waiting("replies", _MOST_WAITING)
        self._ringing: Waiting[Called] = Waiting("calls", _MOST_WAITING)

    def arrived(self, message: Arrived) -> None:
        """A new message of somebody else is stored."""
        settings = self._device.settings
        if settings.auto_mark_read and reads.readable(message):
            self._unread.put(message)
        if settings.auto_reply and replies.answerable(message):
            self._unanswered.put(message)

    def called(self, call: Called) -> None:
        """Somebody calls who is to be rejected."""
        self._ringing.put(call)

    def connected(self) -> None:
        """The device has logged in, its state says so already."""
        self._login.connected()
        self._presence.connected()

    async def run(self) -> None:
        """Do it, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._read(), name="auto mark read")
            group.create_task(self._answer(), name="auto reply")
            group.create_task(self._reject(), name="auto reject call")
            group.create_task(self._presence.after_logins(), name="presence on connect")
            group.create_task(self._presence.pulses(), name="presence pulse")

    async def _read(self) -> None:
        while True:
            for chat, unread in reads.together(await self._next(self._unread)).items():
                await self._do("read", partial(reads.read, self._device, chat, unread))

    async def _answer(self) -> None:
        while True:
            for message in await self._next(self._unanswered):
                await self._do("reply", partial(replies.answer, self._device, self._clock, message))

    async def _reject(self) -> None:
        while True:
            for call in await self._next(self._ringing):
                await self._do("reject", partial(self._device.engine.reject_call, call.caller, call.id))

    async def _next(self, waiting: Waiting[T]) -> list[T]:
        await waiting.some()
        await self._login.wait()
        return waiting.take()

    async def _do(self, what: str, action: Callable[[], Awaitable[None]]) -> None:
        await self._login.wait()
        try:
            await action()
        except Problem as problem:
            log.warning("automation.failed", what=what, code=problem.code)
        except Exception:  # a bug that one message shows must not end the worker, again for every such one
            log.exception("automation.bug", what=what)
