"""How wagatewayctl reaches the processes: it finds their sockets as they do, and asks them once."""

import asyncio
import os
import stat
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import msgspec
import zmq

from wagateway import wire
from wagateway.commands.internal import DeviceRow, DeviceTable, GetDeviceTable, StartWorker
from wagateway.contract import Command
from wagateway.link import Context, Link
from wagateway.problems import device_not_found

R = TypeVar("R")

SECONDS = 150.0  # commands have limits of their own; the longest waits two minutes for a phone's inbox
_CONNECT_SECONDS = 1.0


class Failure(Exception):
    """A sentence for the person at the terminal; `code` is the exit code."""

    def __init__(self, sentence: str, code: int = 1) -> None:
        super().__init__(sentence)
        self.code = code


NOT_RUNNING = 3
"""The exit code when the process that was to answer is not there."""


class Place(msgspec.Struct, frozen=True):
    """Where the gateway that is meant keeps its data and its sockets."""

    storage: Path
    runtime: Path


@asynccontextmanager
async def linked(context: Context, place: Place, address: str, who: str) -> AsyncIterator[Link]:
    """A link to the process at `address`; raises `Failure` when nobody answers there."""
    _check_owner(place.runtime)
    absent = Failure(f"{who} is not running: nothing answers in {place.runtime}", NOT_RUNNING)
    if not _is_there(address):
        raise absent
    with Link(context, address) as link:
        try:
            await asyncio.wait_for(link.connected.wait(), _CONNECT_SECONDS)
        except TimeoutError:  # the socket is left of one that was killed
            raise absent from None
        yield link


def ask(place: Place, address: str, command: Command[R], who: str = "The gateway") -> R:
    """The reply of the process at `address`; raises `Problem` or `Failure`."""

    async def once() -> R:
        with zmq.Context() as context:
            async with linked(context, place, address, who) as link:
                return await link.ask(command, SECONDS)

    return asyncio.run(once())


def ask_supervisor(place: Place, command: Command[R]) -> R:
    """The supervisor's reply; raises `Problem` or `Failure`."""
    return ask(place, wire.supervisor_socket(place.runtime), command)


def ask_sandbox(place: Place, command: Command[R]) -> R:
    """The sandbox's reply; raises `Problem` or `Failure`."""
    return ask(place, wire.sandbox_socket(place.runtime), command, "The sandbox")


def ask_worker(place: Place, device: str, command: Command[R]) -> R:
    """The reply of the worker of a device, which is started if need be; raises `Problem` or `Failure`."""

    async def once() -> R:
        with zmq.Context() as context:
            row = await started(context, place, device)
            if row.worker == "waiting":
                why = row.reason or row.last_exit or "it failed"
                raise Failure(
                    f"The worker of {row.device_id} is not running ({why}); it starts again by itself",
                    NOT_RUNNING,
                )
            address = wire.worker_socket(place.runtime, row.device_id)
            async with linked(context, place, address, f"The worker of {row.device_id}") as link:
                return await link.ask(command, SECONDS)

    return asyncio.run(once())


async def started(context: Context, place: Place, device: str) -> DeviceRow:
    """The row of a device with a worker; one in its back-off is left there, to look must not end it.

    `device` is an id or a JID. Raises `Problem` or `Failure`.
    """
    async with linked(context, place, wire.supervisor_socket(place.runtime), "The gateway") as supervisor:
        row = named(await supervisor.ask(GetDeviceTable(), SECONDS), device)
        if row is None:
            raise device_not_found(device)
        if row.worker in ("running", "waiting"):
            return row
        return await supervisor.ask(StartWorker(device_id=row.device_id, dials=False), SECONDS)


def named(table: DeviceTable, device: str) -> DeviceRow | None:
    """The row of the device with this id, else of the one with this JID."""
    found = [row for row in table.rows if row.device_id == device]
    found += [row for row in table.rows if row.jid == device]
    return found[0] if found and device else None


def run(work: Coroutine[object, object, R]) -> R:
    """The result of work that talks to several processes."""
    return asyncio.run(work)


def _is_there(address: str) -> bool:
    return Path(address.removeprefix("ipc://")).exists()


def _check_owner(runtime: Path) -> None:
    try:
        facts = runtime.stat()
    except FileNotFoundError:
        return
    except PermissionError:
        raise Failure(f"{runtime} belongs to somebody else: run this as root or as its owner") from None
    if stat.S_IMODE(facts.st_mode) & 0o077 or os.getuid() not in (0, facts.st_uid):
        raise Failure(f"{runtime} is not private to you: who owns it could answer in the gateway's place")
