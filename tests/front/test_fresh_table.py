"""Who has just changed the devices finds them changed, however late the supervisor's feed is."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
import zmq
from aiohttp.test_utils import TestClient, TestServer

from wagateway import wire
from wagateway.commands.devices import CreateDevice, DeviceInfo, LogoutDevice, Removed, RemoveDevice
from wagateway.commands.internal import DeviceRow, DeviceTable, GetDeviceTable
from wagateway.front.application import build
from wagateway.front.devices import Devices
from wagateway.front.requests import Road
from wagateway.serve import Handlers, Server
from wagateway.settings import Settings


class Supervisor:
    """Keeps devices and never publishes them."""

    def __init__(self) -> None:
        self.rows: dict[str, DeviceRow] = {}
        self.version = 0

    async def create(self, command: CreateDevice) -> DeviceInfo:
        name = command.device_id or "x"
        self.rows[name] = DeviceRow(device_id=name, state="disconnected", worker="stopped", created_at=1.0)
        return DeviceInfo(device_id=name, id=name, state="disconnected", created_at="")

    async def remove(self, command: RemoveDevice | LogoutDevice) -> Removed:
        del self.rows[command.device_id]
        return Removed(command.device_id, True)

    async def table(self, command: GetDeviceTable) -> DeviceTable:
        self.version += 1
        return DeviceTable(list(self.rows.values()), self.version)


Client = TestClient[aiohttp.web.Request, aiohttp.web.Application]


@pytest_asyncio.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    handlers: Handlers[Supervisor] = Handlers()
    handlers.add(CreateDevice, Supervisor.create)
    handlers.add(RemoveDevice, Supervisor.remove)
    handlers.add(LogoutDevice, Supervisor.remove)
    handlers.add(GetDeviceTable, Supervisor.table)
    with zmq.Context() as context:
        address = wire.supervisor_socket(tmp_path)
        with Server(context, address, handlers, Supervisor()), Devices(context, tmp_path) as devices:
            await devices.load()
            application = build(Settings(), Road(devices, None, 5.0))
            async with TestClient(TestServer(application)) as made:
                yield made


async def test_a_created_device_is_there_for_the_next_request(client: Client) -> None:
    for name in ("one", "two"):
        await client.post("/devices", json={"device_id": name})
        answer = await client.get(f"/devices/{name}/status")
        assert 200 == answer.status
    assert 400 == (await client.get("/app/status")).status


@pytest.mark.parametrize(
    ("method", "path"), [("DELETE", "/devices/one"), ("POST", "/devices/one/logout"), ("GET", "/app/logout")]
)
async def test_a_removed_device_is_gone_for_the_next_request(client: Client, method: str, path: str) -> None:
    await client.post("/devices", json={"device_id": "one"})
    assert 200 == (await client.request(method, path)).status
    assert 404 == (await client.get("/devices/one/status")).status


async def test_an_older_table_does_not_undo_a_newer_one(tmp_path: Path) -> None:
    with zmq.Context() as context, Devices(context, tmp_path) as devices:
        row = DeviceRow(device_id="one", state="disconnected", worker="stopped", created_at=1.0)
        devices._update(DeviceTable([row], 2))
        devices._update(DeviceTable([], 1))
        assert row == devices.find("one")
