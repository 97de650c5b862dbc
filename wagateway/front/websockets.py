"""WebSockets: the events of devices as they happen."""

import asyncio
from contextlib import ExitStack

from aiohttp import WSCloseCode, web

from wagateway.contract import Problem
from wagateway.filters import filters_of
from wagateway.front.answers import SERVER
from wagateway.front.auth import Auth, challenge
from wagateway.front.following import Start
from wagateway.front.listener import Farewell, Listener
from wagateway.front.listening import Chosen, asked, chosen
from wagateway.front.origins import Origins
from wagateway.front.reach import Processes
from wagateway.front.streams import Streams, flow
from wagateway.front.tails import Tail, Tails
from wagateway.front.tickets import Tickets
from wagateway.problems import device_unavailable, invalid

PATH = "/ws"
_PING_SECONDS = 30.0
_CLOSE_SECONDS = 1.0
_PLACE_SECONDS = 1.0
_LARGEST = 4096  # bytes of what a client says


class WebSockets:
    """Answers `GET /ws`."""

    def __init__(self, processes: Processes, streams: Streams, tails: Tails, tickets: Tickets) -> None:
        self._processes = processes
        self._streams = streams
        self._tails = tails
        self._tickets = tickets

    def refusal(
        self, request: web.BaseRequest, query: str, auth: Auth, origins: Origins
    ) -> web.Response | None:
        """The answer to who may not listen: 401, or 400 for what cannot be read; else None.

        Raises 403 for a page of another site: a browser adds the credentials that it remembers. Who has
        a ticket comes from anywhere, since no browser adds one by itself.
        """
        listen = asked(query)
        if listen.ticket:
            return None if self._tickets.redeem(listen.ticket) else challenge()
        header = request.headers.get("Authorization")
        if header is None and listen.authorization:
            found = auth.refusal_of_query(listen.authorization)
        else:
            found = auth.refusal(header)
        if found is None:
            origins.refuse_other_pages(request)
        return found

    async def answer(self, request: web.BaseRequest, query: str) -> web.StreamResponse:
        """Talk with the client until one of both ends it; raises `Problem` while there is no WebSocket."""
        listen = asked(query)
        wanted = filters_of(listen.events)
        devices = await chosen(self._processes.devices, request, listen.device_id)
        if listen.after is not None and (devices.all or len(devices.rows) != 1):
            raise invalid("after", "can be said for one device only")
        socket = _Socket(request)
        if not socket.can_prepare(request):
            raise upgrade_required()
        self._streams.admit()
        try:
            stored = listen.after is not None
            listener = Listener(request, socket, self._processes, self._tails, wanted, stored=stored)
            farewell = await self._streams.run(self._talk(request, socket, listener, devices, listen.after))
            if not socket.prepared:
                raise device_unavailable("The gateway is stopping")
            farewell = farewell or Farewell(WSCloseCode.GOING_AWAY, "The gateway is stopping")
            await socket.close(code=farewell.code, message=farewell.reason.encode())
        finally:
            self._streams.closed()
        return socket

    async def _talk(
        self,
        request: web.BaseRequest,
        socket: web.WebSocketResponse,
        listener: Listener,
        devices: Chosen,
        after: int | None,
    ) -> Farewell:
        with ExitStack() as stack:
            tails = [stack.enter_context(self._tails.of(row)) for row in devices.rows]
            await _placed(tails)
            starts = {tail.device_id: _start(after, tail) for tail in tails}
            await socket.prepare(request)
            flow(request)
            return await listener.talk(devices, starts)


class _Socket(web.WebSocketResponse):
    """A WebSocket that takes its leave of nobody for long."""

    def __init__(self, request: web.BaseRequest) -> None:
        super().__init__(
            heartbeat=_PING_SECONDS,
            timeout=_CLOSE_SECONDS,
            compress=False,
            max_msg_size=_LARGEST + 1,
            writer_limit=0,
        )
        self.headers["Server"] = SERVER
        self._transport = request.transport

    async def close(self, *, code: int = WSCloseCode.OK, message: bytes = b"", drain: bool = True) -> bool:
        """Close it, whether the client reads or not."""
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                return await super().close(code=code, message=message, drain=drain)
        except TimeoutError:
            return True
        finally:
            if self._transport is not None and self._transport.get_write_buffer_size():
                self._transport.abort()


def is_upgrade(request: web.BaseRequest) -> bool:
    """Whether a client asks for a WebSocket."""
    return request.method == "GET" and request.headers.get("Upgrade", "").strip().lower() == "websocket"


def upgrade_required() -> Problem:
    """426: it is no WebSocket, or not of the version that there is."""
    return Problem(426, "UPGRADE_REQUIRED", "This path takes WebSocket connections only (version 13)")


async def _placed(tails: list[Tail]) -> None:
    """What happens from the moment on when the client has its WebSocket is to reach it."""
    end = asyncio.get_running_loop().time() + _PLACE_SECONDS
    for tail in tails:
        await tail.soon_placed(end - asyncio.get_running_loop().time())


def _start(after: int | None, tail: Tail) -> Start:
    if after is not None:
        return after
    return tail.cursor if tail.cursor >= 0 else "now"
