"""The processes: the table of devices, their workers, and how all is."""

import asyncio
import re
from importlib.metadata import version

import msgspec

from supervisor.devices import Devices
from supervisor.keeper import Keeper
from supervisor.memory import pss
from wagateway.commands.internal import (
    DeviceRow,
    DeviceTable,
    GetDeviceTable,
    GetOverview,
    Overview,
    ProcessRow,
    RestartWorker,
    StartWorker,
)
from wagateway.problems import device_unavailable

READY_SECONDS = 10.0
_NEEDS_A_PERSON = frozenset(
    {"crash_loop", "logged_out", "stream_replaced", "banned", "client_outdated", "shard_unusable"}
)


async def get_device_table(devices: Devices, command: GetDeviceTable) -> DeviceTable:
    """As of now; the feed has what follows."""
    return devices.table()


async def start_worker(devices: Devices, command: StartWorker) -> DeviceRow:
    """Answered when the worker answers commands."""
    keeper = devices.find(command.device_id)
    keeper.start(dials=command.dials)
    return await _running(keeper)


async def restart_worker(devices: Devices, command: RestartWorker) -> DeviceRow:
    """Cleanly; also out of parking."""
    keeper = devices.find(command.device_id)
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


def _needs_a_person(row: DeviceRow) -> bool:
    if row.storage:  # nothing is stored until somebody makes room or looks after the disk
        return True
    if row.jid and not row.paired:  # logged out, also while a worker runs so that its log can be read
        return True
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
