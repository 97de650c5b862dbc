"""Keeping a fixed process (front, sandbox, zygote) running."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

import msgspec
import structlog

from supervisor.child import Child
from supervisor.restart import Delay, Ending, decide, describe
from wagateway.commands.internal import ProcessRow

log = structlog.get_logger()


class StartFailed(Exception):
    """A process ended or said nothing before it was ready; the text has its last words."""


class Fixed:
    """One process that must always be there; `begin()` starts it and returns when it is ready."""

    def __init__(self, role: str, begin: Callable[[], Awaitable[Child]]) -> None:
        self.role = role
        self.child: Child | None = None
        self._begin = begin
        self._restarts = 0
        self._last_exit = ""
        self._endings: list[Ending] = []
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start it; raises what `begin` raises the first time, and keeps it running from then on."""
        self.child = await self._begin()
        self._task = asyncio.get_running_loop().create_task(self._keep(self.child), name=self.role)

    async def stop(self, patience: float) -> None:
        """SIGTERM, SIGKILL after `patience` seconds."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        if self.child is not None:
            await self.child.stop(patience)
            self.child = None

    def row(self) -> ProcessRow:
        """The process for the overview, its memory not yet measured."""
        child = self.child
        return ProcessRow(
            role=self.role,
            pid=child.pid if child else 0,
            started_at=child.started_at if child else 0.0,
            restarts=self._restarts,
            last_exit=self._last_exit,
            memory=0,
        )

    async def _keep(self, child: Child) -> None:
        rng = random.Random()  # noqa: S311  spreads restarts, hides nothing
        while True:
            code = await asyncio.shield(child.ended)
            self.child = None
            self._endings = [*self._endings[-50:], Ending(code, time.monotonic(), useful=True)]
            self._restarts += 1
            self._last_exit = describe(code)
            log.error("process.died", process=self.role, exit=self._last_exit, last_words=child.last_words())
            what = decide(self._endings, rng)
            await asyncio.sleep(min(what.seconds, 5.0) if isinstance(what, Delay) else 5.0)
            while True:
                try:
                    self.child = child = await self._begin()
                    break
                except (OSError, TimeoutError, StartFailed, msgspec.MsgspecError) as error:
                    log.error("process.not_started", process=self.role, error=str(error))  # noqa: TRY400
                    await asyncio.sleep(1.0)
