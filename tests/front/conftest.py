"""A real front between a real HTTP client and other processes that the test plays over real sockets."""

import asyncio
import contextlib
import json
import shutil
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import aiohttp
import msgspec
import pytest
import zmq
from yarl import URL

from wagateway import wire
from wagateway.commands import catalogue
from wagateway.commands.events import ListEvents
from wagateway.commands.internal import DeviceRow, DeviceTable, GetDeviceTable, StartWorker
from wagateway.contract import Command, Problem
from wagateway.feed import Publisher
from wagateway.front.bodies import Patience
from wagateway.front.main import Front
from wagateway.front.serving import Serving
from wagateway.serve import Handlers, Server
from wagateway.settings import Settings

if TYPE_CHECKING:
    from tests.front.logs import Logs

LINK_KEY = bytes(range(32))
Answering = Callable[[Command[Any]], Awaitable[object]]


class Answer(msgspec.Struct, frozen=True):
    """An HTTP answer; `body` is the decoded JSON."""

    status: int
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw)

    @property
    def code(self) -> str:
        return str(self.body["code"])

    @property
    def message(self) -> str:
        return str(self.body["message"])


class Asked(Problem):
    """What a played process answers unless a test says otherwise: who was asked what."""

    def __init__(self, process: str, command: Command[Any]) -> None:
        super().__init__(418, type(command).__name__, process, result=command)


class Stage:
    """The supervisor, workers and sandbox, all played by the test, and the front they stand behind."""

    def __init__(self, runtime: Path, settings: Settings, patience: Patience) -> None:
        self.runtime = runtime
        self.settings = settings
        self.rows: dict[str, DeviceRow] = {}
        self.asked: list[tuple[str, Command[Any]]] = []
        self.answers: dict[str, Answering] = {
            "GetDeviceTable": self._table,
            "StartWorker": self._start_worker,
        }
        self.workers: dict[str, Server[str]] = {}
        self.logs: Logs | None = None
        self._drained = False
        self._version = 0
        self._patience = patience
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with self._stack:
            enter = self._stack.enter_context
            self.context = enter(zmq.Context())
            self._feed = enter(Publisher(self.context, wire.supervisor_feed(self.runtime)))
            self._serve("supervisor", wire.supervisor_socket(self.runtime))
            self._serve("sandbox", wire.sandbox_socket(self.runtime))
            front = Front(self.settings, self.runtime, self.context, LINK_KEY, self._patience)
            self.front = await self._stack.enter_async_context(front)
            listener = socket.create_server(("127.0.0.1", 0))
            self.port = int(listener.getsockname()[1])
            self.serving = Serving(self.front, listener)
            self._stack.push_async_callback(self._leave)
            timeout = aiohttp.ClientTimeout(total=20)
            self.http = await self._stack.enter_async_context(aiohttp.ClientSession(timeout=timeout))
            self._stack = self._stack.pop_all()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    def add(self, device_id: str, *, jid: str = "", worker: str = "stopped", **more: Any) -> DeviceRow:
        """A device in the table; a running one gets a worker."""
        row = DeviceRow(
            device_id=device_id,
            state="logged_in" if worker == "running" else "disconnected",
            worker=worker,  # type: ignore[arg-type]
            created_at=more.pop("created_at", None)
            or getattr(self.rows.get(device_id), "created_at", time.time()),
            paired=more.pop("paired", bool(jid)),
            jid=jid,
            **more,
        )
        self.rows[device_id] = row
        if worker == "running" and device_id not in self.workers:
            self.open_worker(device_id)
        self.publish()
        return row

    def open_worker(self, device_id: str) -> None:
        address = wire.worker_socket(self.runtime, device_id)
        self.workers[device_id] = self._serve(device_id, address)

    def kill_worker(self, device_id: str) -> None:
        self.workers.pop(device_id).__exit__(None, None, None)

    def remove(self, device_id: str) -> None:
        del self.rows[device_id]
        self.publish()

    def publish(self) -> None:
        self._feed.publish(msgspec.msgpack.encode(self.table()))

    def table(self) -> DeviceTable:
        self._version += 1
        return DeviceTable(list(self.rows.values()), self._version)

    async def call(self, method: str, path: str, device: str | None = None, **options: Any) -> Answer:
        """One HTTP request; the path goes out as it is written."""
        headers = {**options.pop("headers", {}), **({"X-Device-Id": device} if device is not None else {})}
        url = URL(f"http://127.0.0.1:{self.port}{path}", encoded=True)
        async with self.http.request(method, url, headers=headers, **options) as response:
            return Answer(response.status, dict(response.headers), await response.read())

    async def raw(self, data: bytes) -> bytes:
        """What comes back on a connection of its own until the front closes it."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(data)
        try:
            async with asyncio.timeout(10):
                return await reader.read()
        finally:
            writer.close()

    def _serve(self, process: str, address: str) -> Server[str]:
        handlers: Handlers[str] = Handlers()
        for command in catalogue().values():
            handlers.add(command, self._answer)
        return self._stack.enter_context(Server(self.context, address, handlers, process))

    async def _answer(self, process: str, command: Command[Any]) -> object:
        if not isinstance(command, GetDeviceTable):
            self.asked.append((process, command))
        if self.logs is not None and isinstance(command, ListEvents):
            return await self.logs.answer(process, command)
        answering = self.answers.get(type(command).__name__)
        if answering is None:
            raise Asked(process, command)
        return await answering(command)

    async def _table(self, _: Command[Any]) -> DeviceTable:
        return self.table()

    async def _start_worker(self, command: Command[Any]) -> DeviceRow:
        assert isinstance(command, StartWorker)
        old = self.rows[command.device_id]
        return self.add(old.device_id, jid=old.jid, worker="running", paired=old.paired)

    async def drain(self, grace: float = 0.0, patience: float = 6.0) -> None:
        self._drained = True
        await self.serving.drain(grace, patience)

    async def listening_ends(self) -> None:
        """Returns once the front takes no new connections."""
        with contextlib.suppress(ConnectionRefusedError):
            async with asyncio.timeout(5):
                while True:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                    writer.close()

    async def _leave(self) -> None:
        if not self._drained:
            await self.drain(patience=0.0)


Staging = Callable[..., Awaitable[Stage]]


@pytest.fixture
async def staging() -> AsyncIterator[Staging]:
    """Makes stages with the settings it is called with."""
    # An ipc path ends at 107 bytes, and pytest's own folders can be longer.
    folder = Path(tempfile.mkdtemp(prefix="wagateway-front-"))
    async with AsyncExitStack() as stack:

        async def make(body_seconds: float = 5.0, stalled: float = 5.0, **settings: Any) -> Stage:
            settings = {"request_timeout": 5.0, "sandbox": True, "storage": folder / "storages", **settings}
            settings["storage"].mkdir(exist_ok=True)
            patience = Patience(body_seconds, 2 * body_seconds, body_seconds, stalled)
            return await stack.enter_async_context(Stage(folder, Settings(**settings), patience))

        yield make
    shutil.rmtree(folder)


@pytest.fixture
async def stage(staging: Staging) -> Stage:
    """A front with no devices yet."""
    return await staging()
