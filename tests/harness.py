"""A real gateway on the sandbox for tests and benchmarks: processes, pairing, phones, a webhook endpoint."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Self

import aiohttp
import msgspec
import zmq
from aiohttp import web

from wagateway import wire
from wagateway.commands import internal, sandbox
from wagateway.commands.internal import DeviceRow, DeviceTable
from wagateway.feed import Listener
from wagateway.link import Link

START_SECONDS = 30.0
WAIT_SECONDS = 20.0


class Answer(msgspec.Struct, frozen=True):
    """An HTTP answer: `body` is the decoded JSON envelope."""

    status: int
    headers: dict[str, str]
    body: Any

    @property
    def result(self) -> Any:
        """The envelope's result."""
        return self.body["results"]


class Table:
    """The device table as the supervisor publishes it, with a way to wait for a condition."""

    def __init__(self) -> None:
        self.rows: dict[str, DeviceRow] = {}
        self._changed = asyncio.Event()

    def received(self, body: bytes) -> None:
        """A publication, or the snapshot."""
        table = msgspec.msgpack.decode(body, type=DeviceTable)
        self.rows = {row.device_id: row for row in table.rows}
        self._changed.set()

    async def until(self, condition: Callable[[dict[str, DeviceRow]], bool], within: float) -> None:
        """Returns when the condition holds; raises TimeoutError that shows the table."""
        try:
            async with asyncio.timeout(within):
                while not condition(self.rows):
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise TimeoutError(f"not in {within} s: {self.rows}") from None


class Gateway:
    """One running `wagateway --sandbox`, driven as its users do: HTTP, phones, signals."""

    def __init__(self, process: asyncio.subprocess.Process, storage: Path, runtime: Path, port: int) -> None:
        self.process = process
        self.storage = storage
        self.runtime = runtime
        self.url = f"http://127.0.0.1:{port}"
        self.table = Table()
        self._stack = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        context = self._stack.enter_context(zmq.Context())
        self.http = await self._stack.enter_async_context(
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        )
        self.supervisor = self._stack.enter_context(Link(context, wire.supervisor_socket(self.runtime)))
        self.sandbox = self._stack.enter_context(Link(context, wire.sandbox_socket(self.runtime)))
        feed = wire.supervisor_feed(self.runtime)
        self._stack.enter_context(Listener(context, feed, self.table.received))
        for link in (self.supervisor, self.sandbox):
            await asyncio.wait_for(link.connected.wait(), START_SECONDS)
        snapshot = await self.supervisor.ask(internal.GetDeviceTable(), WAIT_SECONDS)
        self.table.received(msgspec.msgpack.encode(snapshot))
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    async def call(self, method: str, path: str, device: str = "", **options: Any) -> Answer:
        """One HTTP request; `device` goes into X-Device-Id."""
        headers = {**options.pop("headers", {}), **({"X-Device-Id": device} if device else {})}
        async with self.http.request(method, self.url + path, headers=headers, **options) as response:
            raw = await response.read()
            body = json.loads(raw) if "json" in response.content_type else raw
            return Answer(response.status, dict(response.headers), body)

    async def send(self, device: str, to: str, text: str, **headers: str) -> Answer:
        """POST /send/message."""
        body = {"phone": to, "message": text}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.call("POST", "/send/message", device, json=body, headers=named)

    async def pair(self, device: str, number: str) -> None:
        """Create the device and its phone and link them by QR; returns when logged in."""
        await self.call("POST", "/devices", json={"device_id": device})
        await self.sandbox.ask(sandbox.AddPhone(phone=number, name=f"Phone {number}"), WAIT_SECONDS)
        login = await self.call("GET", f"/devices/{device}/login")
        assert login.status == 200, login.body
        await self.sandbox.ask(sandbox.ScanQr(phone=number, qr=login.result["qr_code"]), WAIT_SECONDS)
        await self.logged_in(device)

    async def logged_in(self, *devices: str, within: float = WAIT_SECONDS) -> None:
        """Returns when all the devices are logged in."""
        await self.table.until(
            lambda rows: all(name in rows and rows[name].state == "logged_in" for name in devices), within
        )

    async def kill_worker(self, device: str) -> None:
        """Kill -9 of the worker of a device; returns when the supervisor has seen its death."""
        await self.table.until(lambda rows: rows[device].pid > 0, WAIT_SECONDS)
        pid = self.table.rows[device].pid
        os.kill(pid, signal.SIGKILL)
        await self.table.until(lambda rows: rows[device].pid != pid, WAIT_SECONDS)

    async def processes(self) -> internal.Overview:
        """The supervisor's view of every process."""
        return await self.supervisor.ask(internal.GetOverview(), WAIT_SECONDS)

    async def pid_of(self, role: str) -> int:
        """The pid of a fixed process: supervisor, front, zygote or sandbox."""
        overview = await self.processes()
        return next(row.pid for row in overview.processes if row.role == role)


