"""The device as its worker knows it: its state, what it may do now, and why it ends."""

import asyncio
import random
import time
from collections.abc import Callable, Coroutine
from pathlib import Path

import structlog

from wagateway.commands.app import DeviceState
from wagateway.commands.internal import Hook
from wagateway.contract import Problem
from wagateway.exits import Exit
from wagateway.problems import device_not_logged_in, device_unavailable
from wagateway.settings import Settings
from wagateway.spec import Death
from workers.absence import Absence
from workers.attachments import Attachments
from workers.conversion.converter import Converter
from workers.delivery import Delivery
from workers.egress import Egress, Rules
from workers.engine import ConnectionChange, Engine, QrShown
from workers.forwarding import Forwarding
from workers.head import Head
from workers.life import Life
from workers.media import Media, Way
from workers.outbox import Outbox
from workers.pairing import Pairing
from workers.scratch import Scratch
from workers.session import NOBODY, Identity
from workers.shard import Shard
from workers.telling import Teller

CONNECT_SECONDS = 30.0
PAIRED_SECONDS = 15.0
CODE_SECONDS = 20.0
_NAME_SECONDS = (0.0, 2.0, 10.0, 60.0)
_ENDS = {
    "logged_out": Exit.LOGGED_OUT,
    "replaced": Exit.STREAM_REPLACED,
    "banned": Exit.BANNED,
    "outdated": Exit.CLIENT_OUTDATED,
}
_STRAIGHT = Way(None)
_UNREACHED = ("connect_failed", "connect_timeout")
_UNPAIRED_ENDS = ("qr_timeout", "pairing_failed")
_UNTIL = "_until_"  # what the device table shows of a ban; its event has a field for it

log = structlog.get_logger()


