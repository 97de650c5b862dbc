"""The listener: an HTTP proxy whose every CONNECT ends here, in TLS of our own making."""

import asyncio
import ssl
from collections.abc import Callable
from typing import Protocol, cast

import structlog

from wagateway.sandbox import http, websocket
from wagateway.whatsapp.errors import ProtocolError

log = structlog.get_logger()

_CHAT = "/ws/chat"
_BUFFERED = 64 * 1024


class Chat(Protocol):
    """What speaks WhatsApp's protocol over one websocket."""

    def received(self, data: bytes) -> None:
        """A binary message came."""

    def lost(self) -> None:
        """The socket is gone."""


class Pipe:
    """The socket as a `Chat` sees it."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def send(self, data: bytes) -> None:
        """Send a binary message."""
        if not self._transport.is_closing():
            self._transport.write(websocket.message(websocket.BINARY, data))

    def close(self) -> None:
        """Close once everything is written."""
        self._transport.close()

    def abort(self) -> None:
        """Close at once, whatever is not written yet."""
        self._transport.abort()


class World(Protocol):
    """What is behind the proxy."""

    def refuses(self) -> bool:
        """Whether connections are refused now."""

    def chat(self, pipe: Pipe) -> Chat:
        """A client opened a websocket."""

    def serve_media(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A client asks a media host."""


class Listener(asyncio.Protocol):
    """One connection to the proxy, up to its CONNECT."""

    def __init__(self, world: World, tls: ssl.SSLContext) -> None:
        self._world = world
        self._tls = tls
        self._buffer = bytearray()
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but its class

    def data_received(self, data: bytes) -> None:
        """Called by the event loop."""
        self._buffer += data
        head, end, _ = bytes(self._buffer).partition(http.END)
        if not end:
            if len(self._buffer) > http.MAX_HEAD:
                self._transport.abort()
            return
        known = head.startswith(b"CONNECT ")
        if not known or self._world.refuses():
            self._transport.write(http.head(503 if known else 405, 0))
            self._transport.close()
            return
        # Nothing may be read as plain text that is TLS already.
        self._transport.pause_reading()
        self._transport.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        self._task = asyncio.get_running_loop().create_task(self._start_tls(), name="sandbox tls")

    async def _start_tls(self) -> None:
        inner = Inner(self._world)
        try:
            secure = await asyncio.get_running_loop().start_tls(
                self._transport, inner, self._tls, server_side=True, ssl_handshake_timeout=10
            )
        except (OSError, ssl.SSLError) as error:
            log.info("tls.failed", why=type(error).__name__)
            return
        if secure is not None:
            inner.attach(secure)


class Inner(asyncio.Protocol):
    """The decrypted side of one connection, which its first request makes a websocket or a media host's."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._chat: Chat | None = None
        self._reader = websocket.Reader()

    def attach(self, transport: asyncio.Transport) -> None:
        """Begin; what came before waits in the buffer."""
        self._transport = transport
        self.data_received(b"")

    def data_received(self, data: bytes) -> None:
        """Called by the event loop."""
        if self._transport is None:
            self._buffer += data
            return
        try:
            if self._chat is not None:
                self._messages(self._chat, self._transport, data)
            else:
                self._buffer += data
                self._begin(self._transport)
        except ProtocolError as error:
            log.info("connection.broken", why=str(error))
            self._transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        """Called by the event loop."""
        if self._chat is not None:
            self._chat.lost()

    def _messages(self, chat: Chat, transport: asyncio.Transport, data: bytes) -> None:
        for opcode, payload in self._reader.feed(data):
            if opcode == websocket.BINARY:
                chat.received(payload)
            elif opcode == websocket.PING:
                transport.write(websocket.message(websocket.PONG, payload))
            elif opcode == websocket.CLOSE:
                transport.write(websocket.message(websocket.CLOSE, payload[:2]))
                transport.close()

    def _begin(self, transport: asyncio.Transport) -> None:
        head, end, _ = bytes(self._buffer[: http.MAX_HEAD]).partition(http.END)
        if not end:
            if len(self._buffer) >= http.MAX_HEAD:
                raise ProtocolError("an HTTP request's head is too large")
            return
        request = http.parse(head)
        if request.target == _CHAT and "sec-websocket-key" in request.headers:
            del self._buffer[: len(head) + len(end)]
            self._upgrade(transport, request)
        else:
            self._hand_over(transport)

    def _hand_over(self, transport: asyncio.Transport) -> None:
        """To streams, which stop reading while the media host has not kept up."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=_BUFFERED, loop=loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        protocol.connection_made(transport)
        transport.set_protocol(protocol)
        reader.feed_data(bytes(self._buffer))
        self._world.serve_media(reader, asyncio.StreamWriter(transport, protocol, reader, loop))

    def _upgrade(self, transport: asyncio.Transport, request: http.Request) -> None:
        accepted = websocket.accept(request.headers["sec-websocket-key"])
        transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accepted.encode() + b"\r\n\r\n"
        )
        self._chat = self._world.chat(Pipe(transport))
        data = bytes(self._buffer)
        self._buffer.clear()
        if data:
            self._messages(self._chat, transport, data)


def opener(world: World, tls: ssl.SSLContext) -> Callable[[], Listener]:
    """Makes the protocol object of each connection."""
    return lambda: Listener(world, tls)
