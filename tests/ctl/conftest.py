"""A gateway for wagatewayctl to ask: real sockets, answered by a thread of the test."""

import asyncio
import threading
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
import pytest
import zmq

from wagateway import wire
from wagateway.commands.internal import DeviceRow, DeviceTable
from wagateway.contract import Command
from wagateway.ctl.main import main
from wagateway.feed import Publisher
from wagateway.serve import Handlers, Server

SOON = 5.0


class Answering:
    """Answers the commands in `replies` (a value, or an exception) at an address; keeps what was asked."""

    def __init__(self, runtime: Path, address: str) -> None:
        self._runtime = runtime
        self._address = address
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self.replies: dict[type[Command[Any]], Any] = {}
        self.asked: list[Command[Any]] = []

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(SOON)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(SOON)

    def publish(self, *rows: DeviceRow) -> None:
        """Publish a device table, from the server's loop."""
        self._publisher.publish(msgspec.msgpack.encode(DeviceTable(list(rows))))

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        handlers: Handlers[Answering] = Handlers()
        for command in self.replies:
            handlers.add(command, Answering._answer)
        with ExitStack() as stack:
            context = stack.enter_context(zmq.Context())
            feed = "inproc://no-feed"
            if self._address == wire.supervisor_socket(self._runtime):
                feed = wire.supervisor_feed(self._runtime)
            self._publisher = stack.enter_context(Publisher(context, feed))
            stack.enter_context(Server(context, self._address, handlers, self))
            self._ready.set()
            await self._over.wait()

    async def _answer(self, command: Command[Any]) -> Any:
        self.asked.append(command)
        reply = self.replies[type(command)]
        if callable(reply):
            reply = await reply()
        if isinstance(reply, Exception):
            raise reply
        return reply


class Terminal:
    """Runs wagatewayctl as its user does; `out` and `err` are what the last call printed."""

    def __init__(self, folder: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.runtime = folder / "run"
        self.storage = folder / "storages"
        self._capture = capture
        self.out = self.err = ""

    def supervisor(self) -> Answering:
        """Not started: give it `replies`, then use it in a `with`."""
        return Answering(self.runtime, wire.supervisor_socket(self.runtime))

    def worker(self, device: str) -> Answering:
        """The same for the worker of a device."""
        return Answering(self.runtime, wire.worker_socket(self.runtime, device))

    def sandbox(self) -> Answering:
        """The same for the sandbox."""
        return Answering(self.runtime, wire.sandbox_socket(self.runtime))

    def __call__(self, *words: str) -> int:
        self._capture.readouterr()
        code = main([f"--storage={self.storage}", f"--runtime={self.runtime}", *words])
        self.out, self.err = self._capture.readouterr()
        return code

    @property
    def json(self) -> Any:
        """The last call's output, decoded."""
        return msgspec.json.decode(self.out)


@pytest.fixture
def ctl(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.chdir(tmp_path)
    terminal = Terminal(tmp_path, capsys)
    terminal.runtime.mkdir(mode=0o700)
    return terminal