class Device:
    """One device. Everything here runs in the event loop; handlers get this and nothing below it.

    `jid`, `lid` and `display_name` are the account's, "" when not paired or not known. Files are kept in
    `folder`, and worked on in its `tmp`, which is emptied; those of messages come the `way`. `changed` is
    called after every change of state, `logged_in` after each login. `head` is told of every event that is
    committed; those of the device's own `life` go through `teller`. `delivery` is set by the worker. `over`
    gets the exit code when the worker must end.
    """

    def __init__(
        self,
        device_id: str,
        settings: Settings,
        engine: Engine,
        shard: Shard,
        folder: Path,
        way: Way = _STRAIGHT,
    ) -> None:
        self.id = device_id
        self.settings = settings
        self.engine = engine
        self.shard = shard
        self.head = Head()
        self.teller = Teller(shard, self, self.head)
        self.life = Life(self.teller)
        self.absence = Absence(shard, self, self.head)
        self.delivery: Delivery
        self.outbox = Outbox(shard, self.head.committed)
        scratch = Scratch(folder / "tmp")
        self._converter = Converter(scratch.folder)
        self._egress = Egress(Rules.of(settings))
        self.media = Media(shard, folder, way, settings, self)
        self.media.outcomes.committed = self.head.committed
        self.attachments = Attachments(scratch, self._converter, self._egress, engine)
        self.forwarding = Forwarding(shard, self.media, self.attachments)
        self.state: DeviceState = "disconnected"
        self.reason = ""
        self.changed: Callable[[], None] = _nobody_listens
        self.logged_in: Callable[[], None] = _nobody_listens
        self.over: asyncio.Future[Exit] = asyncio.get_running_loop().create_future()
        self.used_at = time.monotonic()
        self.jid, self.lid, self.display_name = NOBODY
        self._hooks: list[Hook] | None = None
        self._dialled = False
        self._unlinking = False
        self._pairing = Pairing()
        self._watchdog: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """End what works on files for the device; `media.run` was cancelled before."""
        self.absence.lost()
        await self._converter.close()
        await self._egress.close()
        await self.media.close()

    async def start(self, *, connect: bool, death: Death | None = None) -> None:
        """Learn whose session is stored and log in with it; without a session nothing is dialled.

        `death` is that of the worker before this one, if it was not asked for.
        """
        await self.absence.start()
        self._belongs_to(await self.engine.own_jid())
        self.life.restarted(death)
        if connect and self.jid:
            await self._dial()

    def require_login(self) -> None:
        """Raises `Problem` unless messages can be sent now."""
        self.used_at = time.monotonic()
        if self.state == "logged_in":
            return
        if self.jid and not self._dialled:
            raise device_unavailable("The device is not connected to WhatsApp; reconnect it")
        if self.jid:
            raise device_unavailable("The device is connecting to WhatsApp", retry_after=2)
        raise device_not_logged_in(self.id)

    async def qr(self) -> QrShown:
        """The QR code of the login under way, which this starts if need be; raises `Problem`."""
        await self._start_pairing()
        return await self._pairing.qr(CODE_SECONDS)

    async def pair_code(self, phone: str) -> str:
        """The pairing code of the login under way, which this starts if need be; raises `Problem`."""
        await self._start_pairing()
        return await self._pairing.code(self.engine, phone, CODE_SECONDS)

    async def unlink(self) -> bool:
        """Log out of WhatsApp; False when WhatsApp could not be told. Nothing can be sent afterwards."""
        self.used_at = time.monotonic()
        if self.state != "logged_in":
            return False
        self._unlinking = True
        try:
            await self.engine.unlink()
        except Problem as problem:
            log.warning("unlink.failed", why=problem.message)
            self._unlinking = False
            return not self.jid
        self._unlinked()
        return True

    def renamed(self, name: str) -> None:
        """The account shows this name to others from now on."""
        self._belongs_to((self.jid, self.lid, name))

    async def unused(self, seconds: float) -> None:
        """Returns when nobody has used a device that has no connection for so long."""
        while True:
            left = self.used_at + seconds - time.monotonic()
            if left <= 0 and self.state == "disconnected":
                return
            await asyncio.sleep(max(left, 1.0))

    def connection_changed(self, change: ConnectionChange) -> None:
        """What the engine says about its connection."""
        match change.change:
            case "connecting":
                self._set("connecting", change.reason)
                self._expect(CONNECT_SECONDS, "connect_timeout")
            case "connected":
                self._relax()
                self._set("logged_in", "")
                self.logged_in()
                self._go(self._learn_name(), "device.name")
            case "disconnected":
                self._set("connecting", change.reason)
                self._expect(CONNECT_SECONDS, "connection_lost")
            case "ended":
                unpaired = change.reason in _UNPAIRED_ENDS
                self._end(Exit.QR_TIMEOUT if unpaired else Exit.ENGINE_ENDED, change.reason)
            case "logged_out" if self._unlinking:  # WhatsApp's own word for it may come before its answer
                self._unlinked()
            case "logged_out":
                self._leaves(change.reason)
                self._end(Exit.LOGGED_OUT, change.reason)
            case "banned":
                self.life.banned(change.reason, change.until)
                self._ends(change)
            case _:
                self._ends(change)

    async def change_hooks(self, hooks: list[Hook]) -> None:
        """Send the events there from now on; raises `Problem` when the disk cannot keep that."""
        await self.delivery.change(hooks)
        if hooks != self._hooks:
            self._hooks = hooks
            self.life.hooks(self.delivery.hook_ids())

    def qr_shown(self, shown: QrShown | None) -> None:
        """A new QR code, or None when there will be no more."""
        self._pairing.show(shown)
        if shown is not None:
            self._relax()
            self.life.qr(shown)
            self._set("connected", "pairing")

    def paired(self, jid: str, lid: str, name: str) -> None:
        """The device belongs to this account now; WhatsApp lets it log in next."""
        self.absence.paired()
        self._belongs_to((jid, lid, name))
        log.info("device.paired")
        self.life.paired((jid, lid, name))
        self._set("connecting", "paired")
        # Now and then the request to log in is lost, and then nobody would ever dial again.
        self._expect(PAIRED_SECONDS, "login_after_pairing_timeout")

    async def _start_pairing(self) -> None:
        self.used_at = time.monotonic()
        if self.over.done():
            raise device_unavailable("The device is restarting; try again")
        if self.jid:
            raise Problem(
                400, "ALREADY_LOGGED_IN", "This device is logged in; log it out first to link it anew"
            )
        await self._dial()

    async def _dial(self) -> None:
        if not self._dialled:
            self._dialled = True
            await self.engine.connect()

    async def _learn_name(self) -> None:
        """The name reaches a newly linked device some time after its first login."""
        for seconds in _NAME_SECONDS:
            await asyncio.sleep(seconds)
            identity = await self.engine.own_jid()
            if self.state != "logged_in":
                return
            self._belongs_to(identity)
            if self.display_name:
                return

    def _belongs_to(self, identity: Identity) -> None:
        if identity != (self.jid, self.lid, self.display_name):
            self.jid, self.lid, self.display_name = identity
            self.changed()

    def _leaves(self, reason: str) -> None:
        """The device is linked to the account no more, which is told as the account's."""
        self.life.logged_out(reason)
        self._belongs_to(NOBODY)

    def _unlinked(self) -> None:
        if self.jid:
            self._leaves("unlinked")
            self._set("disconnected", "unlinked")

    def _set(self, state: DeviceState, reason: str) -> None:
        if (state, reason) == (self.state, self.reason):
            return
        log.info("device.state", state=state, reason=reason)
        if state == "logged_in":
            self.absence.logged_in()
        else:
            self.absence.lost()
        self.state, self.reason = state, reason
        self.life.state(state, reason.partition(_UNTIL)[0])
        self.changed()

    def _ends(self, change: ConnectionChange) -> None:
        until = f"{_UNTIL}{change.until}" if change.until else ""
        self._end(_ENDS[change.change], change.reason + until)

    def _end(self, code: Exit, reason: str) -> None:
        self._relax()
        self._set("disconnected", reason)
        self._pairing.unreachable = reason in _UNREACHED
        self._pairing.show(None)
        if not self.over.done():
            self.over.set_result(code)

    def _expect(self, seconds: float, reason: str) -> None:
        """End the worker, whose successor dials anew, unless logged in within `seconds` and a bit."""
        self._relax()
        # After an outage all devices get here together; they must not all dial together.
        wait = seconds * random.uniform(0.9, 1.2)  # noqa: S311  no secret depends on it
        self._watchdog = asyncio.get_running_loop().call_later(wait, self._end, Exit.ENGINE_ENDED, reason)

    def _relax(self) -> None:
        if self._watchdog is not None:
            self._watchdog.cancel()
            self._watchdog = None

    def _go(self, work: Coroutine[None, None, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _nobody_listens() -> None:
    """Until the beats are there."""
