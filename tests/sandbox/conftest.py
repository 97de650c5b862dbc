"""Three phones without a process; a sandbox process and real neonize clients for the tests that need both."""

import asyncio
import contextlib
import itertools
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Self

import pytest
import pytest_asyncio
import zmq

from wagateway import wire
from wagateway.commands import sandbox as c
from wagateway.contract import Command
from wagateway.link import Context, Link
from wagateway.sandbox.world import World
from wagateway.whatsapp.stanza import Node

SECONDS = 30.0
ANN, BOB, CAROL = "628111000001", "628111000002", "628111000003"


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path)
    for number, name in ((ANN, "Ann"), (BOB, "Bob"), (CAROL, "Carol")):
        world.add_phone(number, name)
    yield world
    world.close()


class Sandbox:
    """A running sandbox process."""

    def __init__(self, folder: Path, context: Context) -> None:
        self.folder = folder
        self.link = Link(context, wire.sandbox_socket(folder))
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it, or start it again, and wait until clients and commands are served."""
        self.link.connected.clear()
        ready, told = os.pipe()
        with (self.folder / "sandbox.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *[sys.executable, "-m", "wagateway.sandbox", "--dir", str(self.folder)],
                f"--ready-fd={told}",
                stdout=log,
                stderr=log,
                pass_fds=(told,),
            )
        os.close(told)
        said = await asyncio.to_thread(os.read, ready, 1)
        os.close(ready)
        assert b"1" == said, (self.folder / "sandbox.log").read_text()[-2000:]
        await asyncio.wait_for(self.link.connected.wait(), SECONDS)
        await self.ask(c.ListPhones())

    async def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End it; its exit code."""
        assert self._process is not None
        if self._process.returncode is None:
            self._process.send_signal(how)
        return await asyncio.wait_for(self._process.wait(), SECONDS)

    async def ask(self, command: Command[Any], seconds: float = SECONDS) -> Any:
        """The reply to a command."""
        return await self.link.ask(command, seconds)


def got(answer: Node, *path: str) -> Node:
    """The part of an answer that is found by these tags, one inside the other."""
    for tag in path:
        child = answer.child(tag)
        assert child is not None, answer
        answer = child
    return answer


def code(answer: Node) -> str:
    """The error of an answer."""
    return got(answer, "error").attr("code")


class RealClient:
    """A real neonize client in a process of its own."""

    def __init__(self, folder: Path, name: str) -> None:
        self.said: list[dict[str, Any]] = []
        self._folder = folder
        self._name = name
        self._orders = itertools.count(1)
        self._changed = asyncio.Condition()
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> Self:
        """Start it, again with the same session."""
        self.said.clear()
        folder = self._folder
        environment = {**os.environ, "SSL_CERT_FILE": str(folder / "ca.pem"), "NEONIZE_BOT_TAG": "off"}
        arguments = [*self._program(), str(folder / f"{self._name}.db")]
        with (folder / f"{self._name}.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *[sys.executable, "-m", *arguments],
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env=environment,
            )
        self._listener = asyncio.create_task(self._listen(self._process))
        return self

    def _program(self) -> list[str]:
        return ["tests.sandbox.real_client", str(self._folder / "network.json")]

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while line := await process.stdout.readline():
            with contextlib.suppress(ValueError):  # neonize prints to stdout, too
                told = json.loads(line)
                async with self._changed:
                    self.said.append(told)
                    self._changed.notify_all()

    async def kill(self) -> None:
        """End it as an accident would."""
        assert self._process is not None
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        await self._listener
        self._process._transport.close()  # type: ignore[attr-defined]

    async def hears(self, said: str, seconds: float = SECONDS, **facts: object) -> dict[str, Any]:
        """The first thing it said with these facts."""

        def find() -> dict[str, Any] | None:
            for told in self.said:
                if told["said"] == said and all(told.get(name) == value for name, value in facts.items()):
                    return told
            return None

        try:
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait_for(lambda: find() is not None)
        except TimeoutError:
            raise TimeoutError(f"no {said} {facts} in {self.said}") from None
        found = find()
        assert found is not None
        return found

    async def begin(self, do: str, **facts: object) -> int:
        """Give an order and do not wait; its number."""
        assert self._process is not None
        assert self._process.stdin is not None
        order = next(self._orders)
        self._process.stdin.write(json.dumps({"order": order, "do": do, **facts}).encode() + b"\n")
        await self._process.stdin.drain()
        return order

    async def does(self, do: str, seconds: float = SECONDS, **facts: object) -> dict[str, Any]:
        """Give an order and wait for its outcome."""
        return await self.hears("done", seconds, order=await self.begin(do, **facts))


NewClient = Callable[..., Awaitable[RealClient]]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def sandbox(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Sandbox]:
    with zmq.Context() as context:
        running = Sandbox(tmp_path_factory.mktemp("sandbox"), context)
        with running.link:
            await running.start()
            yield running
            assert await running.stop() == 0


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def new_client(sandbox: Sandbox) -> AsyncIterator[NewClient]:
    """Starts real clients; with a number they are linked to its phone by QR code."""
    clients: list[RealClient] = []

    async def make(name: str, number: str = "") -> RealClient:
        client = RealClient(sandbox.folder, name)
        clients.append(client)
        await client.start()
        if number:
            await sandbox.ask(c.AddPhone(phone=number, name=name.title()))
            code = await client.hears("qr")
            await sandbox.ask(c.ScanQr(phone=number, qr=code["code"]))
            await client.hears("connected")
        return client

    yield make
    for client in clients:
        await client.kill()
