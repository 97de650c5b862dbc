"""Devices whose workers are made up: they beat, die and stop as a test says."""

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio
import zmq

from supervisor.devices import Devices, Given
from supervisor.spawn import Order
from wagateway import wire
from wagateway.commands.internal import Beat, DeviceRow
from wagateway.feed import Publisher
from wagateway.registry import Registry
from wagateway.settings import Settings
from wagateway.spec import WorkerSpec, decode_worker


class Worker:
    """Looks like a `Child`; `obeys` is whether SIGTERM ends it."""

    def __init__(self, spec: WorkerSpec, pid: int) -> None:
        self.spec = spec
        self.pid = pid
        self.started_at = time.time()
        self.lived = 0.0
        self.ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.signals: list[signal.Signals] = []
        self.asked_to_stop = asyncio.Event()
        self.obeys = True

    def send(self, number: signal.Signals) -> None:
        self.signals.append(number)

    def die(self, code: int) -> None:
        if not self.ended.done():
            self.ended.set_result(code)

    async def stop(self, patience: float) -> int:
        self.send(signal.SIGTERM)
        self.asked_to_stop.set()
        if self.obeys:
            self.die(0)
        return await asyncio.shield(self.ended)

    def last_words(self) -> str:
        return "last words"


class World:
    """Devices and their made-up workers. `beat` is what a new worker says first; None: nothing."""

    def __init__(self, folder: Path, context: zmq.Context, registry: Registry) -> None:
        self.folder = folder
        self.registry = registry
        self.workers: list[Worker] = []
        self.broken = False
        self.first_beat: Callable[[WorkerSpec], dict[str, object]] | None = _ready
        self.stack = contextlib.ExitStack()
        self.feed = self.stack.enter_context(Publisher(context, wire.supervisor_feed(folder)))
        self.context = context
        self.devices = self.fresh()

    def fresh(self, **settings_: Any) -> Devices:
        given = Given(self.folder, life=0, log=2, webhook_secret="whsec_x", sandbox=None)
        settings = Settings(storage=self.folder, **settings_)
        return Devices(settings, self.context, self.registry, self.feed, given, self.fork)  # type: ignore[arg-type]

    def fork(self, order: Order) -> Worker:
        if self.broken:
            raise OSError("the zygote is gone")
        spec = decode_worker(order.spec)
        worker = Worker(spec, 1000 + len(self.workers))
        self.workers.append(worker)
        if self.first_beat is not None:
            asyncio.get_running_loop().call_soon(lambda: self.beat(worker, **self.first_beat(spec)))
        return worker

    def beat(self, worker: Worker, **fields: object) -> None:
        beat = Beat(device_id=worker.spec.device_id, token=worker.spec.token, **fields)  # type: ignore[arg-type]
        self.devices.beaten(msgspec.msgpack.encode(beat))

    def row(self, device_id: str) -> DeviceRow:
        return self.devices.keepers[device_id].row()

    async def until(self, device_id: str, condition: Callable[[DeviceRow], bool]) -> DeviceRow:
        return await self.devices.keepers[device_id].until(condition, 5)

    def of(self, device_id: str) -> list[Worker]:
        return [worker for worker in self.workers if worker.spec.device_id == device_id]


def _ready(spec: WorkerSpec) -> dict[str, object]:
    return {"state": "logged_in", "jid": JID} if spec.connect else {"state": "disconnected"}


JID = "628111000001@s.whatsapp.net"


@pytest_asyncio.fixture
async def world(tmp_path: Path, _no_delays: None) -> AsyncIterator[World]:
    with zmq.Context() as context, Registry(tmp_path / "registry.db") as registry:
        made = World(tmp_path, context, registry)
        with made.stack:
            yield made
            for worker in made.workers:
                worker.obeys = True
                worker.die(0)
            await made.devices.stop(1)


@pytest.fixture
def _no_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("supervisor.keeper.RETRY_SECONDS", 0.001)
    monkeypatch.setattr("supervisor.restart._FIRST_SECONDS", 0.0001)
