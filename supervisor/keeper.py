"""Keeping the worker of one device running: start, watch, restart, park, stop."""

import asyncio
import contextlib
import random
import secrets
import signal
import time
from collections.abc import Awaitable, Callable

import msgspec
import structlog

from supervisor.child import Child
from supervisor.restart import Ending, Park, decide, describe
from wagateway.commands.internal import Beat, DeviceRow, Hook, WorkerState
from wagateway.contract import Problem
from wagateway.exits import Exit
from wagateway.problems import device_not_found, device_unavailable
from wagateway.registry import Entry
from wagateway.spec import Death

SILENCE_SECONDS = 10.0
FIRST_BEAT_SECONDS = 60.0  # opening a large shard after a crash, or migrating it, takes its time
ABORT_SECONDS = 1.0
STOP_SECONDS = 3.0
RETRY_SECONDS = 0.5
LAST_WORD_SECONDS = 0.1
HANG = "hang"

log = structlog.get_logger()


class Keeper:
    """One device and its worker. `spawn(keeper)` forks; `changed(keeper)` is called after every change.

    `death` is that of the worker before, where it was not asked for; `hooks` are those that the worker
    knows of, and `telling` is held by who tells it of others. `dials` is whether a worker may connect to
    WhatsApp: one that is only there to be read, or to deliver what is left, does not.
    """

    def __init__(
        self, entry: Entry, spawn: Callable[["Keeper"], Awaitable[Child]], changed: Callable[["Keeper"], None]
    ) -> None:
        self.entry = entry
        self.token = ""
        self.child: Child | None = None
        self.worker: WorkerState = "stopped"
        self.beat: Beat | None = None
        self.restarts = 0
        self.last_exit = ""
        self.waiting_for = ""
        self.closed = False
        self.dials = True
        self.death: Death | None = None
        self.hooks: list[Hook] = []
        self.telling = asyncio.Lock()
        self._spawn = spawn
        self._changed = changed
        self._endings: list[Ending] = []
        self._hung: Child | None = None
        self._useful = False
        self._beaten = 0.0
        self._wake = asyncio.Event()
        self._moved = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None
        self._rng = random.Random()  # noqa: S311  spreads restarts, hides nothing

    def row(self) -> DeviceRow:
        """The device as the table shows it."""
        alive, beat = self.child is not None, self.beat
        return DeviceRow(
            device_id=self.entry.device_id,
            state=beat.state if alive and beat else "disconnected",
            worker=self.worker,
            created_at=self.entry.created_at,
            paired=self.entry.paired,
            jid=self.entry.jid,
            display_name=self.entry.display_name,
            reason=self.waiting_for or (beat.reason if alive and beat else "") or self.entry.reason,
            pid=self.child.pid if self.child else 0,
            started_at=self.child.started_at if self.child else 0.0,
            restarts=self.restarts,
            last_exit=self.last_exit,
            log_depth=beat.log_depth if beat else 0,
            hook_lag=beat.hook_lag if beat else 0,
            dead=beat.dead if beat else 0,
            gone=beat.gone if beat else 0,
            disk=beat.disk if beat else 0,
            storage=beat.storage if alive and beat else "",
        )

    def start(self, *, dials: bool = True) -> None:
        """Have a worker from now on, also after parking and without waiting out a delay.

        One that there is stays as it is. Raises 404 when the device has been closed: it is being removed,
        or the service stops.
        """
        if self.closed:
            raise device_not_found(self.entry.device_id)
        if self._task is None or self._task.done():
            self.death, self.dials = None, dials
            self.token = ""  # beats of one that is still leaving do not count
            self._set("starting")
            self._task = asyncio.get_running_loop().create_task(
                self._run(), name=f"keeper {self.entry.device_id}"
            )
        else:
            self._wake.set()

    async def connect(self) -> None:
        """Have a worker that connects to WhatsApp."""
        if not self.dials:
            await self.stop()
        self.start()

    async def stop(self, patience: float = STOP_SECONDS) -> None:
        """Have no worker from now on; a start while this waits has its way."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})
        if (child := self.child) is not None:
            self.last_exit = describe(await child.stop(patience))
            if self.child is child:
                self.child = None
        if self._task is None:
            self._set("stopped")

    async def replace(self) -> None:
        """Have another worker in place of one that does not answer."""
        await self.stop()
        self.restarts += 1
        with contextlib.suppress(Problem):  # it was closed meanwhile
            self.start(dials=self.dials)
            self.death = Death(HANG, time.time(), self.restarts)

    async def close(self, patience: float = STOP_SECONDS) -> None:
        """Have no worker ever again."""
        self.closed = True
        await self.stop(patience)

    async def until(self, condition: Callable[[DeviceRow], bool], timeout: float) -> DeviceRow:
        """The row once the condition holds; raises 503 after `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout), self._moved:
                await self._moved.wait_for(lambda: condition(self.row()))
        except TimeoutError:
            raise device_unavailable("The device's worker did not get ready in time", retry_after=2) from None
        return self.row()

    def beaten(self, beat: Beat) -> None:
        """A beat of the worker that runs now."""
        self._beaten = time.monotonic()
        before, self.beat = self.beat, beat
        if self.worker == "parked" and self.waiting_for and beat.reason:
            self.waiting_for = beat.reason  # its last word came after its end
        self.dials = self.dials or beat.state != "disconnected"  # somebody has it log in
        self._useful = self._useful or beat.state == "logged_in" or not self.entry.paired
        if self.worker == "starting":
            self.worker = "running"
            self._announce()
        elif before is None or _news(before) != _news(beat):
            self._announce()

    def check(self, now: float) -> None:
        """End a worker that has been silent for too long; it dumps its stacks first."""
        limit = FIRST_BEAT_SECONDS if self.beat is None else SILENCE_SECONDS
        if self.child is not None and now - self._beaten > limit:
            log.error("worker.hangs", device=self.entry.device_id, pid=self.child.pid)
            self._beaten = now
            self._hung = child = self.child
            child.send(signal.SIGABRT)
            asyncio.get_running_loop().call_later(ABORT_SECONDS, child.send, signal.SIGKILL)

    async def _run(self) -> None:
        if (leaving := self.child) is not None:
            await asyncio.shield(leaving.ended)
        while True:
            self.token, self.beat = secrets.token_hex(8), None
            if self.dials:
                self.waiting_for = ""
            self._beaten, self._useful = time.monotonic(), False
            try:
                self.child = await self._spawn(self)
            except OSError as error:
                log.error("worker.not_started", device=self.entry.device_id, error=str(error))  # noqa: TRY400
                await self._wait(RETRY_SECONDS, "cannot_start")
                continue
            self._set("starting")
            child = self.child
            if not await self._died(child, await asyncio.shield(child.ended)):
                return

    async def _died(self, child: Child, code: int) -> bool:
        """Whether to start again, after the wait that the policy asks for."""
        self.child = None
        self.last_exit = describe(code)
        self.restarts += 1
        if code != Exit.LEASE_HELD:  # that one never ran: what is told of is the end of one that did
            why = HANG if child is self._hung else self.last_exit
            self.death = Death(why, time.time(), self.restarts)
        self._endings = [*self._endings[-50:], Ending(code, time.monotonic(), self._useful)]
        crashed = code < 0 or code == 1
        log.log(
            40 if crashed else 20,
            "worker.died",
            device=self.entry.device_id,
            pid=child.pid,
            exit=self.last_exit,
            lived=round(child.lived, 3),
            last_words=child.last_words() if crashed else "",
        )
        what = decide(self._endings, self._rng)
        if isinstance(what, Park):
            return await self._park(what.reason)
        await self._wait(what.seconds, what.reason)
        return True

    async def _park(self, reason: str) -> bool:
        """Whether to start again all the same: for events that are still to be delivered."""
        dialled = self.dials
        with contextlib.suppress(Problem):  # its last word may be still on the way
            await self.until(lambda row: not row.hook_lag, LAST_WORD_SECONDS)
        beat = self.beat
        if dialled or reason != "idle":
            self.waiting_for = "" if reason == "idle" else (beat.reason if beat else "") or reason
        self._set("parked")
        if beat is None or not beat.hook_lag or not dialled:
            return False
        self.death, self.dials = None, False
        return True

    async def _wait(self, seconds: float, why: str) -> None:
        if seconds > 0:
            self.waiting_for = why
        self._set("waiting")
        self._wake.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):  # without a delay, this still lets the news go out first
                await self._wake.wait()

    def _set(self, worker: WorkerState) -> None:
        self.worker = worker
        self._announce()

    def _announce(self) -> None:
        self._changed(self)
        asyncio.get_running_loop().create_task(self._notify(), name="table moved")

    async def _notify(self) -> None:
        async with self._moved:
            self._moved.notify_all()


def _news(beat: Beat) -> Beat:
    """What of a beat is worth publishing: all but the loop's lag."""
    return msgspec.structs.replace(beat, lag=0.0)
