"""The one handler of every route: from an HTTP request to a command, from a reply to an answer."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web

from wagateway.commands.app import ConnectionStatus, GetConnectionStatus
from wagateway.commands.internal import DeviceRow
from wagateway.contract import Command, Problem
from wagateway.front.answers import done, passed_on
from wagateway.front.bodies import query_pairs, read_values
from wagateway.front.devices import Devices
from wagateway.front.fields import fields_of
from wagateway.front.reach import Processes, reach
from wagateway.front.uploads import Spooled
from wagateway.problems import invalid
from wagateway.wire import Reply

Finish = Callable[[web.BaseRequest, Reply], Awaitable[web.Response]]
"""Makes of a 200 reply what the client gets."""


class Incoming(msgspec.Struct, frozen=True):
    """A request on its way to a command: the pairs of its query, and what its path captured.

    `spooled` takes its files, where the command has any.
    """

    request: web.BaseRequest
    pairs: list[tuple[str, str]]
    captured: dict[str, str]
    spooled: Spooled | None = None


class Endpoint:
    """Answers the requests for one command."""

    def __init__(
        self, command: type[Command[Any]], processes: Processes, finish: Finish | None = None
    ) -> None:
        self._command = command
        self._name = command.__name__
        self._fields = fields_of(command)
        self._processes = processes
        self._finish = finish
        named = self._fields.by_name.get("device_id")
        self._names_device = named is not None and named.required
        self._own_device_id = named is not None and not named.required
        self._takes_key = "idempotency_key" in self._fields.by_name

    async def answer(self, request: web.BaseRequest, query: str, captured: dict[str, str]) -> web.Response:
        """Ask the process that the command is for; raises `Problem`."""
        pairs = query_pairs(query) if query else []
        if not self._fields.takes_files:
            return await self._answer(Incoming(request, pairs, captured))
        async with Spooled(self._processes.spool) as spooled:
            return await self._answer(Incoming(request, pairs, captured, spooled))

    async def _answer(self, incoming: Incoming) -> web.Response:
        if self._command.target == "device" or self._names_device:
            return await self._of_device(incoming)
        body = await self._body(incoming)
        if self._command.target == "sandbox":
            return await self._of_sandbox(incoming.request, body)
        return await self._of_supervisor(incoming.request, body)

    async def _of_device(self, incoming: Incoming) -> web.Response:
        row = await addressed(self._processes.devices, incoming.request, incoming.pairs, incoming.captured)
        if self._names_device:
            incoming.captured["device_id"] = row.device_id
        body = await self._body(incoming)
        if self._command.target == "supervisor":
            return await self._of_supervisor(incoming.request, body)
        return await self._of_worker(incoming.request, row, body)

    async def _body(self, incoming: Incoming) -> bytes:
        """The encoded command."""
        fields, request, pairs = self._fields, incoming.request, incoming.pairs
        reads = request.body_exists and request.method != "GET"
        if fields.nothing and not (pairs or incoming.captured or reads or self._takes_key):
            return fields.nothing
        if not self._own_device_id:
            pairs = [pair for pair in pairs if pair[0] != "device_id"]
        values = fields.from_texts(pairs, commas=True)
        if reads:
            values |= await read_values(request, fields, self._processes.patience, incoming.spooled)
        named = incoming.captured.get("device_id")
        if self._names_device and values.get("device_id", named) != named:
            raise invalid("device_id", "belongs in the path, the X-Device-Id header or the query")
        values |= fields.from_texts(incoming.captured.items(), commas=False)
        if self._takes_key and (key := request.headers.get("Idempotency-Key")) is not None:
            if not key.strip():
                raise invalid("Idempotency-Key", "must not be empty")
            values["idempotency_key"] = key
        return fields.encode(values)

    async def _of_worker(self, request: web.BaseRequest, row: DeviceRow, body: bytes) -> web.Response:
        left, link = self._processes.timeout, self._processes.devices.link(row.device_id)
        if link is None:
            end = asyncio.get_running_loop().time() + left
            link = await reach(self._processes, row, self._command.needs, end)
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
            return await self._finish(request, reply)
        return passed_on(reply)


async def addressed(
    devices: Devices, request: web.BaseRequest, pairs: list[tuple[str, str]], captured: dict[str, str]
) -> DeviceRow:
    """The device that the path (which it is taken out of), the header or the query names, or the only one.

    Raises like `Devices.select`.
    """
    if (device_id := captured.pop("device_id", None)) is not None:
        return await devices.named(device_id)
    query = next((text for key, text in pairs if key == "device_id"), None) if pairs else None
    return await devices.select(request.headers.get("X-Device-Id"), query)


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
