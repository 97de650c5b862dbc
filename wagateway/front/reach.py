"""Whom the front asks, and how it gets to the worker of a device."""

import asyncio
import contextlib

import msgspec

from wagateway.commands.internal import DeviceRow, StartWorker
from wagateway.contract import Needs, Problem
from wagateway.front.bodies import Patience
from wagateway.front.devices import Devices
from wagateway.front.uploads import Spool
from wagateway.link import Link
from wagateway.problems import device_not_logged_in, device_unavailable

_READING = frozenset({"shard", "log"})
_GRACE_SECONDS = 1.0  # a worker said to be running is there at once, or has just died


class Processes(msgspec.Struct, frozen=True):
    """Whom the front asks; `sandbox` is None without one. `timeout` is in seconds."""

    devices: Devices
    supervisor: Link
    sandbox: Link | None
    timeout: float
    patience: Patience
    spool: Spool


async def reach(processes: Processes, row: DeviceRow, needs: Needs, end: float) -> Link | None:
    """The link to the device's worker, as a command that needs this needs it; None where the table answers.

    `end` is the loop's time by which it must be there. Raises `Problem`.
    """
    devices = processes.devices
    if row.worker == "running":
        link = await devices.connected(row.device_id, _GRACE_SECONDS)
        if link is not None:
            return link
    if needs == "nothing":
        return None
    # Asking for a worker ends its back-off: reading must not do that to a device that keeps crashing.
    if needs == "login" or (needs in _READING and row.worker == "waiting"):
        raise _without_worker(row)
    if needs == "shard" and not (row.paired or row.jid):
        raise device_not_logged_in(row.device_id)
    return await _start(processes, row.device_id, end, dials=needs not in _READING)


async def wake(processes: Processes, row: DeviceRow) -> None:
    """Start the device's worker if its log cannot be read without it; never raises a `Problem`."""
    with contextlib.suppress(Problem):
        await reach(processes, row, "log", asyncio.get_running_loop().time() + processes.timeout)


async def _start(processes: Processes, device_id: str, end: float, *, dials: bool) -> Link:
    loop, devices = asyncio.get_running_loop(), processes.devices
    started = await processes.supervisor.ask(StartWorker(device_id=device_id, dials=dials), end - loop.time())
    devices.put(started)
    link = await devices.connected(device_id, end - loop.time())
    if link is None:
        raise device_unavailable("The device's worker did not start")
    return link


def _without_worker(row: DeviceRow) -> Problem:
    if not row.paired and row.worker in ("stopped", "parked"):
        return device_not_logged_in(row.device_id)
    why = f": {row.reason}" if row.reason else ""
    return device_unavailable(f"Device '{row.device_id}' is not running{why}; its worker is {row.worker}")
