"""The front's sockets: accepting clients, and taking leave of them without cutting anybody off."""

import asyncio
import socket

import structlog
from aiohttp import web

from wagateway.contract import Problem
from wagateway.front import answers
from wagateway.front.main import Front
from wagateway.problems import bug

_KEEPALIVE_SECONDS = 75.0
_LINGER_SECONDS = 2.0
_ACCEPT_AGAIN_SECONDS = 1.0
_LARGEST_PIECE = 2**18
_LEAST_PIECE = 2**13
_PIECES = 2**19  # bytes that all connections may be handed at once, roughly
_AHEAD = 2**13  # bytes of a body that wait for their reader until the client is slowed down
_MOST_AT_ONCE = 4096  # the kernel's backlog is no longer

log = structlog.get_logger()


class Connection(web.RequestHandler):
    """A connection whose own refusals (not HTTP at all, too long a header) are JSON too."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to what the parser refuses; it closes the connection."""
        if isinstance(exc, ConnectionError):
            answer = answers.refused(Problem(status, "BAD_REQUEST", "The client has gone"))
        elif status >= 500:
            log.error("request.failed", exc_info=exc)
            answer = answers.refused(bug())
        else:
            answer = answers.refused(Problem(status, "BAD_REQUEST", "This is not an HTTP request"))
        answer.force_close()
        return answer


class Server(web.Server):
    """Makes a `Connection` for each client."""

    def __call__(self) -> Connection:
        """A connection, before anything has come over it."""
        return Connection(
            self,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]  # what it takes to have none
            keepalive_timeout=_KEEPALIVE_SECONDS,
            lingering_time=_LINGER_SECONDS,
            read_bufsize=_AHEAD,
        )


class Pieces:
    """Where connections are handed what comes in: the more of them are open, the less each gets at once.

    They share the memory, as each takes its piece at once.
    """

    def __init__(self) -> None:
        self.open = 0
        self._whole = memoryview(bytearray(_LARGEST_PIECE))

    def next(self) -> memoryview:
        """The place for the next piece."""
        return self._whole[: min(max(_PIECES // max(self.open, 1), _LEAST_PIECE), _LARGEST_PIECE)]


class Intake(asyncio.BufferedProtocol):
    """Hands a connection what comes for it in pieces of a size that we choose.

    Without it the loop hands over all that the kernel has, and many uploads at once fill the memory.
    """

    def __init__(self, connection: Connection, pieces: Pieces) -> None:
        self._connection = connection
        self._pieces = pieces
        self._piece = pieces.next()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The client is there."""
        self._pieces.open += 1
        self._connection.connection_made(transport)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the next piece goes."""
        self._piece = self._pieces.next()
        return self._piece

    def buffer_updated(self, nbytes: int) -> None:
        """A piece is there."""
        self._connection.data_received(bytes(self._piece[:nbytes]))

    def eof_received(self) -> None:
        """The client sends no more."""
        self._connection.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        self._pieces.open -= 1
        self._connection.connection_lost(exc)

    def pause_writing(self) -> None:
        """The client reads slower than we write."""
        self._connection.pause_writing()

    def resume_writing(self) -> None:
        """It has caught up."""
        self._connection.resume_writing()


class Serving:
    """A front that answers on a listening socket; `drain` ends it and closes the socket.

    It accepts by itself, since at the end nobody may be lost between the backlog and a connection.
    """

    def __init__(self, front: Front, listener: socket.socket) -> None:
        self._front = front
        self._listener = listener
        self._loop = asyncio.get_running_loop()
        self._server = Server(front.answer)
        self._pieces = Pieces()
        self._opening: set[asyncio.Task[object]] = set()
        listener.setblocking(False)
        self._listen()

    async def drain(self, grace: float = 0.2, patience: float = 6.0) -> None:
        """Stop listening, answer everybody who asked (see `Front.settle`), close all connections."""
        self._loop.remove_reader(self._listener)
        self._accept()
        self._loop.remove_reader(self._listener)
        self._listener.close()
        if self._opening:
            await asyncio.wait(self._opening, timeout=grace + 1)
        await self._front.settle(grace, patience)
        self._server.pre_shutdown()
        await self._server.shutdown(timeout=1.0)

    def _listen(self) -> None:
        if self._listener.fileno() >= 0:
            self._loop.add_reader(self._listener, self._accept)

    def _accept(self) -> None:
        for _ in range(_MOST_AT_ONCE):
            try:
                client, _ = self._listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError as error:  # no descriptors left: readable all the time, so look away for a while
                log.warning("front.cannot_accept", why=error.strerror)
                self._loop.remove_reader(self._listener)
                self._loop.call_later(_ACCEPT_AGAIN_SECONDS, self._listen)
                return
            client.setblocking(False)
            opening = self._loop.create_task(self._open(client), name="open connection")
            self._opening.add(opening)
            opening.add_done_callback(self._opening.discard)

    def _connection(self) -> Intake:
        return Intake(self._server(), self._pieces)

    async def _open(self, client: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._connection, client)
        except OSError:
            client.close()  # the client has gone already
