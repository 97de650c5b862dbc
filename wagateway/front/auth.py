"""Who may use the API: basic authentication, compared in constant time."""

import hmac
from collections.abc import Awaitable, Callable

from aiohttp import web

from wagateway.contract import Problem
from wagateway.envelope import failure
from wagateway.settings import Settings, authorization

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_REFUSED = failure(Problem(401, "UNAUTHORIZED", "Unauthorized"))
_HEADERS = {
    "Content-Type": "application/json",
    "WWW-Authenticate": 'Basic realm="Restricted", charset="UTF-8"',
    "Cache-Control": "no-store",
}


def authentication(
    settings: Settings, open_paths: frozenset[str]
) -> Callable[..., Awaitable[web.StreamResponse]]:
    """A middleware that lets through who has one of the configured credentials."""
    accepted = [authorization(pair) for pair in settings.basic_auth]

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.get("Authorization", "").encode(errors="surrogateescape")
        # Every pair is compared, so that the time tells nothing about which one came close.
        matches = [hmac.compare_digest(given, pair) for pair in accepted]
        if request.path in open_paths or any(matches):
            return await handler(request)
        return web.Response(status=401, body=_REFUSED, headers=_HEADERS)

    return check
