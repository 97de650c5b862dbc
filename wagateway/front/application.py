"""The HTTP application: every route of the catalogue, and what the front answers by itself."""

from collections.abc import Awaitable, Callable
from importlib.metadata import version

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware

from wagateway.commands import catalogue
from wagateway.commands.app import Login
from wagateway.contract import Problem
from wagateway.envelope import failure, success
from wagateway.front import login
from wagateway.front.auth import authentication
from wagateway.front.forwarded import trusting
from wagateway.front.requests import BODY_BYTES, Road, form
from wagateway.settings import Settings

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

HEALTH = "/health"
_MB = 1_000_000
_CODES = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED", 413: "PAYLOAD_TOO_LARGE"}

log = structlog.get_logger()


def build(settings: Settings, road: Road) -> web.Application:
    """The application; `road` leads to the other processes."""
    middlewares: list[Middleware] = [problems]
    if settings.basic_auth:
        middlewares.append(authentication(settings, frozenset({HEALTH})))
    if settings.trusted_proxies:
        middlewares.insert(0, trusting(settings.trusted_proxies))
    application = web.Application(middlewares=middlewares, client_max_size=BODY_BYTES)
    base = settings.base_path.rstrip("/")
    pictures = login.Pictures()
    add = application.router.add_route
    add("GET", HEALTH, _health(road))
    add("GET", base + "/app/info", _fixed("Fetch app info success", _info(settings)))
    add("GET", base + "/", _fixed(f"wagateway {version('wagateway')}", {"version": version("wagateway")}))
    add("GET", base + login.PATH, pictures.serve)
    for command in catalogue().values():
        if command.target == "sandbox" and not settings.sandbox:
            continue
        for route in command.routes:
            shape = form(command)
            by_path = "{device_id}" in route.path
            handler: Handler = road.handler(route, shape)
            if command is Login:
                handler = login.handler(road, pictures, shape, base, by_path=by_path)
            add(route.method, base + route.path, handler)
    return application


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every failure as an envelope; a bug as a plain 500 and a traceback in the log."""
    try:
        return await handler(request)
    except Problem as problem:
        return _failed(problem, {})
    except web.HTTPException as refusal:
        if refusal.status < 400:
            raise
        code = _CODES.get(refusal.status, "BAD_REQUEST")
        allow = {"Allow": refusal.headers["Allow"]} if "Allow" in refusal.headers else {}
        return _failed(Problem(refusal.status, code, refusal.reason), allow)
    except Exception:  # the process's edge
        log.exception("request.failed", method=request.method, path=request.path)
        return _failed(Problem(500, "INTERNAL_SERVER_ERROR", "Internal error; the log has the details"), {})


def _failed(problem: Problem, headers: dict[str, str]) -> web.Response:
    if problem.retry_after:
        headers["Retry-After"] = str(problem.retry_after)
    return web.Response(
        status=problem.status, body=failure(problem), content_type="application/json", headers=headers
    )


def _fixed(message: str, result: object) -> Handler:
    body = success(message, result)

    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=body, headers={"Content-Type": "application/json"})

    return answer


def _health(road: Road) -> Handler:
    async def health(_: web.Request) -> web.Response:
        well = road.devices.supervisor.connected.is_set()
        return web.Response(status=200 if well else 503, text="OK" if well else "Service Unavailable")

    return health


def _info(settings: Settings) -> dict[str, object]:
    return {
        "version": version("wagateway"),
        "os": settings.os,
        "base_path": settings.base_path,
        "max_file_size": 50 * _MB,
        "max_video_size": 100 * _MB,
        "max_image_size": 20 * _MB,
        "chatwoot_enabled": False,
    }
