"""Tickets for a WebSocket: who has credentials gets one, and who shows it needs none."""

import hashlib
import secrets
import time
from collections.abc import Callable

import msgspec

from wagateway.contract import Problem

SECONDS = 30
_MOST = 1000


class Ticket(msgspec.Struct, frozen=True):
    """What goes into `ticket=` of a WebSocket's address, once and within `expires_in` seconds."""

    ticket: str
    expires_in: int


class Tickets:
    """The tickets that can be used now; `clock` is monotonic seconds.

    Only their hashes are kept: looking one up tells by its time nothing of the others.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until: dict[bytes, float] = {}

    def issue(self) -> Ticket:
        """A new one; raises 503 `TOO_MANY_TICKETS` while too many are unused."""
        now = self._clock()
        self._until = {digest: until for digest, until in self._until.items() if until > now}
        if len(self._until) >= _MOST:
            raise Problem(503, "TOO_MANY_TICKETS", "Too many tickets are unused", retry_after=SECONDS)
        ticket = secrets.token_urlsafe(32)
        self._until[_digest(ticket)] = now + SECONDS
        return Ticket(ticket, SECONDS)

    def redeem(self, ticket: str) -> bool:
        """Whether it is good; it is good only once."""
        until = self._until.pop(_digest(ticket), None)
        return until is not None and until > self._clock()


def _digest(ticket: str) -> bytes:
    return hashlib.sha256(ticket.encode(errors="surrogatepass")).digest()
