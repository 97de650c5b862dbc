"""The one handler of every route: from an HTTP request to a command, from a reply to an answer."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web

from wagateway.commands.app import ConnectionStatus, GetConnectionStatus
from wagateway.commands.internal import DeviceRow, StartWorker
from wagateway.contract import Command, Problem
from wagateway.front.answers import done, passed_on
from wagateway.front.bodies import query_pairs, read_values
from wagateway.front.devices import Devices
from wagateway.front.fields import Fields
from wagateway.link import Link
from wagateway.problems import device_not_logged_in, device_unavailable, invalid
from wagateway.wire import Reply

Finish = Callable[[web.BaseRequest, Reply], Awaitable[bytes]]
"""Turns the body of a 200 reply into what the client gets."""

_GRACE_SECONDS = 1.0  # a worker said to be running is there at once, or has just died


class Processes(msgspec.Struct, frozen=True):
    """Whom the front asks; `sandbox` is None without one. Times are in seconds."""

    devices: Devices
    supervisor: Link
    sandbox: Link | None
    timeout: float
    body_timeout: float


class Endpoint:
    """Answers the requests for one command."""

    def __init__(
        self, command: type[Command[Any]], processes: Processes, finish: Finish | None = None
    ) -> None:
        self._command = command
        self._name = command.__name__
        self._fields = Fields(command)
        self._processes = processes
        self._finish = finish
        named = self._fields.by_name.get("device_id")
        self._names_device = named is not None and named.required
        self._own_device_id = named is not None and not named.required
        self._takes_key = "idempotency_key" in self._fields.by_name

    async def answer(self, request: web.BaseRequest, query: str, captured: dict[str, str]) -> web.Response:
        """Ask the process that the command is for; raises `Problem`."""
        pairs = query_pairs(query) if query else []
        if self._command.target == "device" or self._names_device:
            return await self._of_device(request, pairs, captured)
        body = await self._body(request, pairs, captured)
        if self._command.target == "sandbox":
            return await self._of_sandbox(request, body)
        return await self._of_supervisor(request, body)

    async def _of_device(
        self, request: web.BaseRequest, pairs: list[tuple[str, str]], captured: dict[str, str]
    ) -> web.Response:
        devices = self._processes.devices
        if (device_id := captured.pop("device_id", None)) is not None:
            row = await devices.named(device_id)
        else:
            query = next((text for key, text in pairs if key == "device_id"), None) if pairs else None
            row = await devices.select(request.headers.get("X-Device-Id"), query)
        if self._names_device:
            captured = captured | {"device_id": row.device_id}
        body = await self._body(request, pairs, captured)
        if self._command.target == "supervisor":
            return await self._of_supervisor(request, body)
        return await self._of_worker(request, row, body)

    async def _body(
        self, request: web.BaseRequest, pairs: list[tuple[str, str]], captured: dict[str, str]
    ) -> bytes:
        """The encoded command."""
        fields = self._fields
        reads = request.body_exists and request.method != "GET"
        if fields.nothing and not (pairs or captured or reads or self._takes_key):
            return fields.nothing
        if not self._own_device_id:
            pairs = [pair for pair in pairs if pair[0] != "device_id"]
        values = fields.from_texts(pairs, commas=True)
        if reads:
            values |= await read_values(request, fields, self._processes.body_timeout)
        if self._names_device and "device_id" in values:
            raise invalid("device_id", "belongs in the path, the X-Device-Id header or the query")
        values |= captured
        if self._takes_key and (key := request.headers.get("Idempotency-Key")) is not None:
            values["idempotency_key"] = key
        return fields.encode(values)

    async def _of_worker(self, request: web.BaseRequest, row: DeviceRow, body: bytes) -> web.Response:
        left, link = self._processes.timeout, self._processes.devices.link(row.device_id)
        if link is None:
            end = asyncio.get_running_loop().time() + left
            link = await self._reach(row, end)
            if link is None:
                return _from_table(row)
            left = end - asyncio.get_running_loop().time()
        try:
            reply = await link.forward(self._name, body, left)
        except Problem as problem:
            if self._command is GetConnectionStatus and problem.status == 503:
                return _from_table(row)
            raise
        return await self._finished(request, reply)

    async def _of_supervisor(self, request: web.BaseRequest, body: bytes) -> web.Response:
        reply = await self._processes.supervisor.forward(self._name, body, self._processes.timeout)
        if reply.status == 200:
            # What the client asks next must find the devices that this reply speaks of; but what it asked
            # for is done, and says so even if we cannot look.
            with contextlib.suppress(Problem):
                await self._processes.devices.refresh()
        return await self._finished(request, reply)

    async def _of_sandbox(self, request: web.BaseRequest, body: bytes) -> web.Response:
        assert self._processes.sandbox is not None
        reply = await self._processes.sandbox.forward(self._name, body, self._processes.timeout)
        return await self._finished(request, reply)

    async def _finished(self, request: web.BaseRequest, reply: Reply) -> web.Response:
        if self._finish is not None and reply.status == 200:
            body = await self._finish(request, reply)
            reply = msgspec.structs.replace(reply, body=body)
        return passed_on(reply)

    async def _reach(self, row: DeviceRow, end: float) -> Link | None:
        """The worker's link, as the command needs it; None where the table is to answer."""
        devices, needs = self._processes.devices, self._command.needs
        if row.worker == "running":
            link = await devices.connected(row.device_id, _GRACE_SECONDS)
            if link is not None:
                return link
        if needs == "nothing":
            return None
        # Asking for a worker ends its back-off: reading must not do that to a device that keeps crashing.
        if needs == "login" or (needs == "shard" and row.worker == "waiting"):
            raise _without_worker(row)
        if needs == "shard" and not (row.paired or row.jid):
            raise device_not_logged_in(row.device_id)
        return await self._start(row.device_id, end)

    async def _start(self, device_id: str, end: float) -> Link:
        loop, devices = asyncio.get_running_loop(), self._processes.devices
        started = await self._processes.supervisor.ask(StartWorker(device_id=device_id), end - loop.time())
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


def _from_table(row: DeviceRow) -> web.Response:
    status = ConnectionStatus(
        device_id=row.device_id,
        state="connecting" if row.worker == "starting" else "disconnected",
        is_connected=False,
        is_logged_in=False,
        jid=row.jid,
        display_name=row.display_name,
        reason=row.reason or row.last_exit,
    )
    return done(GetConnectionStatus.done, status)
