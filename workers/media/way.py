"""The way to WhatsApp's media host: through which proxy, and whom to trust there."""

import ssl
from urllib.parse import unquote, urlsplit

import aiohttp
import msgspec

from wagateway.spec import SandboxNetwork

_HEADERS = {
    "Origin": "https://web.whatsapp.com",
    "Referer": "https://web.whatsapp.com/",
    "User-Agent": "Mozilla/5.0",
    "Accept-Encoding": "identity",
}
_SOCKS = 1080  # the port of a URL without one
_KEPT = 15  # seconds that a connection is kept for the next file


class Way(msgspec.Struct, frozen=True):
    """`proxy` is an http, https or socks5 URL, "" for none: then the sandbox's own is used, if any."""

    network: SandboxNetwork | None
    proxy: str = ""

    @property
    def asked(self) -> str | None:
        """The proxy that each request names."""
        if self.proxy:
            return None if self._socks else self.proxy
        return self.network.proxy if self.network else None

    def session(self, block: int) -> aiohttp.ClientSession:
        """A session that goes this way and reads `block` bytes ahead; make it on the loop."""
        return aiohttp.ClientSession(
            connector=self._connector(),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=_HEADERS,
            auto_decompress=False,
            read_bufsize=block,
            trust_env=self.network is None and not self.proxy,
        )

    @property
    def failures(self) -> tuple[type[Exception], ...]:
        """What a request raises when it does not come through."""
        if not self._socks:
            return aiohttp.ClientError, OSError
        from aiohttp_socks import ProxyConnectionError, ProxyError, ProxyTimeoutError

        return aiohttp.ClientError, OSError, ProxyConnectionError, ProxyError, ProxyTimeoutError

    @property
    def _socks(self) -> bool:
        return urlsplit(self.proxy).scheme == "socks5"

    def _connector(self) -> aiohttp.TCPConnector:
        trusted = _only(self.network.ca) if self.network else True
        if not self._socks:
            return aiohttp.TCPConnector(ssl=trusted, keepalive_timeout=_KEPT)
        # Only now: few devices have such a proxy.
        from aiohttp_socks import ProxyConnector

        parts = urlsplit(self.proxy)
        return ProxyConnector(
            parts.hostname or "",
            parts.port or _SOCKS,
            username=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            rdns=True,  # whoever hides behind a proxy does not look the name up here
            ssl=trusted,
            keepalive_timeout=_KEPT,
        )


def _only(ca: str) -> ssl.SSLContext:
    """Trust nothing but the sandbox, whose certificate is a plain one that signs itself."""
    context = ssl.create_default_context(cafile=ca)
    # Newer versions of Python insist on what only certificates of public authorities have.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context
