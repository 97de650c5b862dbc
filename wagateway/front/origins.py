"""Where requests come from: to which address of ours, and from a web page of which site."""

import ipaddress
import re
from collections.abc import Iterable

from aiohttp import web

from wagateway.contract import Problem

_HOST = re.compile(r"[A-Za-z0-9.\-_]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")


class Origins:
    """Makes absolute links; what a proxy says of the outside counts only where the proxy is trusted."""

    def __init__(self, base_path: str, trusted_proxies: Iterable[str]) -> None:
        self._base_path = base_path
        self._trusted = [ipaddress.ip_network(text, strict=False) for text in trusted_proxies]

    def link(self, request: web.BaseRequest, path: str) -> str:
        """The absolute link to a path (without the base path) for who sent this request."""
        return f"{self._origin(request)}{self._base_path}{path}"

    def refuse_other_pages(self, request: web.BaseRequest) -> None:
        """Raises 403 `CROSS_SITE` for a web page that is not of the address that it asks."""
        refuse_other_sites(request)
        origin = request.headers.get("Origin")
        host = self._origin(request).partition("://")[2]
        if origin is not None and origin.partition("://")[2].lower() != host.lower():
            raise _cross_site()

    def _origin(self, request: web.BaseRequest) -> str:
        scheme, host = "http", request.headers.get("Host", "")
        if self._trusted and self._is_trusted(request):
            forwarded = request.headers.get("X-Forwarded-Proto", "").split(",")[0].strip().lower()
            scheme = forwarded if forwarded in ("http", "https") else scheme
            host = request.headers.get("X-Forwarded-Host", "").split(",")[0].strip() or host
        if not _HOST.fullmatch(host):
            host = _own_address(request)
        return f"{scheme}://{host}"

    def _is_trusted(self, request: web.BaseRequest) -> bool:
        peer = request.get_extra_info("peername")
        if not peer:
            return False
        address = ipaddress.ip_address(peer[0])
        return any(address in network for network in self._trusted)


def refuse_other_sites(request: web.BaseRequest) -> None:
    """Raises 403 `CROSS_SITE` where a browser says that a page of another site asks.

    A browser adds the credentials that it remembers to whatever any page makes it ask for.
    """
    if request.headers.get("Sec-Fetch-Site") == "cross-site":
        raise _cross_site()


def _cross_site() -> Problem:
    return Problem(
        403,
        "CROSS_SITE",
        "A web page of another site may not use this API, but for a WebSocket with a ticket",
    )


def _own_address(request: web.BaseRequest) -> str:
    address, port = request.get_extra_info("sockname", ("127.0.0.1", 80))[:2]
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
