"""The headers that let a hook's receiver know that an event is genuine, whole and fresh."""

import base64
import binascii
import hashlib
import hmac

_PREFIX = "whsec_"


def signed_headers(secret: str, event_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """`X-Hub-Signature-256` over the body, and the three headers of Standard Webhooks 1.0.

    `timestamp` is Unix seconds. The first is keyed with the secret as it is written, the others with what
    a secret of the form `whsec_<base64>` encodes.
    """
    hub = hmac.digest(secret.encode(), body, hashlib.sha256).hex()
    signed = b"%s.%d.%s" % (event_id.encode(), timestamp, body)
    standard = base64.b64encode(hmac.digest(_key(secret), signed, hashlib.sha256)).decode()
    return {
        "X-Hub-Signature-256": f"sha256={hub}",
        "webhook-id": event_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{standard}",
    }


def _key(secret: str) -> bytes:
    if secret.startswith(_PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        except binascii.Error:
            pass  # it only looks like one
    return secret.encode()
