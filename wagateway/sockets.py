"""A ZeroMQ socket as a callback on the running loop: 1.5x the rate of zmq.asyncio."""

import asyncio
from collections.abc import Callable

import zmq

from wagateway.wire import MAX_FRAME

_BATCH = 64


class Reader:
    """Calls `received(frames)` for every message that arrives on `socket` until closed.

    The descriptor of a ZeroMQ socket is edge-triggered and a send can use the edge up, so call `sent()`
    after every send.
    """

    def __init__(self, socket: "zmq.Socket[bytes]", received: Callable[[list[bytes]], None]) -> None:
        self._socket = socket
        self._received = received
        self._loop = asyncio.get_running_loop()
        self._open = True
        self._descriptor = int(socket.getsockopt(zmq.FD))
        self._loop.add_reader(self._descriptor, self._drain)
        self._loop.call_soon(self._drain)

    def sent(self) -> None:
        """Look again: the edge that announced a message may have been used up by the send."""
        if int(self._socket.getsockopt(zmq.EVENTS)) & zmq.POLLIN:
            self._loop.call_soon(self._drain)

    def close(self) -> None:
        """Stop reading; the socket stays open for its owner to close."""
        if self._open:
            self._open = False
            self._loop.remove_reader(self._descriptor)

    def _drain(self) -> None:
        for _ in range(_BATCH):
            if not self._open:
                return
            try:
                frames = self._socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            self._received(frames)
        self._loop.call_soon(self._drain)


def open_socket(context: "zmq.Context[zmq.Socket[bytes]]", kind: int) -> "zmq.Socket[bytes]":
    """A socket that never holds up a closing process and refuses oversized frames."""
    socket = context.socket(kind)
    socket.setsockopt(zmq.LINGER, 0)
    socket.setsockopt(zmq.MAXMSGSIZE, MAX_FRAME)
    return socket
