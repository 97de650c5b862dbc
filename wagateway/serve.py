"""The answering end of a command socket."""

import asyncio
import contextlib
import inspect
import time
from collections.abc import Awaitable, Callable, Iterable
from types import ModuleType, TracebackType
from typing import Any, Generic, Self, TypeVar, get_type_hints

import msgspec
import structlog
import zmq

from wagateway.contract import DEADLINE, Command, Problem, reply_type
from wagateway.envelope import failure, success
from wagateway.link import Context
from wagateway.problems import bug
from wagateway.sockets import NOBLOCK, Pump, open_socket
from wagateway.wire import (
    MAX_FRAME,
    Reply,
    Request,
    groups,
    pack_batch,
    pack_reply,
    unpack_batch,
    unpack_request,
)

S = TypeVar("S")
_TOO_MUCH = Problem(413, "ANSWER_TOO_LARGE", "The answer is too large; ask for less at once with limit")
_LINGER = 50  # milliseconds for the last answers to leave
Handler = Callable[[S, Any], Awaitable[object] | object]


log = structlog.get_logger()


class Handlers(Generic[S]):
    """The handlers of a process by command name, with the decoder of each command."""

    def __init__(self) -> None:
        self._handlers: dict[str, tuple[Handler[S], msgspec.msgpack.Decoder[Command[Any]]]] = {}

    def add(self, command: type[Command[Any]], handler: Handler[S]) -> None:
        """Register; raises TypeError when the command has a handler already."""
        if command.__name__ in self._handlers:
            raise TypeError(f"two handlers for {command.__name__}")
        self._handlers[command.__name__] = (handler, msgspec.msgpack.Decoder(command))

    def find(self, request: Request) -> tuple[Handler[S], Command[Any]]:
        """The handler and the decoded command of a request; raises `Problem`."""
        found = self._handlers.get(request.name)
        if found is None:
            raise Problem(404, "COMMAND_UNKNOWN", "This process does not answer this command")
        handler, decoder = found
        try:
            return handler, decoder.decode(request.body)
        except msgspec.DecodeError as error:
            raise Problem(400, "VALIDATION_ERROR", str(error)) from error

    def names(self) -> frozenset[str]:
        """The commands that have a handler."""
        return frozenset(self._handlers)


def collect(modules: Iterable[ModuleType]) -> "Handlers[Any]":
    """Every public `async def name(state, command: SomeCommand) -> Reply` of the modules.

    A plain `def` will do where the answer is in memory: it saves a task. The signature is the
    registration. Raises TypeError, naming the function, for a second handler of a command or a return type
    that is not the command's reply.
    """
    handlers: Handlers[Any] = Handlers()
    for module in modules:
        for name, function in vars(module).items():
            if inspect.isfunction(function) and function.__module__ == module.__name__:
                _register(handlers, name, function)
    return handlers


def _register(handlers: "Handlers[Any]", name: str, function: Handler[Any]) -> None:
    hints = get_type_hints(function)
    command = next((hint for hint in hints.values() if _is_command(hint)), None)
    if name.startswith("_") or command is None:
        return
    if hints["return"] != reply_type(command):
        raise TypeError(f"{name} must return {reply_type(command)}, the reply of {command.__name__}")
    handlers.add(command, function)


def _is_command(hint: object) -> bool:
    return isinstance(hint, type) and issubclass(hint, Command)


class Server(Generic[S]):
    """Binds `address` and answers each command in a task of its own, handing `state` to the handlers."""

    def __init__(self, context: Context, address: str, handlers: Handlers[S], state: S) -> None:
        self._handlers = handlers
        self._state = state
        self._tasks: set[asyncio.Task[None]] = set()
        self._socket = open_socket(context, zmq.ROUTER)
        self._socket.bind(address)
        self._outgoing: dict[bytes, list[bytes]] = {}
        self._pump = Pump(self._socket, self._received, self._flush)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pump.close()
        for task in self._tasks:
            task.cancel()
        self._socket.close(_LINGER)

    async def drain(self, timeout: float) -> None:
        """Wait until what was asked so far is answered, at most `timeout` seconds."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=timeout)
        self._flush()

    def _received(self, frames: list[bytes]) -> None:
        try:
            peer, batch = frames
            requests = [unpack_request(frame) for frame in unpack_batch(batch)]
        except ValueError:  # `Malformed` is one too
            return
        for request in requests:
            if request.deadline > time.monotonic():
                self._handle(peer, request)

    def _handle(self, peer: bytes, request: Request) -> None:
        try:
            handler, command = self._handlers.find(request)
            DEADLINE.set(request.deadline)
            result = handler(self._state, command)
            if not inspect.iscoroutine(result):
                self._send(peer, _done(request, command, result))
                return
        except Exception as error:  # noqa: BLE001  the process's edge, see `_failed`
            self._send(peer, _failed(request, error))
            return
        answer = self._answer(peer, request, command, result)
        task = asyncio.get_running_loop().create_task(answer, name=request.name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(
        self, peer: bytes, request: Request, command: Command[Any], result: Awaitable[object]
    ) -> None:
        try:
            reply = _done(request, command, await result)
        except Exception as error:  # noqa: BLE001  the process's edge, see `_failed`
            reply = _failed(request, error)
        self._send(peer, reply)

    def _send(self, peer: bytes, reply: Reply) -> None:
        frame = pack_reply(reply)
        if len(frame) > MAX_FRAME // 2:
            frame = pack_reply(Reply(reply.id, _TOO_MUCH.status, 0, failure(_TOO_MUCH)))
        self._outgoing.setdefault(peer, []).append(frame)
        self._pump.wake()

    def _flush(self) -> bool:
        if not self._outgoing:
            return False
        answers, self._outgoing = self._outgoing, {}
        for peer, frames in answers.items():
            for group in groups(frames):
                with contextlib.suppress(zmq.ZMQError):  # who asked has gone; nobody is left to tell
                    self._socket.send_multipart([peer, pack_batch(group)], NOBLOCK)
        return True


def _done(request: Request, command: Command[Any], result: object) -> Reply:
    return Reply(request.id, 200, 0, success(command.sentence(result), result))


def _failed(request: Request, error: Exception) -> Reply:
    """A problem as it is; a bug as a traceback in the log and a plain 500 outside."""
    if isinstance(error, Problem):
        return Reply(request.id, error.status, error.retry_after, failure(error))
    log.error("command.failed", command=request.name, exc_info=error)
    return Reply(request.id, 500, 0, failure(bug()))
