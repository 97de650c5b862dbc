"""A ZeroMQ socket as a callback on the running loop: 1.5x the rate of zmq.asyncio."""

import asyncio
from collections.abc import Callable

import zmq

from wagateway.wire import MAX_FRAME

NOBLOCK = int(zmq.NOBLOCK)
"""As a plain number: arithmetic with zmq's enums costs as much as a send."""


class Pump:
    """Moves messages between a ZeroMQ socket and the running loop, until closed.

    Calls `received(frames)` for each message that arrives. `flush()` sends what waits to be sent and says
    whether there was anything: it is called at once for the first after `wake()`, and then once for all
    that came up while the pump was at work. A message costs more than a frame in it.
    """

    def __init__(
        self,
        socket: "zmq.Socket[bytes]",
        received: Callable[[list[bytes]], None],
        flush: Callable[[], bool] = lambda: False,
    ) -> None:
        self._socket = socket
        self._received = received
        self._flush = flush
        self._loop = asyncio.get_running_loop()
        self._open = True
        self._working = True
        self._descriptor = int(socket.getsockopt(zmq.FD))
        self._loop.add_reader(self._descriptor, self._work)
        self._loop.call_soon(self._work)

    def wake(self) -> None:
        """There is something to send."""
        if not self._working:
            self._working = True
            self._flush()
            self._loop.call_soon(self._work)

    def close(self) -> None:
        """Stop; the socket stays open for its owner to close."""
        if self._open:
            self._open = False
            self._loop.remove_reader(self._descriptor)

    def _work(self) -> None:
        if not self._open:
            return
        self._working = True
        try:
            self._turn()
        finally:  # a bug in what was called must not leave the socket unheard for ever
            if self._working:
                # Not at once: whoever has just been answered goes first.
                self._loop.call_soon(self._work)

    def _turn(self) -> None:
        try:
            frames = self._socket.recv_multipart(NOBLOCK)
        except zmq.Again:
            # The descriptor is edge-triggered and a send can use the edge up: after one, look again.
            self._working = self._flush()
        else:
            self._received(frames)
            self._flush()


def open_socket(context: "zmq.Context[zmq.Socket[bytes]]", kind: int) -> "zmq.Socket[bytes]":
    """A socket that never holds up a closing process and refuses oversized frames."""
    socket = context.socket(kind)
    socket.setsockopt(zmq.LINGER, 0)
    socket.setsockopt(zmq.MAXMSGSIZE, MAX_FRAME)
    return socket
