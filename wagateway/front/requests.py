"""From an HTTP request to a command and back: one road for every route."""

import asyncio
import contextlib
import functools
from collections.abc import Awaitable, Callable
from typing import Any, cast, get_args, get_origin, get_type_hints
from urllib.parse import parse_qsl, unquote_plus

import msgspec
from aiohttp import web

from wagateway.commands.app import ConnectionStatus, GetConnectionStatus
from wagateway.commands.internal import DeviceRow
from wagateway.contract import Command, Problem, Route
from wagateway.envelope import success
from wagateway.front.devices import Devices, unreachable
from wagateway.link import Link, problem_in
from wagateway.problems import device_not_logged_in, invalid
from wagateway.wire import Reply

BODY_BYTES = 1024 * 1024
BODY_SECONDS = 30.0
IDEMPOTENCY = "idempotency_key"
Fields = dict[str, Any]

_msgpack = msgspec.msgpack.Encoder()
_json = msgspec.json.Decoder(dict[str, Any])
_JSON_TYPE = {"Content-Type": "application/json"}
_SWITCHES = {"on": "true", "off": "false", "yes": "true", "no": "false"}


class Form(msgspec.Struct, frozen=True, dict=True):
    """What the generic road must know of a command: its fields by kind."""

    command: type[Command[Any]]
    names: frozenset[str]
    lists: frozenset[str]
    switches: frozenset[str]

    @functools.cached_property
    def empty(self) -> Command[Any]:
        """The command without any field."""
        return self.command()


def form(command: type[Command[Any]]) -> Form:
    """The form of a command, once per route."""
    hints = get_type_hints(command)
    fields = {field.name: hints[field.name] for field in msgspec.structs.fields(command)}
    return Form(
        command,
        frozenset(fields),
        frozenset(name for name, hint in fields.items() if get_origin(hint) is list),
        frozenset(name for name, hint in fields.items() if hint is bool or bool in get_args(hint)),
    )


def answer(reply: Reply) -> web.Response:
    """The worker's bytes, untouched."""
    headers = _JSON_TYPE
    if reply.retry_after:
        headers = {**_JSON_TYPE, "Retry-After": str(reply.retry_after)}
    return web.Response(body=reply.body, status=reply.status, headers=headers)


async def read_command(request: web.Request, shape: Form) -> Command[Any]:
    """The command that a request means; raises 400 that names the field."""
    if not (shape.names or request.query_string or request.body_exists):
        return shape.empty
    texts = _texts(shape, [*request.query.items(), *request.match_info.items()])
    values: Fields = {}
    if request.body_exists:
        values, more = await _body(request, shape)
        texts = {**more, **texts}
    if IDEMPOTENCY in shape.names and (key := request.headers.get("Idempotency-Key")):
        texts[IDEMPOTENCY] = key
    values = {name: value for name, value in values.items() if name not in texts}
    if "device_id" not in shape.names:  # it selected the device
        texts.pop("device_id", None)
    return _convert(shape, values, texts)


def _texts(shape: Form, pairs: list[tuple[str, str]]) -> Fields:
    found: Fields = {}
    for key, value in pairs:
        name = key.removesuffix("[]")
        if name in shape.lists:
            found.setdefault(name, []).extend(value.split(",") if key == name else [value])
        elif name in shape.switches:
            found[name] = _SWITCHES.get(value.lower(), value)
        elif value != "" or name not in shape.names:
            found[name] = value
    return found


async def _body(request: web.Request, shape: Form) -> tuple[Fields, Fields]:
    """The values of a JSON body and the texts of a form."""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            raw = await request.read()
    except TimeoutError:
        raise Problem(408, "REQUEST_TIMEOUT", "The body of the request did not arrive in time") from None
    if not raw.strip():
        return {}, {}
    kind = request.content_type
    try:
        if kind == "application/json":
            return _json.decode(raw), {}
        if kind == "application/x-www-form-urlencoded":
            return {}, _texts(shape, parse_qsl(raw.decode(), keep_blank_values=True))
        if kind == "multipart/form-data":
            posted = await request.post()
            return {}, _texts(shape, [(key, str(value)) for key, value in posted.items()])
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise Problem(400, "BAD_REQUEST", f"The body is not a valid {kind} object") from error
    raise Problem(
        400, "BAD_REQUEST", "The body must be JSON, urlencoded or multipart: say which in Content-Type"
    )


