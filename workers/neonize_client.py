"""The client in neonize's library, and the thread on which its events come."""

import asyncio
import ctypes
import threading
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import msgspec
import structlog

from wagateway.problems import device_unavailable
from wagateway.spec import SandboxNetwork
from wagateway.whatsapp.protos import CompanionReg
from workers import neonize_library, neonize_subscribed
from workers.engine import ConnectionChange, EngineEvents, QrShown
from workers.neonize_calls import Calls
from workers.neonize_events import Code, read_end, read_identity
from workers.neonize_history import HistoryFolder
from workers.neonize_log import Lines, fit
from workers.neonize_telling import Telling
from workers.patience import Stopped
from workers.session import stored_identity
from workers.trust import trust

# FULL: a power loss must not undo a step of a Signal ratchet, or the same key would encrypt two messages.
_DSN = "?_journal_mode=WAL&_synchronous=FULL&_busy_timeout=10000&_foreign_keys=on&x="
_FIRST_CODE_SECONDS = 60.0
_CODE_SECONDS = 20.0
_QUIET_SECONDS = 0.03

log = structlog.get_logger()


class Orders(msgspec.Struct, frozen=True):
    """What the engine is told: whose session, what to be called on the phone, which network.

    History syncs are written into the folder `history`. `proxy` is an http, https or socks5 URL, "" for
    none: connection and media go through it, and the simulated network's own proxy is not used then.
    """

    device_id: str
    session: Path
    history: Path
    shown_as: str
    debug: bool
    sandbox: SandboxNetwork | None
    proxy: str


