"""`wagateway`: the supervisor, which starts everything else and keeps it running."""

import asyncio
import contextlib
import fcntl
import os
import secrets
import signal
import socket
import stat
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import msgspec
import structlog
import zmq

from supervisor import handlers
from supervisor.child import Child
from supervisor.devices import Devices, Given
from supervisor.fixed import Fixed
from supervisor.memory import pss
from supervisor.notify import Notifier, watchdog_seconds
from supervisor.spawn import Order, Zygote, ZygoteGone, adopt_orphans, start
from wagateway import logs, wire
from wagateway.commands.internal import ProcessRow
from wagateway.exits import Exit
from wagateway.feed import Publisher
from wagateway.registry import Registry
from wagateway.serve import Server, collect
from wagateway.settings import Refused, Settings, load
from wagateway.sockets import Reader, open_socket
from wagateway.spec import FrontSpec, SandboxNetwork, encode

CHECK_SECONDS = 1.0
ROTATE_BYTES = 50_000_000
FRONT_STOP_SECONDS = 7.0
BACKLOG = 1024
_READY_SECONDS = 20.0

log = structlog.get_logger()


def main() -> None:
    """The command `wagateway`."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["sandbox"]:
        _become_sandbox(arguments[1:])
    if arguments == ["--version"]:
        print(version("wagateway"))
        return
    try:
        settings = load(arguments, os.environ, Path.cwd())
        sys.exit(run(settings))
    except Refused as refused:
        print(f"wagateway: {refused}", file=sys.stderr)
        sys.exit(Exit.MISUSED)


def _become_sandbox(arguments: list[str]) -> None:
    os.execv(sys.executable, [sys.executable, "-m", "wagateway.sandbox", *arguments])  # noqa: S606


def run(settings: Settings) -> int:
    """Run until SIGTERM; raises `Refused` for what a person must change first."""
    os.umask(0o077)
    storage = _own(settings.storage)
    settings = msgspec.structs.replace(settings, storage=storage)
    runtime = _own(wire.runtime_folder(settings.runtime, storage))
    with contextlib.ExitStack() as stack:
        stack.enter_context(_alone(storage))
        listener = stack.enter_context(_listen(settings))
        folder = storage / "logs"
        logs.start("supervisor", folder=folder, terminal=2, debug=settings.debug)
        adopt_orphans()
        return asyncio.run(_serve(settings, runtime, listener))


async def _serve(settings: Settings, runtime: Path, listener: socket.socket) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    with contextlib.ExitStack() as stack:
        service = Service(settings, runtime, listener, stack)
        try:
            await service.start()
            await service.watch(stop)
        finally:
            await service.stop()
    return Exit.DONE


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
        given = Given(
            self._runtime, self._life, self._terminal, _webhook_secret(self._settings), self._network
        )
        devices = Devices(self._settings, context, registry, feed, given, self._fork)
        devices.fixed = self._rows
        self._devices = devices
        beats = self._stack.enter_context(contextlib.closing(open_socket(context, zmq.PULL)))
        beats.bind(wire.beats_socket(self._runtime))
        reader = Reader(beats, lambda frames: devices.beaten(frames[0]))
        self._stack.callback(reader.close)
        answers = collect([handlers])
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
            status = self._status()
            healthy = self._front.child is not None
            news = (status,) if status != said else ()
            self._notifier.tell(*(("WATCHDOG=1",) if healthy else ()), *news)
            said = status
            logs.rotate(self._settings.storage / "logs", ROTATE_BYTES)

    async def stop(self) -> None:
        """The front answers what is under way, then the workers disconnect, then the rest."""
        log.info("service.stops")
        self._notifier.tell("STOPPING=1")
        self._listener.close()
        await self._front.stop(FRONT_STOP_SECONDS)
        if self._devices is not None:
            await self._devices.stop()
        await self._zygote.stop(0.5)
        if self._forker is not None:
            self._forker.close()
        await self._sandbox.stop(2.0)
        self._notifier.close()

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
        try:
            await asyncio.to_thread(forker.ready)
        except ZygoteGone as gone:
            raise RuntimeError(f"the zygote cannot start: {forker.child.last_words()}") from gone
        self._forker = forker
        return forker.child

    def _environment(self) -> dict[str, str]:
        """Go reads these at exec only, so they must be there before the zygote is."""
        defaults = {"GOMEMLIMIT": "24MiB", "GOGC": "50", "GOMAXPROCS": "2", "MALLOC_ARENA_MAX": "2"}
        environment = {**defaults, **os.environ, "NEONIZE_BOT_TAG": "off"}
        if self._network is not None:
            environment["SSL_CERT_FILE"] = self._network.ca
        return environment

    async def _begin_front(self) -> Child:
        ready, told = os.pipe()
        listener = self._listener.fileno()
        spec = FrontSpec(self._settings, self._runtime, self._life, self._terminal, listener, told)
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
        try:
            await _told(ready)
        except TimeoutError:
            child.send(signal.SIGKILL)
            raise RuntimeError(f"the front did not start: {child.last_words()}") from None
        finally:
            os.close(ready)
        return child

    async def _begin_sandbox(self) -> Child:
        folder = self._settings.storage / "sandbox"
        folder.mkdir(mode=0o700, exist_ok=True)
        network = folder / "network.json"
        network.unlink(missing_ok=True)
        command = [sys.executable, "-m", "wagateway.sandbox", "--dir", str(folder)]
        command += ["--runtime", str(self._runtime), "--life-fd", str(self._life)]
        command += ["--logs", str(self._settings.storage / "logs")]
        child = start(command, self._runtime / "sandbox.out", dict(os.environ), (self._life,))
        async with asyncio.timeout(_READY_SECONDS):
            while not network.exists():
                if child.ended.done():
                    raise RuntimeError(f"the sandbox did not start: {child.last_words()}")
                await asyncio.sleep(0.02)  # a file appears without an event that the loop could wait for
        self._network = msgspec.json.decode(network.read_bytes(), type=SandboxNetwork)
        return child

    def _rows(self) -> list[ProcessRow]:
        me = ProcessRow(
            role="supervisor",
            pid=os.getpid(),
            started_at=self._devices.started_at if self._devices else 0.0,
            restarts=0,
            last_exit="",
            memory=pss(os.getpid()),
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


def _own(folder: Path) -> Path:
    """The absolute path of a folder of ours, made when missing, closed to everybody else."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        found = folder.stat()
    except OSError as error:
        raise Refused(f"{folder}: {error.strerror}") from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise Refused(f"{folder} belongs to somebody else; choose another folder")
    folder.chmod(0o700)
    return folder.resolve()


@contextlib.contextmanager
def _alone(storage: Path) -> Iterator[None]:
    with (storage / "supervisor.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused(f"another wagateway is running with the storage folder {storage}") from None
        yield


def _listen(settings: Settings) -> socket.socket:
    """The listening socket; ours, so that a restart of the front refuses nobody."""
    try:
        family = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server(
            (settings.host, settings.port), family=family, backlog=BACKLOG, reuse_port=False
        )
    except OSError as error:
        why = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        raise Refused(f"cannot listen on {settings.host} port {settings.port}: {why}") from None


def _webhook_secret(settings: Settings) -> str:
    """The configured key that signs webhooks, or the one generated at the first start."""
    if settings.webhook_secret is not None:
        return settings.webhook_secret.value
    file = settings.storage / "webhook.secret"
    if not file.exists():
        fresh = file.with_suffix(".new")
        fresh.write_text("whsec_" + b64encode(secrets.token_bytes(32)).decode() + "\n")
        fresh.rename(file)
    return file.read_text().strip()


if __name__ == "__main__":
    main()
