"""The newest events of a device, asked for once and read by all who listen to it."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Iterator

import msgspec

from wagateway.commands.events import EventPage, ListEvents
from wagateway.commands.internal import DeviceRow
from wagateway.contract import Problem
from wagateway.events import KINDS, rfc3339
from wagateway.front.devices import Devices
from wagateway.link import Link
from wagateway.pauses import pauses

PAGE = 100
_WAIT_SECONDS = 25.0
_ANSWER_SECONDS = 10.0
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 5.0
_MOST_KEPT = 256
_MOST_BYTES = 2**20
_BACK = 1000
_FEW = 16


class Happened(msgspec.Struct, frozen=True):
    """An event as it is sent: `line` is its own JSON, `frame` what a WebSocket gets."""

    seq: int
    kind: str
    line: bytes
    frame: bytes


class _Told(msgspec.Struct, frozen=True):
    event: str
    device_id: str
    seq: int
    event_id: str
    timestamp: str
    payload: msgspec.Raw


class _Result(msgspec.Struct, frozen=True, omit_defaults=True):
    device_id: str
    event: str
    seq: int
    event_id: str
    timestamp: str
    jid: str
    payload: msgspec.Raw
    message: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class _Frame(msgspec.Struct, frozen=True):
    """What goes to a WebSocket client."""

    code: str
    message: str
    result: object


_told = msgspec.json.Decoder(_Told)
_encoder = msgspec.json.Encoder()


def frame(code: str, message: str, result: object) -> bytes:
    """The JSON of a frame."""
    return _encoder.encode(_Frame(code, message, result))


class Tail:
    """The newest events of a device, from the moment when it is made until it is closed.

    `cursor` is the newest that it has, -1 before it has found its place. It `ended` when the device was
    removed. While the worker is away it waits, and goes on behind its cursor. Who asks for a `page` holds
    `reading` meanwhile: pages are large, and many readers may want one at the same moment.
    """

    def __init__(self, devices: Devices, row: DeviceRow) -> None:
        self.device_id = row.device_id
        self.cursor = -1
        self.start = -1
        self.ended = False
        self.listeners = 0
        self.reading = asyncio.Semaphore(2)
        self._devices = devices
        self._created_at = row.created_at
        self._began = int(time.time() * 1000)
        self._at_once = devices.link(row.device_id) is not None
        self._recent: deque[Happened] = deque()
        self._bytes = 0
        self._floor = -1
        self._changed = asyncio.Event()
        self._task = asyncio.create_task(self._run(), name="tail")

    def close(self) -> None:
        """Ask for nothing more."""
        self._task.cancel()

    async def placed(self) -> int:
        """The event behind which it began; waits for the worker. -1 when there is none to come."""
        while self.start < 0 and not self.ended:
            await self._changed.wait()
        return self.start

    async def soon_placed(self, seconds: float) -> None:
        """Wait so long for it to find its place, if the worker is there to ask."""
        if self._at_once:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self.placed()

    async def changed(self) -> None:
        """Returns when something happens, or the device is removed."""
        if not self.ended:
            await self._changed.wait()

    def since(self, seq: int) -> list[Happened] | None:
        """The first few that happened after an event; None when that is longer ago than it remembers."""
        if seq < self._floor:
            return None
        found = []
        for one in reversed(self._recent):
            if one.seq <= seq:
                break
            found.append(one)
        return found[: -_FEW - 1 : -1]

    async def page(self, after: int, kinds: list[str], limit: int) -> EventPage | None:
        """What the worker has after an event, waiting for the worker; None when the device was removed."""
        until_next = pauses(_FIRST_PAUSE, _LONGEST_PAUSE)
        while (link := await self._link()) is not None:
            try:
                return await link.ask(ListEvents(after=after, limit=limit, events=kinds), _ANSWER_SECONDS)
            except Problem:
                await asyncio.sleep(next(until_next))
        return None

    def happened(self, line: bytes) -> Happened:
        """An event of a page as it is sent."""
        told = _told.decode(line)
        kind = KINDS.get(told.event)
        code, text = (kind.code, kind.text) if kind else (told.event.replace(".", "_").upper(), told.event)
        result = _Result(
            device_id=self.device_id,
            event=told.event,
            seq=told.seq,
            event_id=told.event_id,
            timestamp=told.timestamp,
            jid=told.device_id,
            payload=told.payload,
            message=told.payload if told.event == "message" else msgspec.UNSET,
        )
        return Happened(told.seq, told.event, line, frame(code, text, result))

    async def _link(self) -> Link | None:
        link = await self._devices.attached(self.device_id)
        row = self._devices.rows.get(self.device_id)
        # Another device may have got the id: what listens to this one is not to hear of that.
        return link if row is not None and row.created_at == self._created_at else None

    async def _run(self) -> None:
        try:
            until_next = pauses(_FIRST_PAUSE, _LONGEST_PAUSE)
            while not self.ended and (link := await self._link()) is not None:
                try:
                    await self._ask(link)
                    until_next = pauses(_FIRST_PAUSE, _LONGEST_PAUSE)
                except Problem:
                    self._at_once = False
                    await asyncio.sleep(next(until_next))
        finally:
            self.ended = True
            self._tell()

    async def _ask(self, link: Link) -> None:
        if self.cursor < 0:
            self._place(await self._beginning(link))
        else:
            question = ListEvents(after=self.cursor, limit=PAGE, wait=_WAIT_SECONDS)
            self._take(await link.ask(question, _WAIT_SECONDS + _ANSWER_SECONDS))

    async def _beginning(self, link: Link) -> int:
        """The event behind which to begin: the newest there was when somebody began to listen."""
        head = (await link.ask(ListEvents(limit=1), _ANSWER_SECONDS)).head
        if self._at_once:
            return head
        # The worker came later, and has told of its coming before it could be asked.
        question = ListEvents(after=max(head - _BACK, 0), limit=_BACK)
        page = await link.ask(question, _ANSWER_SECONDS)
        began = rfc3339(self._began)
        for told in map(_told.decode, page.events):
            if told.timestamp >= began:
                return told.seq - 1
        return page.next

    def _place(self, seq: int) -> None:
        self.start = self.cursor = self._floor = seq
        self._tell()

    def _take(self, page: EventPage) -> None:
        if page.next < self.cursor:
            self.ended = True  # it is another log, of which we have seen nothing
            return
        if page.next == self.cursor:
            return
        news = [self.happened(bytes(raw)) for raw in page.events]
        if not news or news[0].seq != self.cursor + 1:
            self._recent.clear()
            self._bytes = 0
            self._floor = news[0].seq - 1 if news else page.next
        for one in news:
            self._recent.append(one)
            self._bytes += len(one.line) + len(one.frame)
        while len(self._recent) > _MOST_KEPT or (self._bytes > _MOST_BYTES and len(self._recent) > 1):
            oldest = self._recent.popleft()
            self._bytes -= len(oldest.line) + len(oldest.frame)
            self._floor = oldest.seq
        self.cursor = page.next
        self._tell()

    def _tell(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


class Tails:
    """The tails of the devices that somebody listens to."""

    def __init__(self, devices: Devices) -> None:
        self._devices = devices
        self._tails: dict[str, Tail] = {}

    @contextlib.contextmanager
    def of(self, row: DeviceRow) -> Iterator[Tail]:
        """The tail of a device while it is listened to."""
        tail = self._tails.get(row.device_id)
        if tail is None or tail.ended:
            tail = self._tails[row.device_id] = Tail(self._devices, row)
        tail.listeners += 1
        try:
            yield tail
        finally:
            tail.listeners -= 1
            if not tail.listeners:
                tail.close()
                if self._tails.get(row.device_id) is tail:
                    del self._tails[row.device_id]
