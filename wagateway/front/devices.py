"""The front's view of the devices: the supervisor's table, and a link to every worker."""

import asyncio
import re
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import unquote_plus

import msgspec

from wagateway import wire
from wagateway.commands.internal import DeviceRow, DeviceTable, GetDeviceTable
from wagateway.contract import Problem
from wagateway.feed import Listener
from wagateway.link import Context, Link
from wagateway.problems import device_id_required, device_not_found, invalid

_ASK_SECONDS = 5.0
_WITH_WORKER = frozenset({"starting", "running"})
_POSSIBLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@:+-]{0,127}")

_decoder = msgspec.msgpack.Decoder(DeviceTable)


class Devices:
    """The device table, kept by the supervisor's feed, and the links that follow from it.

    Use as a context manager. `supervisor` stays its owner's to close. `change` is set, and replaced, when a
    device is added or removed, or a worker starts or stops.
    """

    def __init__(self, context: Context, runtime: Path, supervisor: Link) -> None:
        self.rows: dict[str, DeviceRow] = {}
        self._by_jid: dict[str, str] = {}
        self._links: dict[str, Link] = {}
        self._context = context
        self._runtime = runtime
        self._supervisor = supervisor
        self._version = -1
        self._asking = asyncio.Lock()
        self.change = asyncio.Event()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        feed = wire.supervisor_feed(self._runtime)
        self._stack.enter_context(Listener(self._context, feed, self._published))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for device_id in list(self._links):
            self._close(device_id)
        self._stack.close()

    async def select(self, header: str | None, query: str | None) -> DeviceRow:
        """The device that a request means, by id, full JID or bare JID; the only one when it says nothing.

        The header wins over the query. Raises 404 `DEVICE_NOT_FOUND`, 400 `DEVICE_ID_REQUIRED`, and 400
        `VALIDATION_ERROR` for what no device can be called.
        """
        written = (header or "").strip()
        if written:
            return await self.named(written, unquote_plus(written).strip())
        if query and query.strip():
            return await self.named(query.strip())
        return await self._only()

    async def named(self, *names: str) -> DeviceRow:
        """The device of the first of these ids or JIDs that there is; raises like `select`."""
        found = self._first(names)
        possible = [name for name in names if _POSSIBLE.fullmatch(name)]
        if found is None and possible:
            await self.refresh()
            found = self._first(names)
            if found is None:
                raise device_not_found(possible[-1])
        if found is None:
            raise invalid("device_id", "must be 1 to 128 letters, digits and . _ @ : + -")
        return found

    def _first(self, names: Iterable[str]) -> DeviceRow | None:
        return next((row for name in names if (row := self._named(name)) is not None), None)

    def keyed(self, key: str) -> DeviceRow | None:
        """The device whose files and socket are called so (see `wire.device_key`)."""
        return next((row for row in self.rows.values() if wire.device_key(row.device_id) == key), None)

    async def refresh(self) -> None:
        """Have the table of this moment, where the feed may be a moment late."""
        async with self._asking:
            self._update(await self._supervisor.ask(GetDeviceTable(), _ASK_SECONDS))

    def put(self, row: DeviceRow) -> None:
        """A row that is newer than the table."""
        self._apply([*(each for each in self.rows.values() if each.device_id != row.device_id), row])

    def link(self, device_id: str) -> Link | None:
        """The link to the device's worker, if it can be asked at this moment."""
        link = self._links.get(device_id)
        return link if link is not None and link.connected.is_set() else None

    async def connected(self, device_id: str, within: float) -> Link | None:
        """The link to the device's worker once it can be asked.

        None after `within` seconds, and when the device has no worker.
        """
        try:
            async with asyncio.timeout(within):
                while (link := self._links.get(device_id)) is not None:
                    if link.connected.is_set():
                        return link
                    await link.connected.wait()
        except TimeoutError:
            return None
        return None

    async def attached(self, device_id: str) -> Link | None:
        """The link to the device's worker, however long there is none; None when there is no such device."""
        while device_id in self.rows:
            link = self._links.get(device_id)
            if link is None:
                await self.change.wait()
            elif link.connected.is_set():
                return link
            else:
                await link.connected.wait()
        return None

    async def _only(self) -> DeviceRow:
        if len(self.rows) != 1:
            await self.refresh()
        if len(self.rows) != 1:
            raise device_id_required(len(self.rows))
        return next(iter(self.rows.values()))

    def _named(self, device_id: str) -> DeviceRow | None:
        return self.rows.get(device_id) or self.rows.get(self._by_jid.get(device_id, ""))

    def _published(self, body: bytes) -> None:
        self._update(_decoder.decode(body))

    def _update(self, table: DeviceTable) -> None:
        if table.version >= self._version:  # else it was overtaken on the way
            self._version = table.version
            self._apply(table.rows)

    def _apply(self, rows: list[DeviceRow]) -> None:
        before = self._known()
        self.rows = {row.device_id: row for row in rows}
        self._by_jid = {_bare(row.jid): row.device_id for row in reversed(rows) if row.jid}
        self._by_jid |= {row.jid: row.device_id for row in reversed(rows) if row.jid}
        wanted = {row.device_id for row in rows if row.worker in _WITH_WORKER}
        for device_id in self._links.keys() - wanted:
            self._close(device_id)
        for device_id in wanted - self._links.keys():
            self._links[device_id] = Link(self._context, wire.worker_socket(self._runtime, device_id))
        if before != self._known():
            change, self.change = self.change, asyncio.Event()
            change.set()

    def _known(self) -> tuple[set[tuple[str, float]], set[str]]:
        return {(row.device_id, row.created_at) for row in self.rows.values()}, set(self._links)

    def _close(self, device_id: str) -> None:
        link = self._links.pop(device_id)
        link.close()
        link.connected.set()  # wakes who waits for it in `connected`, to find it gone


def _bare(jid: str) -> str:
    user, _, server = jid.partition("@")
    return f"{user.split(':')[0]}@{server}"


async def follow(devices: Devices, every: float) -> None:
    """Refresh the table `every` so many seconds for ever: a feed may lose what it publishes."""
    while True:
        await asyncio.sleep(every)
        try:
            await devices.refresh()
        except Problem:
            continue  # the supervisor is busy or leaving; the next round sees
