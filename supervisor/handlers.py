"""What the supervisor answers."""

import asyncio
import contextlib
import re
import time
import uuid
from importlib.metadata import version
from urllib.parse import urlsplit

import msgspec
import structlog

from supervisor.devices import Devices
from supervisor.keeper import Keeper
from supervisor.memory import pss
from wagateway import wire
from wagateway.commands.devices import (
    CreatedDevice,
    CreateDevice,
    DeviceInfo,
    DeviceProxy,
    DeviceWebhook,
    GetDevice,
    GetDeviceProxy,
    GetDeviceWebhook,
    ListDevices,
    LogoutDevice,
    ReconnectDevice,
    Reconnected,
    Removed,
    RemoveDevice,
    SetDeviceProxy,
    SetDeviceWebhook,
)
from wagateway.commands.internal import (
    ConfigureHooks,
    DeviceRow,
    DeviceTable,
    GetDeviceTable,
    GetOverview,
    Overview,
    ProcessRow,
    RestartWorker,
    StartWorker,
    Unlink,
)
from wagateway.contract import Command, Problem, R
from wagateway.link import Link
from wagateway.phone import digits
from wagateway.problems import device_not_found, device_not_logged_in, device_unavailable, invalid
from wagateway.registry import Entry
from wagateway.settings import PROXY_FORM, Secret, is_proxy, is_web

READY_SECONDS = 10.0
UNLINK_SECONDS = 10.0
CONFIGURE_SECONDS = 3.0
_HIDDEN = "***"
_SECOND_URL = re.compile(r"[,\s]\s*https?://")
_NEEDS_A_PERSON = frozenset(
    {"crash_loop", "logged_out", "stream_replaced", "banned", "client_outdated", "shard_unusable"}
)

log = structlog.get_logger()


async def create_device(devices: Devices, command: CreateDevice) -> CreatedDevice:
    """Register only: a worker is started when somebody logs in."""
    device_id = command.device_id or str(uuid.uuid4())
    if device_id in devices.keepers:
        raise Problem(409, "DEVICE_ALREADY_EXISTS", f"Device '{device_id}' already exists")
    entry = Entry(
        device_id=device_id,
        created_at=time.time(),
        webhook_url=_web(command.webhook_url),
        webhook_secret=Secret(command.webhook_secret),
        webhook_events=command.webhook_events,
        webhook_insecure=command.webhook_insecure_skip_verify,
        proxy=_proxy(command.proxy),
    )
    info = msgspec.structs.asdict(_info(devices.add(entry).row()))
    hook = msgspec.structs.asdict(_webhook(entry))
    return CreatedDevice(**info | hook)


async def list_devices(devices: Devices, command: ListDevices) -> list[DeviceInfo]:
    """Oldest first."""
    return [_info(keeper.row()) for keeper in devices.keepers.values()]


async def get_device(devices: Devices, command: GetDevice) -> DeviceInfo:
    """By id, or by JID."""
    return _info(_find(devices, command.device_id).row())


async def remove_device(devices: Devices, command: RemoveDevice) -> Removed:
    """Unlink as far as WhatsApp can be reached, then purge."""
    return await _purge(devices, _find(devices, command.device_id))


async def logout_device(devices: Devices, command: LogoutDevice) -> Removed:
    """The guide's logout is a full purge."""
    return await _purge(devices, _find(devices, command.device_id))


async def reconnect_device(devices: Devices, command: ReconnectDevice) -> Reconnected:
    """A new worker takes 0.1 s and leaks nothing, unlike a reconnect inside the old one."""
    keeper = _find(devices, command.device_id)
    if not keeper.entry.paired:
        raise device_not_logged_in(keeper.entry.device_id)
    await keeper.stop()
    keeper.start()
    with contextlib.suppress(Problem):  # it goes on trying, and its state says so
        await keeper.until(lambda row: row.worker == "parked" or row.state == "logged_in", READY_SECONDS)
    row = keeper.row()
    return Reconnected(device_id=row.device_id, state=row.state)


async def get_device_webhook(devices: Devices, command: GetDeviceWebhook) -> DeviceWebhook:
    """The device's own, whose secret is not told."""
    return _webhook(_find(devices, command.device_id).entry)


async def set_device_webhook(devices: Devices, command: SetDeviceWebhook) -> DeviceWebhook:
    """Kept, then told to the running worker; one that starts meanwhile is told at its start."""
    keeper = _find(devices, command.device_id)
    entry = keeper.entry
    if command.webhook_url is not None:
        entry = msgspec.structs.replace(entry, webhook_url=_web(command.webhook_url))
    if command.webhook_secret is not None:
        entry = msgspec.structs.replace(entry, webhook_secret=Secret(command.webhook_secret))
    if command.webhook_events is not None:
        entry = msgspec.structs.replace(entry, webhook_events=command.webhook_events)
    if command.webhook_insecure_skip_verify is not None:
        entry = msgspec.structs.replace(entry, webhook_insecure=command.webhook_insecure_skip_verify)
    devices.change(keeper, entry)
    if keeper.child is not None and not await _configured(devices, keeper):
        await keeper.stop()  # it hangs or leaves: the next one starts with what was kept
        keeper.start()
    return _webhook(entry)


async def get_device_proxy(devices: Devices, command: GetDeviceProxy) -> DeviceProxy:
    """The device's own, whose password is not told."""
    return _shown(_find(devices, command.device_id).entry)


