"""Where media is (`w:m`): the one host that the proxy also answers for."""

from wagateway.sandbox.identity import MEDIA_HOST
from wagateway.sandbox.services.desk import Asked
from wagateway.whatsapp.stanza import Node

_SECONDS = "300"


def answer(asked: Asked) -> list[Node]:
    """The host for uploads and downloads."""
    attrs = {"auth": "sandbox", "ttl": _SECONDS, "auth_ttl": _SECONDS, "max_buckets": "12"}
    return [Node("media_conn", {**attrs}, [Node("host", {"hostname": MEDIA_HOST})])]