class Client:
    """`start` loads the library and dials; from then on every event of the client is handed on.

    `identity` is the account's, as far as it is known. `swollen` is called, on the pump's thread, when Go
    has used much memory that it could give back.
    """

    def __init__(self, orders: Orders, events: EngineEvents, swollen: Callable[[], None]) -> None:
        self.identity = stored_identity(orders.session)
        self._orders = orders
        self._events = events
        self._swollen = swollen
        self._stopping = threading.Event()
        self._history = HistoryFolder(orders.history, self._stopping)
        self._lines = Lines(orders.proxy)
        self._telling = Telling(events, self._phone_of)
        self._calls: Calls | None = None
        self._kept_alive: list[object] = []
        self._pairing = False
        self._attempt = 0
        self._busy = False
        self._delivered = 0
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Dial WhatsApp in a thread of its own; does nothing the second time."""
        if self._thread is None:
            self._history.start()
            self._events.connection(ConnectionChange("connecting"))
            self._thread = threading.Thread(target=self._run, name="pump", daemon=True)
            self._thread.start()

    @property
    def stopping(self) -> bool:
        """Whether an end is no news any more."""
        return self._stopping.is_set()

    def stops(self) -> None:
        """Say that the end is wanted, or told already; nothing waits for the disk any more."""
        self._stopping.set()

    @property
    def made(self) -> bool:
        """Whether there is a client, which may have come to its end."""
        return self._calls is not None

    @property
    def open(self) -> bool:
        """Whether the client can be called."""
        return self._calls is not None and self._calls.open

    @property
    def calls(self) -> Calls:
        """The calls into the client; raises 503 `DEVICE_UNAVAILABLE` before there is one."""
        if self._calls is None:
            raise device_unavailable("The device is not connected to WhatsApp", retry_after=2)
        return self._calls

    def caller(self, call_id: str, otherwise: str) -> str:
        """Who calls, in the form in which WhatsApp named them, which a rejection must use."""
        return self._telling.caller(call_id, otherwise)

    def _phone_of(self, lid: str) -> str:
        return self.calls.phone_of(lid)

    async def quiet(self) -> None:
        """Returns when the pump has delivered what had arrived.

        WhatsApp was told that we have it, and neonize keeps up to 100 events waiting for the pump.
        """
        seen = -1
        while self._busy or seen != self._delivered:
            seen = self._delivered
            await asyncio.sleep(_QUIET_SECONDS)

    def _run(self) -> None:
        """The pump's thread: neonize delivers every event on the thread that called `Neonize()`."""
        try:
            text = self._neonize()
        except Exception:  # the thread's edge: whatever kept neonize from running, a new process is the cure
            log.exception("engine.failed")
            end = ConnectionChange("ended", "engine_failed")
        else:
            end = read_end(text)
            neonize_subscribed.ended(self._orders.session.parent, text)
            if not self.stopping:
                log.error("engine.ended", reason=end.reason, text=fit(text, self._orders.proxy))
        if self._calls is not None:
            if not self.stopping:
                self._calls.disconnect()  # or it would go on telling WhatsApp that we have what nobody takes
            self._calls.open = False
        if not self.stopping:
            self._events.connection(end)

    def _neonize(self) -> str:
        gocode = self._load()
        key = self._orders.device_id.encode()
        self._calls = Calls(gocode, key)
        from neonize import _binder as binder  # type: ignore[import-untyped, unused-ignore]

        shown = CompanionReg.DeviceProps(
            os=self._orders.shown_as, platformType=CompanionReg.DeviceProps.CHROME
        ).SerializeToString()
        network = self._orders.sandbox
        through = self._orders.proxy or (network.proxy if network else "")
        proxy = binder.ProxySettings(through)._to_c_struct() if through else None  # noqa: SLF001
        callbacks = (
            binder.func_string(self._guarded(self._qr_came)),
            binder.func_string(self._guarded(self._pairing_went)),
            binder.func_callback_bytes(self._guarded(self._happened)),
            binder.func_callback_bytes2(self._guarded(self._logged)),
        )
        subscribed = neonize_subscribed.subscribed(self._orders.session.parent)
        # Go may call them as long as the process lives, long after `Neonize()` has returned.
        self._kept_alive += [callbacks, proxy]
        result = gocode.Neonize(
            (quote(str(self._orders.session)) + _DSN).encode(),
            key,
            b"",
            0,
            0,
            b"DEBUG" if self._orders.debug else b"WARN",
            *callbacks,
            subscribed,
            len(subscribed),
            shown,
            len(shown),
            b"",
            0,
            ctypes.byref(proxy) if proxy else None,
        )
        return bytes(result or b"").decode(errors="replace")

    def _load(self) -> ctypes.CDLL:
        library = neonize_library.installed()
        if not library.known:
            log.warning("neonize.unknown_build", found=library.build, expected=neonize_library.KNOWN_BUILD)
        gocode = neonize_library.load()
        if self._orders.sandbox is not None:
            trust(self._orders.sandbox, library.path)
        return gocode

    # What follows is called by Go, on threads of Go's choice.

    def _guarded(self, call: Callable[..., None]) -> Callable[..., None]:
        def guarded(*arguments: object) -> None:
            try:
                call(*arguments)
            except Stopped:  # there is nothing to do about it, and who raised it has told
                return
            except Exception:  # the edge to Go: ctypes would print it and go on as if nothing had happened
                log.exception("engine.callback_failed", callback=call.__name__)
                if not self.stopping:
                    self.stops()
                    self._events.connection(ConnectionChange("ended", "callback_failed"))

        return guarded

    def _qr_came(self, _key: int, code: int) -> None:
        self._pairing = True
        self.calls.open = True
        self._attempt += 1
        seconds = _FIRST_CODE_SECONDS if self._attempt == 1 else _CODE_SECONDS
        text = ctypes.string_at(code).decode()
        self._events.qr(QrShown(text, time.time() + seconds, self._attempt))

    def _pairing_went(self, _key: int, status: int) -> None:
        how = ctypes.string_at(status).decode()
        self._events.qr(None)
        if how == "success":
            return
        # neonize would now wait for ever for a pairing that cannot come any more.
        log.info("pairing.ended", status=how)
        self.stops()
        if how == "err-client-outdated":
            self._events.connection(ConnectionChange("outdated", "client_outdated"))
        else:
            reason = "qr_timeout" if how == "timeout" else "pairing_failed"
            self._events.connection(ConnectionChange("ended", reason))

    def _happened(self, _key: bytes, address: int, size: int, code: int) -> None:
        self._busy = True
        try:
            if code == Code.HISTORY:
                self._history_came(address, size)
            elif code == Code.DEVICE:
                self._identified(ctypes.string_at(address, size))
            else:
                self._telling.event(code, ctypes.string_at(address, size) if size else b"")
        finally:
            self._busy = False
            self._delivered += 1

    def _history_came(self, address: int, size: int) -> None:
        if size and self._history.keep(address, size):
            self._events.history()
            self._swollen()

    def _identified(self, raw: bytes) -> None:
        self.identity = read_identity(raw)
        self.calls.open = True
        if self._pairing:
            self._pairing = False
            self._events.paired(*self.identity)

    def _logged(self, address: int, size: int) -> None:
        self._lines.write(ctypes.string_at(address, size))
