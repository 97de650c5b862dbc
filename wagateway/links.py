"""Links that open one path without credentials until a moment: signing them, and checking what comes back."""

import hashlib
import hmac
import re
from urllib.parse import parse_qsl

from wagateway.contract import Problem

_SIGNATURE = re.compile(r"[0-9a-f]{64}")
_EXPIRES = re.compile(r"[0-9]{1,12}")


def sign(key: bytes, path: str, expires: int) -> str:
    """The query of a link to the path that opens it until `expires` (Unix seconds)."""
    return f"expires={expires}&signature={_signature(key, path, str(expires))}"


def verified(key: bytes, path: str, query: str, now: float) -> bool:
    """Whether the query opens the path; False when it carries no signature at all.

    Raises 403 `LINK_INVALID` for a signature that is not ours for this path and this expiry, and 403
    `LINK_EXPIRED` for one that was.
    """
    pairs = parse_qsl(query, keep_blank_values=True)
    expiries = [text for name, text in pairs if name == "expires"]
    signatures = [text for name, text in pairs if name == "signature"]
    if not expiries and not signatures:
        return False
    if len(expiries) != 1 or len(signatures) != 1:
        raise _invalid()
    expires, signature = expiries[0], signatures[0]
    if not _EXPIRES.fullmatch(expires) or not _SIGNATURE.fullmatch(signature):
        raise _invalid()
    if not hmac.compare_digest(signature, _signature(key, path, expires)):
        raise _invalid()
    if now >= int(expires):
        raise Problem(403, "LINK_EXPIRED", "This link has expired; ask for a new one")
    return True


def _signature(key: bytes, path: str, expires: str) -> str:
    # Neither a path nor a number has a line feed in it, so no two links sign the same bytes.
    return hmac.digest(key, f"wagateway link\n{path}\n{expires}".encode(), hashlib.sha256).hex()


def _invalid() -> Problem:
    return Problem(403, "LINK_INVALID", "The signature does not belong to this link")
