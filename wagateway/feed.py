"""Live publication from one process to any number of listeners, who begin with the latest."""

from collections.abc import Callable
from types import TracebackType
from typing import Self

import zmq

from wagateway.link import Context
from wagateway.sockets import Pump, open_socket


class Publisher:
    """Sends to whoever listens; never waits for a slow listener.

    Whoever joins gets the latest publication, and the others get it again.
    """

    def __init__(self, context: Context, address: str) -> None:
        self._latest: bytes | None = None
        self._socket = open_socket(context, zmq.XPUB)
        self._socket.setsockopt(zmq.XPUB_VERBOSE, 1)  # every subscription, not only the first
        self._socket.bind(address)
        self._pump = Pump(self._socket, self._subscribed)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pump.close()
        self._socket.close(0)

    def publish(self, body: bytes) -> None:
        """One message to every listener."""
        self._latest = body
        self._socket.send(body, zmq.NOBLOCK)
        self._pump.wake()

    def _subscribed(self, frames: list[bytes]) -> None:
        if frames[0][:1] == b"\x01" and self._latest is not None:
            self._socket.send(self._latest, zmq.NOBLOCK)


class Listener:
    """Calls `received(body)` for each publication."""

    def __init__(self, context: Context, address: str, received: Callable[[bytes], None]) -> None:
        self._socket = open_socket(context, zmq.SUB)
        self._socket.setsockopt(zmq.SUBSCRIBE, b"")
        self._socket.setsockopt(zmq.RECONNECT_IVL, 5)
        self._socket.connect(address)
        self._reader = Pump(self._socket, lambda frames: received(frames[0]))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reader.close()
        self._socket.close(0)
