"""The receiver of a hook's events: what it wants, and one attempt to give it an event."""

import asyncio
import errno
import time
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from ipaddress import ip_network
from types import TracebackType
from typing import Self

import aiohttp
import msgspec
from multidict import CIMultiDict

from wagateway.commands.internal import Hook
from wagateway.events import wants
from workers.delivery.pace import Pace
from workers.egress import Rules
from workers.egress.lookup import Checking, System
from workers.shard.log import LogRow
from workers.signature import signed_headers

_ENOUGH = 65536  # bytes of an answer that are read so that the connection can be used again
_ENOUGH_SECONDS = 1.0
_USER_AGENT = f"wagateway/{version('wagateway')}"
_HIDDEN_CHATS = "@broadcast"  # the real server tells hooks nothing of status posts
_ASKING = (429, 503)
_ANYWHERE = Rules(allow=(ip_network("0.0.0.0/0"), ip_network("::/0")))  # the operator names the receivers
_OURS = ("content-", "transfer-encoding", "connection", "webhook-", "x-hub-signature")
_REFUSALS = {
    errno.ECONNREFUSED: "connection refused",
    errno.ECONNRESET: "connection reset",
    errno.EHOSTUNREACH: "host unreachable",
    errno.ENETUNREACH: "network unreachable",
}


class Outcome(msgspec.Struct, frozen=True):
    """What came of one attempt; `took` is in milliseconds.

    `status` is the HTTP status, 0 where there was no answer: `error` says why, without URLs. `retry_after`
    is what the receiver as a whole asked for, in seconds. `gone`: it wants no more events.
    """

    delivered: bool
    status: int
    error: str
    took: int
    retry_after: float = 0.0
    gone: bool = False


class _Where(msgspec.Struct, frozen=True):
    chat_id: str = ""
    chat_lid: str = ""
    sender: str = msgspec.field(default="", name="from")
    sender_lid: str = msgspec.field(default="", name="from_lid")


class _Body(msgspec.Struct, frozen=True):
    payload: _Where


_read = msgspec.json.Decoder(_Body)


class Receiver:
    """The HTTP side of one hook; open it with `async with`. Whatever posts here shares `hook.concurrency`."""

    def __init__(self, hook: Hook, pace: Pace) -> None:
        self.hook = hook
        self._pace = pace
        self._wanted = frozenset(name.lower() for name in hook.events)
        self._ignored = frozenset(jid for jid in hook.ignore_jids if not jid.startswith("@"))
        self._ignored_ends = tuple(jid for jid in hook.ignore_jids if jid.startswith("@"))
        self._free = asyncio.Semaphore(hook.concurrency)
        self._session: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        # Not the loop's threads: those are few, and a name server that hangs would hold up everybody.
        self._names = System()
        connector = aiohttp.TCPConnector(
            limit=self.hook.concurrency,
            ssl=not self.hook.insecure,
            keepalive_timeout=60,
            resolver=Checking(_ANYWHERE, self._names.lookup, self._pace.timeout),
        )
        own = {name: value for name, value in self.hook.headers.items() if not name.lower().startswith(_OURS)}
        headers = CIMultiDict({"User-Agent": _USER_AGENT})
        headers.update(own)
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=self._pace.timeout),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=headers,
            auto_decompress=False,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()
        self._names.close()

    def wants(self, row: LogRow) -> bool:
        """Whether the hook's filters let an event through."""
        if row.chat.endswith(_HIDDEN_CHATS) or not wants(self._wanted, row.kind):
            return False
        return not (self._ignored or self._ignored_ends) or not self._ignores(row)

    async def post(self, row: LogRow) -> Outcome:
        """Try once to deliver an event; waits for its turn first."""
        async with self._free:
            began = time.monotonic()
            try:
                status, asked = await self._posted(row)
            except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
                return Outcome(False, 0, _why(error), _since(began))
        if 200 <= status < 300:
            return Outcome(True, status, "", _since(began))
        after = _retry_after(asked) if status in _ASKING else 0.0
        return Outcome(False, status, f"HTTP {status}", _since(began), after, gone=status == 410)

    async def _posted(self, row: LogRow) -> tuple[int, str | None]:
        headers = signed_headers(self.hook.secret, row.event_id, int(time.time()), row.body)
        headers["Content-Type"] = "application/json"
        async with self._session.post(
            self.hook.url, data=row.body, headers=headers, allow_redirects=False
        ) as response:
            if not response.content.at_eof():
                with suppress(aiohttp.ClientError, TimeoutError):
                    await _read_enough(response)
            return response.status, response.headers.get("Retry-After")

    def _ignores(self, row: LogRow) -> bool:
        try:
            where = _read.decode(row.body).payload
        except msgspec.MsgspecError:
            return False
        jids = (where.chat_id, where.chat_lid, where.sender, where.sender_lid)
        return not self._ignored.isdisjoint(jids) or any(jid.endswith(self._ignored_ends) for jid in jids)


async def _read_enough(response: aiohttp.ClientResponse) -> None:
    left = _ENOUGH
    async with asyncio.timeout(_ENOUGH_SECONDS):
        while left > 0 and (chunk := await response.content.read(left)):
            left -= len(chunk)


def _since(began: float) -> int:
    return int((time.monotonic() - began) * 1000)


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "name not found"
    if isinstance(error, aiohttp.ClientSSLError | aiohttp.ClientConnectorCertificateError):
        return "TLS failed"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "disconnected"
    number = error.errno if isinstance(error, OSError) else None
    return _REFUSALS.get(number or 0, type(error).__name__)


def _retry_after(value: str | None) -> float:
    if value is None:
        return 0.0
    if value.strip().isascii() and value.strip().isdigit():
        return float(value)
    try:
        when = parsedate_to_datetime(value)
    except ValueError:
        return 0.0
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())
