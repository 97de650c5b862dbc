"""The processes of one running service: starting them in order, watching them, stopping them."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import structlog
import zmq

from supervisor import claims, handlers, strays
from supervisor.child import Child
from supervisor.devices import Devices, Given
from supervisor.fixed import Fixed, StartFailed
from supervisor.notify import Notifier, watchdog_seconds
from supervisor.spawn import Order, Zygote, ZygoteGone, start
from wagateway import logs, wire
from wagateway.commands.internal import ProcessRow
from wagateway.feed import Publisher
from wagateway.registry import Registry
from wagateway.serve import Server, collect
from wagateway.settings import Settings
from wagateway.sockets import Pump, open_socket
from wagateway.spec import FrontSpec, SandboxNetwork, encode

CHECK_SECONDS = 1.0
ROTATE_BYTES = 50_000_000
FRONT_STOP_SECONDS = 6.5
WORKER_STOP_SECONDS = 2.3
REST_STOP_SECONDS = 0.4
_READY_SECONDS = 20.0

log = structlog.get_logger()


class Service:
    """The processes of one running service, in the order of their start."""

    def __init__(
        self, settings: Settings, runtime: Path, listener: socket.socket, stack: contextlib.ExitStack
    ) -> None:
        self._settings = settings
        self._runtime = runtime
        self._listener = listener
        self._stack = stack
        self._notifier = Notifier()
        # Nobody writes to it: its other end is ours alone, and ends with us.
        self._life, self._alive = os.pipe()
        # Workers have files for their stdout and stderr, and log to ours.
        self._terminal = os.dup(2)
        self._network: SandboxNetwork | None = None
        self._forker: Zygote | None = None
        self._children: dict[str, Child] = {}
        self._zygote = Fixed("zygote", self._begin_zygote)
        self._front = Fixed("front", self._begin_front)
        self._sandbox = Fixed("sandbox", self._begin_sandbox)
        self._devices: Devices | None = None

    async def start(self) -> None:
        """Start all; READY when the front serves."""
        if self._settings.sandbox:
            await self._sandbox.start()
        await self._zygote.start()
        context = self._stack.enter_context(zmq.Context())
        feed = self._stack.enter_context(Publisher(context, wire.supervisor_feed(self._runtime)))
        registry = self._stack.enter_context(Registry(self._settings.storage / "registry.db"))
        secret = claims.webhook_secret(self._settings)
        given = Given(self._runtime, self._life, self._terminal, secret, self._network)
        devices = Devices(self._settings, context, registry, feed, given, self._fork)
        devices.fixed = self._rows
        self._devices = devices
        beats = self._stack.enter_context(contextlib.closing(open_socket(context, zmq.PULL)))
        beats.bind(wire.beats_socket(self._runtime))
        reader = Pump(beats, lambda frames: devices.beaten(frames[0]))
        self._stack.callback(reader.close)
        answers = collect(handlers.MODULES)
        self._stack.enter_context(Server(context, wire.supervisor_socket(self._runtime), answers, devices))
        devices.load()
        await self._front.start()
        host, port = self._listener.getsockname()[:2]
        log.info("service.ready", address=f"http://{host}:{port}", devices=len(devices.keepers))
        self._notifier.tell("READY=1", self._status())

    async def watch(self, stop: asyncio.Event) -> None:
        """Until told to stop: check for hangs, tell systemd, rotate the log."""
        pulse, said = time.monotonic(), ""
        interval = min(CHECK_SECONDS, watchdog_seconds() or CHECK_SECONDS)
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), interval)
            now = time.monotonic()
            late, pulse = now - pulse > 3 * interval, now
            assert self._devices is not None
            if not late:  # when we were held up, so were the beats
                self._devices.check(now)
            self._end_strays()
            status = self._status()
            healthy = self._front.child is not None
            news = (status,) if status != said else ()
            self._notifier.tell(*(("WATCHDOG=1",) if healthy else ()), *news)
            said = status
            with contextlib.suppress(OSError):  # a disk in trouble is no reason to stop
                logs.rotate(self._settings.storage / "logs", ROTATE_BYTES)

    async def stop(self) -> None:
        """The front answers what is under way, then the workers disconnect, then the rest; within 10 s."""
        log.info("service.stops")
        self._notifier.tell("STOPPING=1")
        self._listener.close()
        await self._front.stop(FRONT_STOP_SECONDS)
        if self._devices is not None:
            await self._devices.stop(WORKER_STOP_SECONDS)
        await asyncio.gather(self._zygote.stop(REST_STOP_SECONDS), self._sandbox.stop(REST_STOP_SECONDS))
        if self._forker is not None:
            self._forker.close()
        self._notifier.close()
        log.info("service.stopped")

    def _fork(self, order: Order) -> Child:
        if self._forker is None:
            raise OSError("the zygote is being restarted")
        try:
            return self._forker.fork(order)
        except ZygoteGone as gone:
            raise OSError("the zygote is gone") from gone

    async def _begin_zygote(self) -> Child:
        if self._forker is not None:
            self._forker.close()
        self._forker = None
        forker = Zygote(self._runtime, self._environment(), (self._life, self._terminal))
        with self._begun("zygote", forker.child):
            try:
                await forker.ready()
            except ZygoteGone as gone:
                forker.close()
                raise StartFailed(f"the zygote cannot start: {forker.child.last_words()}") from gone
        self._forker = forker
        return forker.child

    def _environment(self) -> dict[str, str]:
        """Go reads these at exec only, so they must be there before the zygote is."""
        defaults = {"GOMEMLIMIT": "40MiB", "GOGC": "50", "GOMAXPROCS": "1", "MALLOC_ARENA_MAX": "2"}
        environment = {**defaults, **os.environ, "NEONIZE_BOT_TAG": "off"}
        if self._network is not None:
            environment["SSL_CERT_FILE"] = self._network.ca
        return environment

    async def _begin_front(self) -> Child:
        ready, told = os.pipe()
        listener = self._listener.fileno()
        key = claims.link_key(self._settings)
        spec = FrontSpec(self._settings, self._runtime, self._life, self._terminal, listener, told, key)
        given = os.memfd_create("spec")
        try:
            os.write(given, encode(spec))
            os.lseek(given, 0, os.SEEK_SET)
            command = [sys.executable, "-m", "wagateway.front", "--spec", str(given)]
            keep = (given, self._life, self._terminal, listener, told)
            child = start(command, self._runtime / "front.out", dict(os.environ), keep)
        finally:
            os.close(given)
            os.close(told)
        await self._until_ready("front", child, ready)
        return child

    async def _begin_sandbox(self) -> Child:
        folder = self._settings.storage / "sandbox"
        folder.mkdir(mode=0o700, exist_ok=True)
        ready, told = os.pipe()
        command = [sys.executable, "-m", "wagateway.sandbox", "--dir", str(folder)]
        command += ["--runtime", str(self._runtime), "--logs", str(self._settings.storage / "logs")]
        command += ["--life-fd", str(self._life), "--ready-fd", str(told)]
        try:
            child = start(command, self._runtime / "sandbox.out", dict(os.environ), (self._life, told))
        finally:
            os.close(told)
        await self._until_ready("sandbox", child, ready)
        network = (folder / "network.json").read_bytes()
        self._network = msgspec.json.decode(network, type=SandboxNetwork)
        return child

    async def _until_ready(self, role: str, child: Child, ready: int) -> None:
        """Returns once the child has written to the pipe; raises `StartFailed` if it ends or is slow."""
        with self._begun(role, child):
            try:
                await _told(ready)
            except TimeoutError:
                raise StartFailed(f"the {role} did not start: {child.last_words()}") from None
            finally:
                os.close(ready)

    @contextlib.contextmanager
    def _begun(self, role: str, child: Child) -> Iterator[None]:
        """A child that is getting ready: known from now on, and not left behind when it does not."""
        self._children[role] = child
        try:
            yield
        except BaseException:
            child.send(signal.SIGKILL)
            raise

    def _end_strays(self) -> None:
        known = {child.pid for child in self._children.values()}
        if self._devices is not None:
            known |= {row.pid for row in self._devices.table().rows}
        if ended := strays.end(known):
            log.warning("strays.ended", pids=ended)

    def _rows(self) -> list[ProcessRow]:
        me = ProcessRow(
            role="supervisor",
            pid=os.getpid(),
            started_at=self._devices.started_at if self._devices else 0.0,
            restarts=0,
            last_exit="",
            memory=0,
        )
        others = [self._front, self._zygote, *([self._sandbox] if self._settings.sandbox else [])]
        return [me, *(process.row() for process in others)]

    def _status(self) -> str:
        rows = self._devices.table().rows if self._devices else []
        return f"STATUS={sum(row.state == 'logged_in' for row in rows)} of {len(rows)} devices logged in"


async def _told(ready: int) -> None:
    loop = asyncio.get_running_loop()
    heard: asyncio.Future[None] = loop.create_future()
    loop.add_reader(ready, _done, heard)
    try:
        async with asyncio.timeout(_READY_SECONDS):
            await heard
    finally:
        loop.remove_reader(ready)
    if not os.read(ready, 1):
        raise TimeoutError


def _done(heard: asyncio.Future[None]) -> None:
    if not heard.done():
        heard.set_result(None)
