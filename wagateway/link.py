"""The asking end of a command socket."""

import asyncio
import itertools
import time
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Self, TypeVar

import msgspec
import zmq
from zmq.utils.monitor import parse_monitor_message

from wagateway.contract import Command, Problem, reply_type
from wagateway.envelope import Envelope
from wagateway.problems import device_unavailable, timed_out
from wagateway.sockets import NOBLOCK, Pump, open_socket
from wagateway.wire import (
    Malformed,
    Reply,
    Request,
    groups,
    pack_batch,
    pack_request,
    unpack_batch,
    unpack_reply,
)

R = TypeVar("R")
Context = zmq.Context[zmq.Socket[bytes]]

_encoder = msgspec.msgpack.Encoder()
_RECONNECT_MS = 5
_WATCHED = zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED


class Link:
    """Asks one process; knows at once when that process dies, and finds its successor by itself.

    Nothing is queued for an absent process: asking it raises 503 `DEVICE_UNAVAILABLE`, and so does every
    question that is open when it dies. Use as a context manager: an open socket hangs a closing process.
    """

    def __init__(self, context: Context, address: str) -> None:
        self.connected = asyncio.Event()
        self._pending: dict[int, asyncio.Future[Reply]] = {}
        self._ids = itertools.count(1)
        self._socket = open_socket(context, zmq.DEALER)
        self._socket.setsockopt(zmq.IMMEDIATE, 1)
        self._socket.setsockopt(zmq.RECONNECT_IVL, _RECONNECT_MS)
        self._monitor = self._socket.get_monitor_socket(_WATCHED)
        self._outgoing: list[Request] = []
        self._replies = Pump(self._socket, self._replied, self._flush)
        self._changes = Pump(self._monitor, self._changed)
        self._socket.connect(address)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Fail what is open and close the sockets."""
        self._fail(self._pending, "The gateway closed its connection to the device")
        self._replies.close()
        self._changes.close()
        self._socket.disable_monitor()
        self._monitor.close(0)
        self._socket.close(0)

    async def ask(self, command: Command[R], timeout: float) -> R:
        """The typed reply to a command; raises the `Problem` it was answered with.

        `timeout` is in seconds.
        """
        reply = await self.forward(type(command).__name__, _encoder.encode(command), timeout)
        if reply.status != 200:
            raise problem_in(reply)
        envelope: Envelope[Any] = msgspec.json.decode(reply.body, type=Envelope[reply_type(type(command))])  # type: ignore[misc]
        return envelope.results  # type: ignore[return-value]

    async def forward(self, name: str, body: bytes, timeout: float) -> Reply:
        """The raw reply to an encoded command; raises `Problem` when there is none in `timeout` seconds."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Reply] = loop.create_future()
        request = Request(next(self._ids), time.monotonic() + timeout, name, body)
        self._pending[request.id] = future
        self._outgoing.append(request)
        self._replies.wake()
        # A plain timer: on this path asyncio.timeout would cost as much as the socket.
        timer = loop.call_later(timeout, _late, future)
        try:
            return await future
        finally:
            timer.cancel()
            del self._pending[request.id]

    def _flush(self) -> bool:
        if not self._outgoing:
            return False
        requests, self._outgoing = self._outgoing, []
        for group in groups([pack_request(request) for request in requests]):
            sent, requests = requests[: len(group)], requests[len(group) :]
            try:
                self._socket.send(pack_batch(group), NOBLOCK)
            except zmq.Again:
                self._fail((request.id for request in sent), "The device's worker is not running")
        return True

    def _replied(self, frames: list[bytes]) -> None:
        try:
            replies = [unpack_reply(frame) for frame in unpack_batch(frames[0])]
        except Malformed:
            return
        for reply in replies:
            future = self._pending.get(reply.id)
            if future is not None and not future.done():
                future.set_result(reply)

    def _changed(self, frames: list[bytes]) -> None:
        event = parse_monitor_message(frames)["event"]
        if event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
            self.connected.set()
        elif event == zmq.EVENT_DISCONNECTED:
            self.connected.clear()
            self._fail(
                self._pending,
                "The device's worker stopped before it answered; if this request was to send a message, "
                "whether it was sent is not known",
            )

    def _fail(self, asked: Iterable[int], why: str) -> None:
        for number in asked:
            future = self._pending.get(number)
            if future is not None and not future.done():
                future.set_exception(device_unavailable(why))


def _late(future: asyncio.Future[Reply]) -> None:
    if not future.done():
        future.set_exception(timed_out())


def problem_in(reply: Reply) -> Problem:
    """The problem that a reply's envelope carries."""
    envelope = msgspec.json.decode(reply.body, type=Envelope[Any])
    return Problem(
        reply.status,
        envelope.code,
        envelope.message,
        retry_after=reply.retry_after,
        result=envelope.results,
    )
