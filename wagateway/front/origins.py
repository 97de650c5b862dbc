"""The address under which a client reached the gateway, for links back to it."""

import ipaddress
import re
from collections.abc import Iterable

from aiohttp import web

_HOST = re.compile(r"[A-Za-z0-9.\-_]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")


class Origins:
    """Makes absolute links; what a proxy says of the outside counts only where the proxy is trusted."""

    def __init__(self, base_path: str, trusted_proxies: Iterable[str]) -> None:
        self._base_path = base_path
        self._trusted = [ipaddress.ip_network(text, strict=False) for text in trusted_proxies]

    def link(self, request: web.BaseRequest, path: str) -> str:
        """The absolute link to a path (without the base path) for who sent this request."""
        return f"{self._origin(request)}{self._base_path}{path}"

    def own(self, request: web.BaseRequest) -> bool:
        """Whether a request comes from no web page, or from one of the address that it asks."""
        origin = request.headers.get("Origin")
        if origin is None:
            return True
        host = self._origin(request).partition("://")[2]
        return origin.partition("://")[2].lower() == host.lower()

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


def _own_address(request: web.BaseRequest) -> str:
    address, port = request.get_extra_info("sockname", ("127.0.0.1", 80))[:2]
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
