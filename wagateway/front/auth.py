"""Who may ask: HTTP basic authentication against the configured pairs."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable

from aiohttp import web

from wagateway.contract import Problem
from wagateway.front.answers import refused
from wagateway.settings import Secret

_UNAUTHORIZED = Problem(401, "UNAUTHORIZED", "A user and password are needed (HTTP basic authentication)")
_MALFORMED = Problem(400, "BAD_REQUEST", "Authorization: this is not HTTP basic authentication")


class Auth:
    """Checks `Authorization` headers; without pairs everybody may ask."""

    def __init__(self, pairs: Iterable[Secret]) -> None:
        self._digests = [_digest(pair.value.encode()) for pair in pairs]

    def refusal(self, header: str | None) -> web.Response | None:
        """The answer to who may not ask: 401, or 400 for a header that cannot be read; else None."""
        if not self._digests:
            return None
        scheme, _, credentials = (header or "").strip().partition(" ")
        if scheme.lower() != "basic":
            return challenge()
        try:
            given = base64.b64decode(credentials.strip(), validate=True)
        except (binascii.Error, ValueError):
            return refused(_MALFORMED)
        if b":" not in given:
            return refused(_MALFORMED)
        return None if self._known(given) else challenge()

    def refusal_of_query(self, text: str) -> web.Response | None:
        """The same for `authorization` in a query, base64 as the real server takes it, or a whole header.

        A space stands there for the `+` that it was written as.
        """
        credentials = text[6:] if text[:6].lower() == "basic " else text
        return self.refusal("Basic " + credentials.replace(" ", "+"))

    def _known(self, given: bytes) -> bool:
        # Every pair is compared, by digest: the time taken says nothing of how much was right.
        digest = _digest(given)
        found = False
        for pair in self._digests:
            found |= hmac.compare_digest(pair, digest)
        return found


def _digest(pair: bytes) -> bytes:
    return hashlib.sha256(pair).digest()


def challenge() -> web.Response:
    """401, with what is asked for."""
    answer = refused(_UNAUTHORIZED)
    answer.headers["WWW-Authenticate"] = 'Basic realm="Restricted", charset="UTF-8"'
    answer.headers["Cache-Control"] = "no-store"
    return answer
