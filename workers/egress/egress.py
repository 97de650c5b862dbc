"""Opens HTTP connections to addresses that others name, to checked addresses only."""

import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from importlib.metadata import version
from ipaddress import ip_address
from typing import Self

import aiohttp
import msgspec

from wagateway.contract import Problem
from workers.egress.lookup import Checking, Denied, Lookup, System
from workers.egress.problems import failed, not_allowed, timed_out
from workers.egress.rules import Rules
from workers.egress.target import address_not_allowed, checked

USER_AGENT = f"wagateway/{version('wagateway')}"

_LONGEST_HEADER = 32768  # the security policies of well-known sites pass aiohttp's 8 KiB


class Patience(msgspec.Struct, frozen=True):
    """Seconds for looking a name up, for a connection with its TLS, and between two pieces of an answer."""

    lookup: float = 10.0
    connect: float = 10.0
    idle: float = 15.0


class Egress:
    """The connections of one worker to foreign servers; nothing is opened before the first request.

    Neither cookies nor credentials nor the proxies of the environment are used. `tls` is False to accept any
    certificate.
    """

    def __init__(
        self,
        rules: Rules,
        patience: Patience | None = None,
        lookup: Lookup | None = None,
        tls: ssl.SSLContext | bool = True,
    ) -> None:
        self._rules = rules
        self._patience = patience or Patience()
        self._system = System()
        self._lookup = lookup or self._system.lookup
        self._tls = tls
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close what is open; nothing can be requested afterwards."""
        self._system.close()
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    @contextlib.asynccontextmanager
    async def request(
        self, method: str, url: str, field: str, *, headers: Mapping[str, str], data: bytes | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """One request and its answer, whatever its status: redirects are the caller's to follow or not.

        Raises 400 `URL_NOT_ALLOWED`, `URL_FETCH_FAILED` or `URL_TIMEOUT`, also for what goes wrong while the
        body is read; the text names the `field`. The body comes as it was sent, compressed or not. The time
        in all is the caller's to limit.
        """
        target = checked(self._rules, url, field)
        try:
            async with self._opened().request(
                method, target, headers=headers, data=data, allow_redirects=False
            ) as response:
                yield response
        except (aiohttp.ClientSSLError, ssl.SSLError):
            raise failed(field, "the server has no valid certificate, or does not speak TLS") from None
        except aiohttp.ClientConnectorError as error:
            raise _unconnected(field, error) from None
        except TimeoutError:
            raise timed_out(field) from None
        except aiohttp.ClientConnectionError:
            raise failed(field, "the server closed the connection") from None
        except aiohttp.ClientError:
            raise failed(field, "the server's answer cannot be read") from None

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                resolver=Checking(self._rules, self._lookup, self._patience.lookup),
                use_dns_cache=False,
                socket_factory=self._socket,
                ssl=self._tls,
                limit=0,
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                timeout=aiohttp.ClientTimeout(
                    total=None, sock_connect=self._patience.connect, sock_read=self._patience.idle
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
                auto_decompress=False,
                max_field_size=_LONGEST_HEADER,
                trust_env=False,
            )
        return self._session

    def _socket(self, place: aiohttp.AddrInfoType) -> socket.socket:
        # The last word, whatever led here: this is the address that the kernel will connect to.
        family, kind, protocol, _, destination = place
        why = self._rules.refusal(ip_address(str(destination[0])))
        if why:
            raise Denied(why)
        return socket.socket(family, kind, protocol)


def _unconnected(field: str, error: aiohttp.ClientConnectorError) -> Problem:
    if isinstance(error.os_error, Denied):
        return not_allowed(field, address_not_allowed(error.os_error.why))
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return failed(field, "the host name has no address")
    return failed(field, "the server cannot be reached")
