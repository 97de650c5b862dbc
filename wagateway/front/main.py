"""The front: an HTTP server whose every answer comes from another process."""

import asyncio
import contextlib
from contextlib import AsyncExitStack
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import structlog
from aiohttp import web

from wagateway import wire
from wagateway.commands import catalogue
from wagateway.commands.app import Login
from wagateway.commands.events import ListEvents
from wagateway.commands.groups import ExportMembers
from wagateway.commands.messages import DownloadMessageMedia
from wagateway.contract import Problem
from wagateway.envelope import success
from wagateway.front import answers, exports
from wagateway.front.auth import Auth
from wagateway.front.bodies import Patience
from wagateway.front.devices import Devices, follow
from wagateway.front.docs import Docs
from wagateway.front.lines import NDJSON, Events
from wagateway.front.login import Pictures
from wagateway.front.media import FOLDER, Media
from wagateway.front.origins import Origins, refuse_other_sites
from wagateway.front.pages import PAGES, app_info, banner
from wagateway.front.reach import Processes
from wagateway.front.requests import Endpoint, Finish
from wagateway.front.routes import Routes
from wagateway.front.streams import Streams
from wagateway.front.tails import Tails
from wagateway.front.tickets import Tickets
from wagateway.front.uploads import Spool
from wagateway.front.websockets import PATH, WebSockets, is_upgrade, upgrade_required
from wagateway.link import Context, Link
from wagateway.openapi.document import Facts, document
from wagateway.problems import bug, device_unavailable
from wagateway.settings import Settings

_TABLE_SECONDS = 10.0
_REFRESH_SECONDS = 5.0
_READING = frozenset({"GET", "HEAD"})
_TICKET = f"{PATH}/ticket"

log = structlog.get_logger()


