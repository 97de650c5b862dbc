"""App state (`w:sync:app:state`): versioned collections of patches that an account's devices share."""

from google.protobuf.message import DecodeError

from wagateway.sandbox import settings
from wagateway.sandbox.services.desk import Asked, Refusal
from wagateway.sandbox.state import Collection
from wagateway.whatsapp.protos import ServerSync
from wagateway.whatsapp.stanza import Node


def answer(asked: Asked) -> list[Node]:
    """Patches that the device has not seen, or room for one of its own."""
    return [Node("sync", {}, [_collection(asked, each) for each in asked.body.children("collection")])]


def _collection(asked: Asked, wanted: Node) -> Node:
    name = wanted.attr("name")
    if not name:
        raise Refusal(400, "bad-request")
    collection = asked.client.account.collections.get(name) or Collection()
    known = 0 if wanted.attr("return_snapshot") == "true" else int(wanted.attr("version") or 0)
    patch = wanted.child("patch")
    if patch is not None and known == collection.version:
        return _accept(asked, name, patch.body())
    content = [Node("patches", {}, [Node("patch", {}, each) for each in collection.patches[known:]])]
    attrs = {"name": name, "version": str(collection.version)}
    if patch is not None:
        attrs["type"] = "error"
        content.insert(0, Node("error", {"code": "409", "text": "conflict"}))
    return Node("collection", {**attrs}, [*content])


def _accept(asked: Asked, name: str, raw: bytes) -> Node:
    try:
        patch = ServerSync.SyncdPatch.FromString(raw)
    except DecodeError:
        raise Refusal(400, "bad-request") from None
    version = settings.append(asked.network, asked.client, name, patch)
    return Node("collection", {"name": name, "version": str(version)})
