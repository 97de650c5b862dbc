"""Turns host names into addresses that may be connected to."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from ipaddress import ip_address

from aiohttp.abc import AbstractResolver, ResolveResult

from workers.egress.rules import Rules

_AT_ONCE = 4

Lookup = Callable[[str], Awaitable[list[str]]]
"""The addresses of a name; raises `OSError` when there are none."""


class Denied(OSError):
    """An address that the rules refuse; an `OSError`, so that aiohttp carries it like a failed connection."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class System:
    """The system's resolver, in threads of its own: a slow name server holds up nothing but lookups."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_AT_ONCE, "lookup")

    async def lookup(self, name: str) -> list[str]:
        """The addresses of the name, each once; raises `OSError`."""
        ask = partial(socket.getaddrinfo, name, None, type=socket.SOCK_STREAM)
        found = await asyncio.get_running_loop().run_in_executor(self._threads, ask)
        return list(dict.fromkeys(str(entry[4][0]) for entry in found))

    def close(self) -> None:
        """Nothing can be looked up afterwards; a thread that still waits ends by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class Checking(AbstractResolver):
    """Looks names up once, refuses those with any refused address, and hands on what was checked."""

    def __init__(self, rules: Rules, lookup: Lookup, seconds: float) -> None:
        self._rules = rules
        self._lookup = lookup
        self._seconds = seconds

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of the name; raises `Denied`, another `OSError` or `TimeoutError`."""
        async with asyncio.timeout(self._seconds):
            found = [ip_address(text) for text in await self._lookup(host)]
        if not found:
            raise OSError("no address")
        for address in found:
            why = self._rules.refusal(address)
            if why:
                raise Denied(why)
        return [
            ResolveResult(
                hostname=host,
                host=str(address),
                port=port,
                family=socket.AF_INET6 if address.version == 6 else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address in found
        ]

    async def close(self) -> None:
        """Nothing is held."""
