"""The devices: adding, showing and removing them, and the proxy of each."""

import contextlib
import time
import uuid
from urllib.parse import urlsplit

import msgspec
import structlog

from supervisor import checks, showing
from supervisor.devices import Devices
from supervisor.keeper import Keeper
from wagateway.commands.devices import (
    CreatedDevice,
    CreateDevice,
    DeviceInfo,
    DeviceProxy,
    GetDevice,
    GetDeviceProxy,
    ListDevices,
    LogoutDevice,
    ReconnectDevice,
    Reconnected,
    Removed,
    RemoveDevice,
    SetDeviceProxy,
)
from wagateway.commands.internal import Unlink
from wagateway.contract import Problem
from wagateway.problems import device_not_logged_in
from wagateway.registry import Entry
from wagateway.settings import Secret

LOGIN_SECONDS = 10.0
UNLINK_SECONDS = 10.0

log = structlog.get_logger()


async def create_device(devices: Devices, command: CreateDevice) -> CreatedDevice:
    """Register only: a worker is started when somebody logs in."""
    device_id = command.device_id or str(uuid.uuid4())
    if device_id in devices.keepers:
        raise Problem(409, "DEVICE_ALREADY_EXISTS", f"Device '{device_id}' already exists")
    entry = Entry(
        device_id=device_id,
        created_at=time.time(),
        webhook_url=checks.device_webhook_url(command.webhook_url),
        webhook_secret=Secret(checks.device_secret(command.webhook_secret)),
        webhook_events=command.webhook_events,
        webhook_insecure=command.webhook_insecure_skip_verify,
        proxy=checks.proxy(command.proxy),
    )
    info = msgspec.structs.asdict(showing.device(devices.add(entry).row()))
    hook = msgspec.structs.asdict(showing.device_webhook(entry))
    return CreatedDevice(**info | hook)


async def list_devices(devices: Devices, command: ListDevices) -> list[DeviceInfo]:
    """Oldest first."""
    return [showing.device(keeper.row()) for keeper in devices.keepers.values()]


async def get_device(devices: Devices, command: GetDevice) -> DeviceInfo:
    """By id, or by JID."""
    return showing.device(devices.find(command.device_id).row())


async def remove_device(devices: Devices, command: RemoveDevice) -> Removed:
    """Unlink as far as WhatsApp can be reached, then purge."""
    return await _purge(devices, devices.find(command.device_id))


async def logout_device(devices: Devices, command: LogoutDevice) -> Removed:
    """The guide's logout is a full purge."""
    return await _purge(devices, devices.find(command.device_id))


async def reconnect_device(devices: Devices, command: ReconnectDevice) -> Reconnected:
    """A new worker takes 0.1 s and leaks nothing, unlike a reconnect inside the old one."""
    keeper = devices.find(command.device_id)
    if not keeper.entry.paired:
        raise device_not_logged_in(keeper.entry.device_id)
    await keeper.stop()
    keeper.start()
    with contextlib.suppress(Problem):  # it goes on trying, and its state says so
        await _settled(keeper)
    row = keeper.row()
    return Reconnected(device_id=row.device_id, state=row.state)


async def get_device_proxy(devices: Devices, command: GetDeviceProxy) -> DeviceProxy:
    """The device's own, whose password is not told."""
    return _shown(devices.find(command.device_id).entry)


async def set_device_proxy(devices: Devices, command: SetDeviceProxy) -> DeviceProxy:
    """A worker that runs is replaced: no connection may outlive the change."""
    keeper = devices.find(command.device_id)
    entry = msgspec.structs.replace(keeper.entry, proxy=checks.proxy(command.proxy))
    devices.change(keeper, entry)
    if keeper.child is not None:
        await keeper.stop()
        keeper.start(dials=keeper.dials)
    return _shown(entry)


async def _purge(devices: Devices, keeper: Keeper) -> Removed:
    unlinked = await _unlink(devices, keeper)
    device_id = keeper.entry.device_id
    await devices.remove(keeper)
    log.info("device.removed", device=device_id, unlinked=unlinked)
    return Removed(device_id=device_id, unlinked=unlinked)


async def _unlink(devices: Devices, keeper: Keeper) -> bool:
    """Whether WhatsApp was told; a device whose account cannot be reached is removed all the same."""
    if not keeper.entry.paired:
        return False
    await keeper.connect()
    try:
        await _settled(keeper)
        return (await devices.ask(keeper, Unlink(), UNLINK_SECONDS)).unlinked
    except (Problem, TimeoutError) as error:
        log.warning("device.not_unlinked", device=keeper.entry.device_id, error=str(error))
        return False


async def _settled(keeper: Keeper) -> None:
    """Returns when it has logged in, or will not; raises `Problem` where that takes too long."""
    await keeper.until(lambda row: row.worker == "parked" or row.state == "logged_in", LOGIN_SECONDS)


def _shown(entry: Entry) -> DeviceProxy:
    parts = urlsplit(entry.proxy.value)
    place = parts.netloc.rpartition("@")[2]
    return DeviceProxy(entry.device_id, f"{parts.scheme}://{place}" if place else "")
