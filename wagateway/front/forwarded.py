"""What a trusted reverse proxy says about the scheme and host that the client used."""

import ipaddress
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.typedefs import Middleware

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def trusting(networks: list[str]) -> Middleware:
    """A middleware that believes X-Forwarded-Proto and -Host from peers in these networks."""
    trusted = [ipaddress.ip_network(text, strict=False) for text in networks]

    @web.middleware
    async def believe(request: web.Request, handler: Handler) -> web.StreamResponse:
        peer = ipaddress.ip_address(request.remote) if request.remote else None
        if peer is not None and any(peer in network for network in trusted):
            request = request.clone(
                scheme=request.headers.get("X-Forwarded-Proto", request.scheme),
                host=request.headers.get("X-Forwarded-Host", request.host),
            )
        return await handler(request)

    return believe
