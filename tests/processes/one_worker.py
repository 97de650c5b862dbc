"""One worker process without a supervisor: exec'ed, told by its spec, asked over its socket."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import msgspec
import zmq

from wagateway import wire
from wagateway.commands.app import ConnectionStatus, DeviceState, GetConnectionStatus
from wagateway.commands.internal import Beat
from wagateway.contract import Command
from wagateway.link import Link
from wagateway.settings import Settings
from wagateway.sockets import Pump, open_socket
from wagateway.spec import SandboxNetwork, WorkerSpec, device_folder, encode

R = TypeVar("R")

PROGRAM = "import sys; from workers.worker import main; main(sys.stdin.buffer.read())"
SECONDS = 30.0


class Worker:
    """A worker process, and the end of the pipe that is its supervisor's life."""

    def __init__(
        self,
        folder: Path,
        device: str = "shop one",
        network: SandboxNetwork | None = None,
        program: str = PROGRAM,
    ) -> None:
        self.device = device
        self.folder = device_folder(folder / "storage", device)
        self.errors = folder / "stderr"
        self._runtime = folder
        read, self._life = os.pipe()
        spec = WorkerSpec(
            device_id=device,
            token="token",
            settings=Settings(storage=folder / "storage", sandbox=network is not None),
            runtime=folder,
            life=read,
            log=2,
            connect=True,
            hooks=[],
            sandbox=network,
        )
        environment = {**os.environ, "NEONIZE_BOT_TAG": "off"}
        if network is not None:
            environment["SSL_CERT_FILE"] = network.ca
        with self.errors.open("ab") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-c", program],
                stdin=subprocess.PIPE,
                stderr=errors,
                pass_fds=(read,),
                env=environment,
            )
        os.close(read)
        assert self.process.stdin is not None
        self.process.stdin.write(encode(spec))
        self.process.stdin.close()

    async def ask(self, command: Command[R]) -> R:
        """The reply of this worker, once it is there."""
        address = wire.worker_socket(self._runtime, self.device)
        with zmq.Context() as context, Link(context, address) as link:
            await asyncio.wait_for(link.connected.wait(), SECONDS)
            return await link.ask(command, SECONDS)

    async def status(self) -> ConnectionStatus:
        """What the worker says about its connection."""
        return await self.ask(GetConnectionStatus())

    def orphan(self) -> None:
        """Let the worker's supervisor be gone."""
        os.close(self._life)
        self._life = -1

    async def ended(self) -> int:
        """The exit code."""
        return await asyncio.to_thread(self.process.wait, SECONDS)

    def close(self) -> None:
        """Kill what is left."""
        if self._life >= 0:
            self.orphan()
        self.process.kill()
        self.process.wait()


class Supervisor:
    """The receiving end of the beats: the newest of each device."""

    def __init__(self, folder: Path) -> None:
        self.beats: dict[str, Beat] = {}
        self._waiting: list[tuple[str, DeviceState, asyncio.Future[Beat]]] = []
        self._context = zmq.Context()
        self._socket = open_socket(self._context, zmq.PULL)
        self._socket.bind(wire.beats_socket(folder))
        self._reader = Pump(self._socket, self._received)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reader.close()
        self._socket.close()
        self._context.term()

    async def until(self, device: str, state: DeviceState) -> Beat:
        """The first beat of the device in this state, from now on, however short the state is."""
        seen: asyncio.Future[Beat] = asyncio.get_running_loop().create_future()
        self._waiting.append((device, state, seen))
        return await asyncio.wait_for(seen, SECONDS)

    def _received(self, frames: list[bytes]) -> None:
        beat = msgspec.msgpack.decode(frames[0], type=Beat)
        self.beats[beat.device_id] = beat
        for device, state, seen in self._waiting:
            if (device, state) == (beat.device_id, beat.state) and not seen.done():
                seen.set_result(beat)
        self._waiting = [each for each in self._waiting if not each[2].done()]