def free_port() -> int:
    """A TCP port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.asynccontextmanager
async def gateway(folder: Path, *flags: str, port: int = 0) -> AsyncIterator[Gateway]:
    """Start `wagateway --sandbox` with its data in `folder`, wait until it is ready, stop it at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    runtime = folder / "run"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(f"\0wagateway-test-{os.getpid()}-{port}")
        notify.setblocking(False)
        process = await start(folder, runtime, port, flags, notify)
        try:
            await ready(process, notify, folder)
            async with Gateway(process, folder / "storages", runtime, port) as running:
                yield running
        finally:
            await stop(process)


async def start(
    folder: Path, runtime: Path, port: int, flags: tuple[str, ...], notify: socket.socket
) -> asyncio.subprocess.Process:
    """The daemon's process; its terminal output goes to `daemon.log` in the folder."""
    address = notify.getsockname()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "NOTIFY_SOCKET": "@" + address[1:].decode(),
    }
    command = [sys.executable, "-m", "supervisor.daemon", "--sandbox", f"--port={port}"]
    command += [f"--storage={folder / 'storages'}", f"--runtime={runtime}", *flags]
    with (folder / "daemon.log").open("ab") as log:
        return await asyncio.create_subprocess_exec(
            *command, env=environment, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder
        )


async def ready(process: asyncio.subprocess.Process, notify: socket.socket, folder: Path) -> None:
    """Wait for READY=1; a daemon that ends first fails with its own words."""
    loop = asyncio.get_running_loop()

    async def told() -> None:
        while b"READY=1" not in await loop.sock_recv(notify, 4096):
            pass

    ended = asyncio.create_task(process.wait())
    waiting = asyncio.create_task(told())
    done, rest = await asyncio.wait(
        {ended, waiting}, timeout=START_SECONDS, return_when=asyncio.FIRST_COMPLETED
    )
    for task in rest:
        task.cancel()
    if waiting not in done:
        raise AssertionError(f"the gateway did not start: {(folder / 'daemon.log').read_text()[-4000:]}")


async def stop(process: asyncio.subprocess.Process) -> None:
    """SIGTERM and wait; whatever is still there after 12 s is killed."""
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), 12)
    except TimeoutError:
        process.kill()
        await process.wait()


class Endpoint:
    """A webhook endpoint: keeps what it got, in order, and answers with `status`."""

    def __init__(self) -> None:
        self.status = 200
        self.received: list[tuple[float, dict[str, str], bytes]] = []
        self._more = asyncio.Condition()

    async def answer(self, request: web.Request) -> web.Response:
        """One delivery."""
        body = await request.read()
        if self.status == 200:
            async with self._more:
                now = asyncio.get_running_loop().time()
                self.received.append((now, dict(request.headers), body))
                self._more.notify_all()
        return web.Response(status=self.status)

    def events(self, kind: str = "message") -> list[dict[str, Any]]:
        """The decoded events of a kind, in the order of arrival."""
        decoded = [json.loads(body) for _, _, body in self.received]
        return [event for event in decoded if event["event"] == kind]

    async def until(self, condition: Callable[["Endpoint"], bool], within: float = WAIT_SECONDS) -> None:
        """Returns when the condition holds."""
        try:
            async with asyncio.timeout(within), self._more:
                await self._more.wait_for(lambda: condition(self))
        except TimeoutError:
            raise TimeoutError(f"{len(self.received)} deliveries in {within} s") from None


@contextlib.asynccontextmanager
async def endpoint(port: int = 0) -> AsyncIterator[tuple[Endpoint, str]]:
    """A listening endpoint and its URL."""
    sink = Endpoint()
    application = web.Application()
    application.router.add_post("/hook", sink.answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    bound = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    try:
        yield sink, f"http://127.0.0.1:{bound}/hook"
    finally:
        await runner.cleanup()