async def set_device_proxy(devices: Devices, command: SetDeviceProxy) -> DeviceProxy:
    """A worker that runs is replaced: no connection may outlive the change."""
    keeper = _find(devices, command.device_id)
    entry = msgspec.structs.replace(keeper.entry, proxy=_proxy(command.proxy))
    devices.change(keeper, entry)
    if keeper.child is not None:
        await keeper.stop()
        keeper.start()
    return _shown(entry)


async def get_device_table(devices: Devices, command: GetDeviceTable) -> DeviceTable:
    """As of now; the feed has what follows."""
    return devices.table()


async def start_worker(devices: Devices, command: StartWorker) -> DeviceRow:
    """Answered when the worker answers commands."""
    keeper = _find(devices, command.device_id)
    keeper.start()
    return await _running(keeper)


async def restart_worker(devices: Devices, command: RestartWorker) -> DeviceRow:
    """Cleanly; also out of parking."""
    keeper = _find(devices, command.device_id)
    await keeper.stop()
    keeper.start()
    return await _running(keeper)


async def get_overview(devices: Devices, command: GetOverview) -> Overview:
    """Every process with its memory."""
    fixed = devices.fixed()
    rows = [_process(keeper) for keeper in devices.keepers.values()]
    # The kernel walks every page for this: 1 ms a process, too long for the loop.
    memory = await asyncio.to_thread(lambda: {row.pid: pss(row.pid) for row in (*fixed, *rows) if row.pid})
    well = all(row.pid for row in fixed) and not any(_needs_a_person(row) for row in devices.table().rows)
    return Overview(
        version=version("wagateway"),
        started_at=devices.started_at,
        sandbox=devices.settings.sandbox,
        well=well,
        processes=[_with_memory(row, memory) for row in fixed],
        devices=[_with_memory(row, memory) for row in rows],
    )


async def _running(keeper: Keeper) -> DeviceRow:
    row = await keeper.until(lambda row: row.worker in ("running", "parked", "stopped"), READY_SECONDS)
    if row.worker != "running":
        raise device_unavailable(f"The device's worker is {row.worker}: {row.reason or row.last_exit}")
    return row


def _find(devices: Devices, wanted: str) -> Keeper:
    keeper = devices.keepers.get(wanted)
    if keeper is None and wanted:
        keeper = next((one for one in devices.keepers.values() if one.entry.jid == wanted), None)
    if keeper is None:
        raise device_not_found(wanted[:128])
    return keeper


def _info(row: DeviceRow) -> DeviceInfo:
    created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(row.created_at))
    return DeviceInfo(
        device_id=row.device_id,
        id=row.device_id,
        state=row.state,
        created_at=created,
        jid=row.jid,
        display_name=row.display_name,
        phone_number=digits(row.jid),
        reason=row.reason,
        name=row.display_name,
        device=row.jid,
    )


def _webhook(entry: Entry) -> DeviceWebhook:
    return DeviceWebhook(
        device_id=entry.device_id,
        webhook_url=_without_password(entry.webhook_url),
        webhook_secret=_HIDDEN if entry.webhook_secret.value else "",
        webhook_events=entry.webhook_events,
        webhook_insecure_skip_verify=entry.webhook_insecure,
    )


def _without_password(url: str) -> str:
    password = urlsplit(url).password
    return url.replace(f":{password}@", f":{_HIDDEN}@", 1) if password else url


def _web(url: str) -> str:
    if url and (not is_web(url) or _SECOND_URL.search(url)):
        raise invalid("webhook_url", "must be one http or https URL")
    return url


def _proxy(url: str) -> Secret:
    if url and not is_proxy(url):
        raise invalid("proxy", PROXY_FORM)
    return Secret(url)


def _shown(entry: Entry) -> DeviceProxy:
    parts = urlsplit(entry.proxy.value)
    place = parts.netloc.rpartition("@")[2]
    return DeviceProxy(entry.device_id, f"{parts.scheme}://{place}" if place else "")


async def _configured(devices: Devices, keeper: Keeper) -> bool:
    """Whether the running worker has taken the device's webhook."""
    hooks = devices.hooks(keeper.entry)
    try:
        await _ask(devices, keeper, ConfigureHooks(hooks=hooks), CONFIGURE_SECONDS)
    except (Problem, TimeoutError):
        return False
    return True


def _needs_a_person(row: DeviceRow) -> bool:
    words = re.split(r"[^a-z_]+", row.reason)
    return any(word in _NEEDS_A_PERSON for word in (*words, row.last_exit if row.worker == "parked" else ""))


def _process(keeper: Keeper) -> ProcessRow:
    row = keeper.row()
    return ProcessRow(
        role="worker",
        pid=row.pid,
        started_at=row.started_at,
        restarts=row.restarts,
        last_exit=row.last_exit,
        memory=0,
        device=row,
    )


def _with_memory(row: ProcessRow, memory: dict[int, int]) -> ProcessRow:
    return msgspec.structs.replace(row, memory=memory.get(row.pid, 0))


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
    keeper.start()
    try:
        await keeper.until(lambda row: row.worker == "parked" or row.state == "logged_in", READY_SECONDS)
        return (await _ask(devices, keeper, Unlink(), UNLINK_SECONDS)).unlinked
    except (Problem, TimeoutError) as error:
        log.warning("device.not_unlinked", device=keeper.entry.device_id, error=str(error))
        return False


async def _ask(devices: Devices, keeper: Keeper, command: Command[R], seconds: float) -> R:
    """The worker's reply; raises `Problem`, or TimeoutError where it cannot be reached."""
    with Link(devices.context, wire.worker_socket(devices.runtime, keeper.entry.device_id)) as link:
        async with asyncio.timeout(seconds):
            await link.connected.wait()
        return await link.ask(command, seconds)