class Front:
    """The HTTP API in front of a supervisor, its workers and the sandbox.

    `link_key` signs the links that need no credentials. Use as an async context manager: on entry it waits
    for the device table, and raises `Problem` or TimeoutError when the supervisor has none for it.
    """

    def __init__(
        self,
        settings: Settings,
        runtime: Path,
        context: Context,
        link_key: bytes,
        patience: Patience | None = None,
    ) -> None:
        self._settings = settings
        self._runtime = runtime
        self._context = context
        self._link_key = link_key
        self._patience = patience or Patience()
        self._base_path = settings.base_path.rstrip("/")
        self._auth = Auth(settings.basic_auth)
        self._origins = Origins(self._base_path, settings.trusted_proxies)
        self._pictures = Pictures(self._origins)
        self._routes: Routes[Endpoint | Events] = Routes()
        self._busy: set[asyncio.Task[Any]] = set()
        self._waiting: set[asyncio.Task[Any]] = set()
        self._cut: set[asyncio.Task[Any]] = set()
        self._leaving = False
        self._streams = Streams(self._busy)
        self._tickets = Tickets()
        self._info = success("Fetch app info success", app_info(settings))
        self._banner = success(f"wagateway {version('wagateway')}", banner())
        self._docs = Docs(lambda: document(_facts(settings)))
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            link = wire.supervisor_socket(self._runtime)
            self._supervisor = stack.enter_context(Link(self._context, link))
            sandbox = None
            if self._settings.sandbox:
                sandbox = stack.enter_context(Link(self._context, wire.sandbox_socket(self._runtime)))
            devices = stack.enter_context(Devices(self._context, self._runtime, self._supervisor))
            spool = stack.enter_context(Spool(self._settings.storage.absolute() / "spool"))
            timeout = self._settings.request_timeout
            processes = Processes(devices, self._supervisor, sandbox, timeout, self._patience, spool)
            media = Media(self._settings.storage, self._link_key, self._origins, processes)
            self._media = stack.enter_context(media)
            self._mount(processes)
            async with asyncio.timeout(_TABLE_SECONDS):
                await self._supervisor.connected.wait()
                await devices.refresh()
            following = asyncio.create_task(follow(devices, _REFRESH_SECONDS), name="follow devices")
            stack.push_async_callback(_stop, following)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer to any request; never raises but for a client that has gone."""
        task = asyncio.current_task()
        assert task is not None
        self._busy.add(task)
        answer: web.StreamResponse
        try:
            answer = await self._answer(request)
        except Problem as problem:
            answer = answers.refused(problem)
        except ConnectionError:
            raise
        except asyncio.CancelledError:
            if task not in self._cut:
                raise
            task.uncancel()
            answer = answers.refused(_stopping())
        except Exception:  # the process's edge: a bug becomes a traceback in the log and a plain 500 outside
            log.exception("request.failed", method=request.method, path=request.raw_path.partition("?")[0])
            answer = answers.refused(bug())
        finally:
            self._busy.discard(task)
            self._cut.discard(task)
        if self._leaving or answer.status in (408, 413) or request.content.exception() is not None:
            answer.force_close()
        return answer

    async def settle(self, grace: float, patience: float) -> None:
        """Close every connection with its next answer; return when nothing waits for one.

        Requests that come within `grace` seconds are answered too. What still waits after `patience`
        seconds is answered 503, and long polls are at once, as streams are ended.
        """
        loop = asyncio.get_running_loop()
        self._leaving = True
        quiet, end = loop.time() + grace, loop.time() + patience
        ending = loop.create_task(self._streams.end(), name="end streams")
        while (now := loop.time()) < end and (self._busy or now < quiet):
            self._cut_off(self._waiting)
            if self._busy and now >= quiet:
                await asyncio.wait(set(self._busy), timeout=end - now)
            else:
                await asyncio.sleep(min(quiet, end) - now)
        self._cut_off(self._busy)
        await ending

    def _cut_off(self, tasks: set[asyncio.Task[Any]]) -> None:
        for task in tasks - self._cut:
            self._cut.add(task)
            task.cancel()

    def _mount(self, processes: Processes) -> None:
        tails = Tails(processes.devices)
        self._websockets = WebSockets(processes, self._streams, tails, self._tickets)
        finishes: dict[object, Finish] = {
            Login: self._pictures.add,
            DownloadMessageMedia: self._media.link,
            ExportMembers: exports.members,
        }
        for command in catalogue().values():
            if command.target == "sandbox" and processes.sandbox is None:
                continue
            if not command.routes:
                continue
            endpoint: Endpoint | Events
            asking = endpoint = Endpoint(command, processes, finishes.get(command))
            if command is ListEvents:
                endpoint = Events(asking, processes, self._streams, tails, self._waiting)
            for route in command.routes:
                self._routes.add(route.method, route.path, endpoint)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        target, _, query = _target(request).partition("?")
        if target == "/health":
            return self._health(request.method)
        path = self._inside(target)
        if path == PATH and is_upgrade(request):
            return await self._websocket(request, query)
        of_media = path is not None and path.startswith(FOLDER)
        if path is None or not of_media or not self._media.opened_by(path, query):
            refusal = self._auth.refusal(request.headers.get("Authorization"))
            if refusal is not None:
                return refusal
        if path is None:
            return _nothing_here()
        if of_media:
            reads = request.method in _READING
            return await self._media.serve(request, path) if reads else _wrong_method(_READING)
        found = self._routes.find(request.method, path)
        if found is None:
            return await self._own(request, path) or _nothing_here()
        if isinstance(found, frozenset):
            return _wrong_method(found)
        refuse_other_sites(request)
        endpoint, captured = found
        return await endpoint.answer(request, query, captured)

    def _inside(self, target: str) -> str | None:
        """The path behind the base path; None for what lies elsewhere."""
        if not self._base_path:
            return target
        if target != self._base_path and not target.startswith(self._base_path + "/"):
            return None
        return target[len(self._base_path) :] or "/"

    async def _websocket(self, request: web.BaseRequest, query: str) -> web.StreamResponse:
        refusal = self._websockets.refusal(request, query, self._auth, self._origins)
        return refusal if refusal is not None else await self._websockets.answer(request, query)

    def _ticket(self, request: web.BaseRequest) -> web.Response:
        if request.method != "POST":
            return _wrong_method(frozenset({"POST"}))
        refuse_other_sites(request)
        answer = answers.done("Ticket issued", self._tickets.issue())
        answer.headers["Cache-Control"] = "no-store"
        return answer

    async def _own(self, request: web.BaseRequest, path: str) -> web.Response | None:
        """What the front answers without asking anybody."""
        reads = request.method in _READING
        if path.startswith("/statics/"):
            return self._pictures.find(path) if reads else None
        if path == PATH and request.method == "GET":
            raise upgrade_required()
        if path == _TICKET:
            return self._ticket(request)
        if path in ("/", "/app/info"):
            found: web.Response | None = answers.envelope(self._banner if path == "/" else self._info)
        else:
            found = await self._docs.find(request, path)
        return found if found is None or reads else _wrong_method(_READING)

    def _health(self, method: str) -> web.Response:
        if method not in _READING:
            return _wrong_method(_READING)
        if not self._supervisor.connected.is_set():
            return answers.plain("Service Unavailable", 503)
        return answers.plain("OK")


def _target(request: web.BaseRequest) -> str:
    target = request.raw_path
    return target if target.startswith("/") else request.rel_url.raw_path_qs


def _facts(settings: Settings) -> Facts:
    commands = [one for one in catalogue().values() if settings.sandbox or one.target != "sandbox"]
    return Facts(
        version=version("wagateway"),
        base_path=settings.base_path.rstrip("/"),
        credentials=bool(settings.basic_auth),
        commands=commands,
        pages=PAGES,
        files={ExportMembers: "text/csv"},
        streams={ListEvents: NDJSON},
    )


def _nothing_here() -> web.Response:
    return answers.refused(Problem(404, "NOT_FOUND", "There is nothing at this path"))


def _wrong_method(allowed: frozenset[str]) -> web.Response:
    names = ", ".join(sorted(allowed))
    answer = answers.refused(Problem(405, "METHOD_NOT_ALLOWED", f"This path takes {names}"))
    answer.headers["Allow"] = names
    return answer


def _stopping() -> Problem:
    return device_unavailable(
        "The gateway is stopping; if this request was to send a message, whether it was sent is not known"
    )


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
