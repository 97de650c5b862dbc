"""The log of a device as a stream of lines."""

import asyncio
from typing import Any

import msgspec
from aiohttp import web

from wagateway.commands.events import ListEvents
from wagateway.commands.internal import DeviceRow
from wagateway.filters import filters_of
from wagateway.front.answers import SERVER
from wagateway.front.bodies import query_pairs
from wagateway.front.fields import fields_of
from wagateway.front.following import Missed, follow
from wagateway.front.reach import Processes, wake
from wagateway.front.requests import Endpoint, addressed
from wagateway.front.streams import Streams, flow, patiently
from wagateway.front.tails import Happened, Tails

NDJSON = "application/x-ndjson"
_KEEP_ALIVE_SECONDS = 15.0
_PIECE = 2**14
_HEADERS = {
    "Content-Type": NDJSON,
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
    "X-Content-Type-Options": "nosniff",
    "Server": SERVER,
}

_encoder = msgspec.json.Encoder()


class Events:
    """Answers `GET /events`: as JSON like every other command, as lines without end for who accepts them.

    A long poll that waits is cut off when the front stops, before those who have something to do.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        processes: Processes,
        streams: Streams,
        tails: Tails,
        waiting: set[asyncio.Task[Any]],
    ) -> None:
        self._endpoint = endpoint
        self._processes = processes
        self._streams = streams
        self._tails = tails
        self._waiting = waiting

    async def answer(
        self, request: web.BaseRequest, query: str, captured: dict[str, str]
    ) -> web.StreamResponse:
        """The page, or the stream; raises `Problem`."""
        if NDJSON in request.headers.get("Accept", "").lower():
            return await self._stream(request, query, captured)
        task = asyncio.current_task()
        assert task is not None
        self._waiting.add(task)
        try:
            return await self._endpoint.answer(request, query, captured)
        finally:
            self._waiting.discard(task)

    async def _stream(
        self, request: web.BaseRequest, query: str, captured: dict[str, str]
    ) -> web.StreamResponse:
        pairs = query_pairs(query)
        row = await addressed(self._processes.devices, request, pairs, captured)
        values = fields_of(ListEvents).from_texts(
            (pair for pair in pairs if pair[0] != "device_id"), commas=True
        )
        asked = msgspec.convert(values, ListEvents)
        wanted = filters_of(asked.events)
        self._streams.admit()
        lines = _Lines(request, self._processes.patience.stalled)
        try:
            await self._streams.run(self._poured(row, asked.after, wanted, lines))
            return await lines.end()
        except TimeoutError:
            if request.transport is not None:
                request.transport.abort()
            raise ConnectionResetError("the client does not read") from None
        finally:
            self._streams.closed()

    async def _poured(self, row: DeviceRow, after: int, wanted: frozenset[str], lines: "_Lines") -> None:
        await lines.begin()
        keeping = asyncio.create_task(lines.keep_alive(), name="keep alive")
        telling = asyncio.create_task(self._told(row, after, wanted, lines), name="tell client")
        try:
            done, _ = await asyncio.wait({keeping, telling}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            keeping.cancel()
            telling.cancel()
            await asyncio.gather(keeping, telling, return_exceptions=True)

    async def _told(self, row: DeviceRow, after: int, wanted: frozenset[str], lines: "_Lines") -> None:
        with self._tails.of(row) as tail:
            await wake(self._processes, row)
            await follow(tail, after, wanted, lines.give)


class _Lines:
    """The stream to one client."""

    def __init__(self, request: web.BaseRequest, patience: float) -> None:
        self._request = request
        self._patience = patience
        self._response = web.StreamResponse(headers=_HEADERS)
        self._writing = asyncio.Lock()  # a line is written in pieces
        self._quiet = True

    async def begin(self) -> None:
        """The head, at once."""
        await self._response.prepare(self._request)
        flow(self._request)

    async def give(self, one: Happened | Missed) -> None:
        """One line."""
        if isinstance(one, Missed):
            told = {"event": "missed", "missed": one.missed, "oldest": one.oldest}
            await self._write(_encoder.encode(told) + b"\n")
        else:
            await self._write(one.line + b"\n")

    async def keep_alive(self) -> None:
        """An empty line whenever there was nothing for a while: it finds out who has gone."""
        while True:
            self._quiet = True
            await asyncio.sleep(_KEEP_ALIVE_SECONDS)
            if self._quiet and not self._writing.locked():
                await self._write(b"\n")

    async def end(self) -> web.StreamResponse:
        """The end, so that the client knows that nothing was cut off."""
        async with asyncio.timeout(self._patience):
            await self._response.write_eof()
        return self._response

    async def _write(self, line: bytes) -> None:
        self._quiet = False
        async with self._writing:
            for at in range(0, len(line), _PIECE):
                piece = line[at : at + _PIECE]
                await patiently(self._request, self._response.write(piece), len(piece), self._patience)