def _convert(shape: Form, values: Fields, texts: Fields) -> Command[Any]:
    try:
        return cast("Command[Any]", msgspec.convert({**values, **texts}, shape.command, strict=not texts))
    except msgspec.ValidationError as error:
        raise _explain(str(error)) from error


def _explain(text: str) -> Problem:
    """`msgspec`'s sentence with the field first, as clients of the real server know it."""
    what, _, where = text.partition(" - at `$")
    if what.startswith("Object missing required field"):
        return invalid(what.split("`")[1], "cannot be blank")
    if what.startswith("Object contains unknown field"):
        return invalid(what.split("`")[1], "is not a field of this request")
    field = where.rstrip("`").lstrip(".") or "body"
    if what == "Expected `str` of length >= 1":
        return invalid(field, "cannot be blank")
    return invalid(field, what)


class Road:
    """Where a command goes: to a worker by what it needs, to the supervisor or to the sandbox."""

    def __init__(self, devices: Devices, sandbox: Link | None, timeout: float) -> None:
        self.devices = devices
        self._sandbox = sandbox
        self._timeout = timeout
        self._given_up: asyncio.Event = asyncio.Event()

    def give_up(self) -> None:
        """Answer what still waits with 503: the process is about to end."""
        self._given_up.set()

    def handler(self, route: Route, shape: Form) -> Callable[[web.Request], Awaitable[web.Response]]:
        """The HTTP handler of one route."""
        command = shape.command
        by_path = "{device_id}" in route.path
        if command.target == "device":

            async def to_device(request: web.Request) -> web.Response:
                row = self.device(request, by_path=by_path)
                return answer(await self.to_worker(row, await read_command(request, shape)))

            return to_device

        async def to_process(request: web.Request) -> web.Response:
            reply = await self._forward(self._process(command), await read_command(request, shape))
            if command.target == "supervisor" and route.method != "GET":
                await self._refresh()
            return answer(reply)

        async def to_supervisor_about_a_device(request: web.Request) -> web.Response:
            row = self.device(request, by_path=False)
            about = msgspec.convert({"device_id": row.device_id}, command)
            reply = await self._forward(self._process(command), about)
            await self._refresh()
            return answer(reply)

        selects = "device_id" in shape.names and route.path.startswith("/app/")
        return to_supervisor_about_a_device if selects else to_process

    async def to_worker(self, row: DeviceRow, command: Command[Any]) -> Reply:
        """Forward to the worker of a device, started first where the command asks for that."""
        link = self.devices.link(row)
        if link is None:
            if isinstance(command, GetConnectionStatus):
                return _from_table(row, command)
            link = await self._start_for(row, command)
        return await self._forward(link, command)

    async def _start_for(self, row: DeviceRow, command: Command[Any]) -> Link:
        stopped = row.worker in ("stopped", "parked")
        if command.needs == "worker" or (command.needs == "shard" and stopped and row.jid):
            return await self.devices.started(row)
        if stopped and not row.paired:
            raise device_not_logged_in(row.device_id)
        raise unreachable(row)

    def device(self, request: web.Request, *, by_path: bool) -> DeviceRow:
        """The device that a request means; raises `Problem`."""
        if by_path:
            return self.devices.find(request.match_info["device_id"])
        named = request.headers.get("X-Device-Id", "").strip()
        return self.devices.select(unquote_plus(named) or request.query.get("device_id", ""))

    def _process(self, command: type[Command[Any]]) -> Link:
        if command.target == "sandbox":
            assert self._sandbox is not None
            return self._sandbox
        return self.devices.supervisor

    async def _refresh(self) -> None:
        with contextlib.suppress(Problem):  # what was asked for is done and has its answer
            await self.devices.refresh()

    async def _forward(self, link: Link, command: Command[Any]) -> Reply:
        return await link.forward(type(command).__name__, _msgpack.encode(command), self._timeout)


def _from_table(row: DeviceRow, command: GetConnectionStatus) -> Reply:
    status = ConnectionStatus(
        device_id=row.device_id,
        state=row.state,
        is_connected=row.state in ("connected", "logged_in"),
        is_logged_in=row.state == "logged_in",
        jid=row.jid,
        display_name=row.display_name,
        reason=row.reason or row.last_exit,
    )
    return Reply(0, 200, 0, success(command.sentence(status), status))


def decoded(reply: Reply, kind: type[Any]) -> Any:
    """The result inside a reply; raises the `Problem` it carries."""
    if reply.status != 200:
        raise problem_in(reply)
    return msgspec.convert(msgspec.json.decode(reply.body)["results"], kind)
