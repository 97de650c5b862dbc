"""All devices of the service: their keepers, the registry behind them, and the published table."""

import asyncio
import contextlib
import secrets
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec
import structlog

from supervisor.child import Child
from supervisor.keeper import Keeper
from supervisor.spawn import Order
from supervisor.telling import Telling, ask
from supervisor.webhooks import Webhooks
from wagateway.commands.internal import Beat, DeviceRow, DeviceTable, ProcessRow
from wagateway.contract import Command, Problem, R
from wagateway.database import as_problem
from wagateway.feed import Publisher
from wagateway.link import Context
from wagateway.problems import device_not_found
from wagateway.registry import Entry, Registry
from wagateway.settings import Settings
from wagateway.spec import SandboxNetwork, WorkerSpec, device_folder, encode
from wagateway.wire import device_key

RAMP = 8
RAMP_SECONDS = 2.0
TRASH = "trash-"

log = structlog.get_logger()
Fork = Callable[[Order], Child]


class Given(msgspec.Struct, frozen=True):
    """What every worker is told alike; `life` and `log` are descriptors that the zygote has open too."""

    runtime: Path
    life: int
    log: int
    webhook_secret: str
    sandbox: SandboxNetwork | None


class Devices:
    """The state that the supervisor's handlers work on."""

    def __init__(
        self,
        settings: Settings,
        context: Context,
        registry: Registry,
        feed: Publisher,
        given: Given,
        fork: Fork,
    ) -> None:
        self.settings = settings
        self.context = context
        self.runtime = given.runtime
        self.started_at = time.time()
        self.keepers: dict[str, Keeper] = {}
        self.fixed: Callable[[], list[ProcessRow]] = list
        self.webhooks = Webhooks(settings, given.webhook_secret, registry)
        self._telling = Telling(context, given.runtime, self.webhooks.of)
        self._registry = registry
        self._feed = feed
        self._given = given
        self._fork = fork
        # Starting all at once would make WhatsApp see a herd and this machine a peak.
        self._ramp = asyncio.Semaphore(RAMP)
        self._starting: set[asyncio.Task[None]] = set()
        self._unsaved: dict[str, Entry] = {}
        self._publishing = False
        self._version = 0

    def load(self) -> None:
        """Know the registered devices, start those that were logged in, empty the trash of a crash."""
        self.settings.storage.joinpath("devices").mkdir(mode=0o700, exist_ok=True)
        for trash in self.settings.storage.joinpath("devices").glob(f"{TRASH}*"):
            shutil.rmtree(trash, ignore_errors=True)
        self.webhooks.load()
        for entry in self._registry.entries():
            keeper = self._keep(entry)
            if entry.paired:
                keeper.start()

    def add(self, entry: Entry) -> Keeper:
        """Register a device; durable when it returns. Raises 507 or 503 when the disk fails."""
        self._put(entry)
        keeper = self._keep(entry)
        self._changed(keeper)
        return keeper

    def find(self, wanted: str) -> Keeper:
        """By id, or by JID; raises 404."""
        keeper = self.keepers.get(wanted)
        if keeper is None and wanted:
            keeper = next((one for one in self.keepers.values() if one.entry.jid == wanted), None)
        if keeper is None:
            raise device_not_found(wanted[:128])
        return keeper

    async def tell(self, keepers: Iterable[Keeper]) -> None:
        """Have those of their workers that run send their events where they are to go by now."""
        await self._telling.tell(keepers)

    async def ask(self, keeper: Keeper, command: Command[R], seconds: float) -> R:
        """The reply of its worker; raises `Problem`, or TimeoutError where it cannot be reached."""
        return await ask(self.context, self.runtime, keeper.entry.device_id, command, seconds)

    def change(self, keeper: Keeper, entry: Entry) -> None:
        """Keep changed settings of a device; durable when it returns. Raises 507 or 503."""
        self._put(entry)
        keeper.entry = entry

    async def remove(self, keeper: Keeper) -> None:
        """Stop the worker, forget the device and delete all its data.

        Raises 404 when that is under way already.
        """
        device_id = keeper.entry.device_id
        if keeper.closed:
            raise device_not_found(device_id)
        await keeper.close()
        folder = device_folder(self.settings.storage, device_id)
        trash = folder.with_name(TRASH + secrets.token_hex(8))
        with contextlib.suppress(FileNotFoundError):
            folder.rename(trash)
        try:
            self._registry.remove(device_id)
        except sqlite3.Error as error:
            keeper.closed = False  # so that it can be tried again
            raise as_problem(error) from error
        self.keepers.pop(device_id, None)
        self._unsaved.pop(device_id, None)
        self.webhooks.forget(device_id)
        self._publish_soon()
        for left in self._given.runtime.glob(f"{device_key(device_id)}.*"):
            left.unlink(missing_ok=True)
        await asyncio.to_thread(shutil.rmtree, trash, ignore_errors=True)

    async def stop(self, patience: float) -> None:
        """Stop every worker for good, all at once, each within `patience` seconds."""
        await asyncio.gather(*(keeper.close(patience) for keeper in list(self.keepers.values())))

    def table(self) -> DeviceTable:
        """The table as of now."""
        self._version += 1
        return DeviceTable([keeper.row() for keeper in self.keepers.values()], self._version)

    def beaten(self, raw: bytes) -> None:
        """A beat from some worker; what is not one of ours is ignored."""
        try:
            beat = msgspec.msgpack.decode(raw, type=Beat)
        except msgspec.DecodeError:
            return
        keeper = self.keepers.get(beat.device_id)
        if keeper is None or keeper.token != beat.token:
            return
        keeper.beaten(beat)
        self._learn(keeper, beat)

    def check(self, now: float) -> None:
        """Look for workers that hang; try again to save and to tell what could not be saved or told."""
        for keeper in self.keepers.values():
            keeper.check(now)
        self._telling.catch_up(self.keepers.values())
        for entry in list(self._unsaved.values()):
            self._save(entry)

    def _keep(self, entry: Entry) -> Keeper:
        keeper = Keeper(entry, self._spawn, self._changed)
        self.keepers[entry.device_id] = keeper
        return keeper

    async def _spawn(self, keeper: Keeper) -> Child:
        await self._ramp.acquire()
        self._starting.add(task := asyncio.get_running_loop().create_task(self._release(keeper), name="ramp"))
        task.add_done_callback(self._starting.discard)
        given = self._given
        keeper.hooks = self.webhooks.of(keeper.entry)
        spec = WorkerSpec(
            device_id=keeper.entry.device_id,
            token=keeper.token,
            settings=self.settings,
            runtime=given.runtime,
            life=given.life,
            log=given.log,
            connect=keeper.entry.paired and keeper.dials,
            hooks=keeper.hooks,
            death=keeper.death,
            proxy=keeper.entry.proxy if keeper.entry.proxy.value else self.settings.whatsapp_proxy,
            sandbox=given.sandbox,
        )
        output = given.runtime / f"{device_key(keeper.entry.device_id)}.out"
        return self._fork(Order(output, encode(spec)))

    async def _release(self, keeper: Keeper) -> None:
        """Let the next one start when this one has: up or down, or after the time of the ramp."""
        token = keeper.token
        try:
            with contextlib.suppress(Problem):
                await keeper.until(lambda row: keeper.token != token or _has_started(row), RAMP_SECONDS)
        finally:
            self._ramp.release()

    def _learn(self, keeper: Keeper, beat: Beat) -> None:
        """Keep what a beat says about the account: who it is, or that the session is gone."""
        entry = keeper.entry
        gone = beat.state == "disconnected" and not beat.jid
        known = msgspec.structs.replace(
            entry,
            paired=bool(beat.jid),
            jid=beat.jid or entry.jid,
            display_name=beat.display_name or entry.display_name,
            # One that is started only to be read has no session to lose, and no reason of its own.
            reason=(beat.reason or entry.reason) if gone else "",
        )
        if known != entry:
            keeper.entry = known
            self._save(known)
            self._changed(keeper)

    def _put(self, entry: Entry) -> None:
        try:
            self._registry.put(entry)
        except sqlite3.Error as error:
            raise as_problem(error) from error

    def _save(self, entry: Entry) -> None:
        try:
            self._registry.put(entry)
            self._unsaved.pop(entry.device_id, None)
        except sqlite3.Error as error:
            known = entry.device_id in self._unsaved
            self._unsaved[entry.device_id] = entry
            if not known:  # it is tried each second
                log.error("registry.not_saved", device=entry.device_id, error=str(error))  # noqa: TRY400

    def _changed(self, keeper: Keeper) -> None:
        self._publish_soon()

    def _publish_soon(self) -> None:
        if not self._publishing:
            self._publishing = True
            asyncio.get_running_loop().call_soon(self._publish)

    def _publish(self) -> None:
        self._publishing = False
        self._feed.publish(msgspec.msgpack.encode(self.table()))


def _has_started(row: DeviceRow) -> bool:
    if row.worker == "running":
        return row.state == "logged_in" or not row.paired
    return row.worker != "starting"
