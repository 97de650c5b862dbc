"""The front's view of the devices: the supervisor's table, a link to each worker, and which one is meant."""

import asyncio
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from wagateway import wire
from wagateway.commands.internal import DeviceRow, DeviceTable, GetDeviceTable, StartWorker
from wagateway.contract import Problem
from wagateway.feed import Listener
from wagateway.link import Context, Link
from wagateway.problems import device_id_required, device_not_found, device_unavailable

_STARTED_SECONDS = 15.0
_TABLE_SECONDS = 30.0


class Devices:
    """Knows every device; `open` first. Links follow the table: one for each device with a worker."""

    def __init__(self, context: Context, runtime: Path) -> None:
        self._context = context
        self._runtime = runtime
        self._rows: dict[str, DeviceRow] = {}
        self._version = -1
        self._links: dict[str, Link] = {}
        self.supervisor = Link(context, wire.supervisor_socket(runtime))
        self._listener = Listener(context, wire.supervisor_feed(runtime), self._published)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.__exit__(kind, error, trace)
        for link in (*self._links.values(), self.supervisor):
            link.close()

    async def load(self) -> None:
        """Get the table as of now; the feed keeps it current from here on."""
        async with asyncio.timeout(_TABLE_SECONDS):
            await self.supervisor.connected.wait()
        await self.refresh()

    async def refresh(self) -> None:
        """Get the table as of now: who has just changed it must find it changed; raises `Problem`."""
        self._update(await self.supervisor.ask(GetDeviceTable(), _TABLE_SECONDS))

    def select(self, named: str) -> DeviceRow:
        """The device that a request names, or the only one there is; raises `Problem`."""
        if wanted := named.strip():
            return self.find(wanted)
        if len(self._rows) != 1:
            raise device_id_required(len(self._rows))
        return next(iter(self._rows.values()))

    def find(self, wanted: str) -> DeviceRow:
        """The device with this id or, failing that, this account; raises 404 `DEVICE_NOT_FOUND`."""
        row = self._rows.get(wanted)
        if row is None and "@" in wanted:
            bare = wanted.partition("@")[0].partition(":")[0] + "@" + wanted.partition("@")[2]
            row = next((one for one in self._rows.values() if one.jid and one.jid in (wanted, bare)), None)
        if row is None:
            raise device_not_found(wanted[:128])
        return row

    def link(self, row: DeviceRow) -> Link | None:
        """The link to the worker of a device, when that answers."""
        link = self._links.get(row.device_id)
        return link if link is not None and link.connected.is_set() else None

    async def started(self, row: DeviceRow) -> Link:
        """The link to the worker of a device, which is started if need be; raises `Problem`."""
        if (link := self.link(row)) is not None:
            return link
        await self.supervisor.ask(StartWorker(device_id=row.device_id), _STARTED_SECONDS)
        link = self._linked(row.device_id)
        try:
            async with asyncio.timeout(_STARTED_SECONDS):
                await link.connected.wait()
        except TimeoutError:
            raise device_unavailable("The device's worker did not start in time", retry_after=2) from None
        return link

    def _linked(self, device_id: str) -> Link:
        if device_id not in self._links:
            self._links[device_id] = Link(self._context, wire.worker_socket(self._runtime, device_id))
        return self._links[device_id]

    def _published(self, body: bytes) -> None:
        try:
            self._update(msgspec.msgpack.decode(body, type=DeviceTable))
        except msgspec.DecodeError:
            return  # nothing of ours

    def _update(self, table: DeviceTable) -> None:
        if table.version < self._version:
            return  # overtaken on the way
        self._version = table.version
        self._rows = {row.device_id: row for row in table.rows}
        working = {row.device_id for row in table.rows if row.worker not in ("stopped", "parked")}
        for gone in self._links.keys() - working:
            self._links.pop(gone).close()
        for device_id in working:
            self._linked(device_id)


def unreachable(row: DeviceRow) -> Problem:
    """503: the device has or should have a worker, which does not answer now."""
    why = f" ({row.reason})" if row.reason else ""
    return device_unavailable(f"The device's worker is {row.worker}{why}", retry_after=1)
