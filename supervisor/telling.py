"""Asking workers, and telling those that run where their events go."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from pathlib import Path

import structlog

from supervisor.keeper import Keeper
from wagateway import wire
from wagateway.commands.internal import ConfigureHooks, Hook
from wagateway.contract import Command, Problem, R
from wagateway.link import Context, Link
from wagateway.registry import Entry

CONFIGURE_SECONDS = 3.0
_DISK = frozenset({"STORAGE_FULL", "STORAGE_FAILED"})

log = structlog.get_logger()


async def ask(context: Context, runtime: Path, device_id: str, command: Command[R], seconds: float) -> R:
    """The worker's reply; raises `Problem`, or TimeoutError where it cannot be reached."""
    with Link(context, wire.worker_socket(runtime, device_id)) as link:
        async with asyncio.timeout(seconds):
            await link.connected.wait()
        return await link.ask(command, seconds)


class Telling:
    """`hooks` is where the events of a device are to go; a worker knows that of its start or what it took.

    One worker after another would add up, so all are told at the same time, each with its own deadline.
    """

    def __init__(self, context: Context, runtime: Path, hooks: Callable[[Entry], list[Hook]]) -> None:
        self._context = context
        self._runtime = runtime
        self._hooks = hooks
        self._tasks: set[asyncio.Task[None]] = set()

    async def tell(self, keepers: Iterable[Keeper]) -> None:
        """Return when each has taken it, has no worker, or has been replaced because it did not answer."""
        await asyncio.gather(*(self._tell(keeper) for keeper in keepers))

    def catch_up(self, keepers: Iterable[Keeper]) -> None:
        """Tell, without waiting, whoever could not be told before: its disk was full, or it was starting."""
        for keeper in keepers:
            if keeper.worker == "running" and not keeper.telling.locked() and not self._knows(keeper):
                task = asyncio.get_running_loop().create_task(self._tell(keeper), name="tell hooks")
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    def _knows(self, keeper: Keeper) -> bool:
        return keeper.hooks == self._hooks(keeper.entry)

    async def _tell(self, keeper: Keeper) -> None:
        if keeper.child is None or self._knows(keeper):  # one that is to start is told by its orders
            return
        with contextlib.suppress(Problem):  # slow to start is no fault: `catch_up` tells it then
            await keeper.until(lambda row: row.worker != "starting", CONFIGURE_SECONDS)
        async with keeper.telling:  # else an older word could arrive after a newer one
            if keeper.worker == "running" and not self._knows(keeper):
                await self._configure(keeper)

    async def _configure(self, keeper: Keeper) -> None:
        child, hooks = keeper.child, self._hooks(keeper.entry)
        device_id = keeper.entry.device_id
        try:
            await ask(self._context, self._runtime, device_id, ConfigureHooks(hooks=hooks), CONFIGURE_SECONDS)
        except (Problem, TimeoutError) as error:
            if keeper.child is not child:
                return  # it left, and the next one has its orders
            log.warning("worker.not_told", device=device_id, error=str(error))
            if not (isinstance(error, Problem) and error.code in _DISK):
                await keeper.replace()
            return
        if keeper.child is child:
            keeper.hooks = hooks
