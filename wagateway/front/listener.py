"""One WebSocket client: what it is told, and what it may say."""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from wagateway.commands.internal import DeviceRow
from wagateway.front.following import Missed, Start, follow
from wagateway.front.listening import Chosen
from wagateway.front.reach import Processes, wake
from wagateway.front.streams import patiently
from wagateway.front.tails import Happened, Tails, frame


class Farewell(msgspec.Struct, frozen=True):
    """With which code and reason a socket is closed."""

    code: int
    reason: str


class _Said(msgspec.Struct, frozen=True):
    code: str


class _Listed(msgspec.Struct, frozen=True):
    name: str
    device: str
    jid: str


_said = msgspec.json.Decoder(_Said)
_UNKNOWN_CODE = frame("VALIDATION_ERROR", "code: must be FETCH_DEVICES.", None)


class Listener:
    """Tells a client what happens on its devices, of the wanted kinds.

    `stored` is whether it asks for events that were before: their worker is started for it, if need be.
    """

    def __init__(
        self,
        request: web.BaseRequest,
        socket: web.WebSocketResponse,
        processes: Processes,
        tails: Tails,
        wanted: frozenset[str],
        *,
        stored: bool,
    ) -> None:
        self._request = request
        self._socket = socket
        self._processes = processes
        self._tails = tails
        self._wanted = wanted
        self._stored = stored
        self._followed: dict[str, asyncio.Task[None]] = {}

    async def talk(self, devices: Chosen, starts: Mapping[str, Start]) -> Farewell:
        """Until the client goes, its devices are removed, or it does what it may not."""
        hearing = asyncio.create_task(self._hear(devices), name="hear client")
        try:
            for row in devices.rows:
                self._follow(row, starts[row.device_id])
            while self._followed or devices.all:
                await self._turn(hearing, all_devices=devices.all)
                if hearing.done():
                    return hearing.result()
            return Farewell(WSCloseCode.OK, "The device was removed")
        except TimeoutError:
            return Farewell(WSCloseCode.TRY_AGAIN_LATER, "Read faster; go on with after=")
        except ConnectionError:
            return Farewell(WSCloseCode.GOING_AWAY, "The client has gone")
        finally:
            tasks = [hearing, *self._followed.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _turn(self, hearing: "asyncio.Task[Farewell]", *, all_devices: bool) -> None:
        """Wait until something ends or, with all devices, until there are others."""
        waiting: set[asyncio.Task[Any]] = {hearing}
        if all_devices:
            waiting.add(asyncio.create_task(self._processes.devices.change.wait(), name="other devices"))
            for row in self._processes.devices.rows.values():
                if row.device_id not in self._followed:
                    self._follow(row, 0)  # it is new, and so is all that it tells
        try:
            waiting.update(self._followed.values())
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting - {hearing, *self._followed.values()}:
                task.cancel()
        for device_id, task in list(self._followed.items()):
            if task.done():
                del self._followed[device_id]
                task.result()

    def _follow(self, row: DeviceRow, start: Start) -> None:
        tell = self._tell(row, start)
        self._followed[row.device_id] = asyncio.create_task(tell, name="tell client")

    async def _tell(self, row: DeviceRow, start: Start) -> None:
        with self._tails.of(row) as tail:
            if self._stored:
                await wake(self._processes, row)
            await follow(tail, start, self._wanted, partial(self._give, row.device_id))

    async def _give(self, device_id: str, one: Happened | Missed) -> None:
        if isinstance(one, Missed):
            result = {"device_id": device_id, "missed": one.missed, "oldest": one.oldest}
            text = f"{one.missed} events are not kept any more"
            await self._send(frame("EVENTS_MISSED", text, result))
        else:
            await self._send(one.frame)

    async def _send(self, text: bytes) -> None:
        sending = self._socket.send_frame(text, WSMsgType.TEXT)
        await patiently(self._request, sending, len(text), self._processes.patience.stalled)

    async def _hear(self, devices: Chosen) -> Farewell:
        while True:
            said = await self._socket.receive()
            if said.type is WSMsgType.BINARY:
                return Farewell(WSCloseCode.UNSUPPORTED_DATA, "Say it as text")
            if said.type is not WSMsgType.TEXT:
                return Farewell(WSCloseCode.GOING_AWAY, "The client has gone")
            try:
                code = _said.decode(said.data).code
            except msgspec.ValidationError:
                code = ""
            except (msgspec.DecodeError, RecursionError):
                return Farewell(WSCloseCode.INVALID_TEXT, "This is not JSON")
            if code == "FETCH_DEVICES":
                await self._send(frame("LIST_DEVICES", "Device found", self._listed(devices)))
            else:  # a ping of somebody's own, say: clients of other servers live on
                await self._send(_UNKNOWN_CODE)

    def _listed(self, devices: Chosen) -> list[_Listed]:
        there = self._processes.devices.rows
        ids = there if devices.all else [row.device_id for row in devices.rows]
        rows = [there[device_id] for device_id in ids if device_id in there]
        return [_Listed(row.display_name, row.device_id, row.jid) for row in rows]
