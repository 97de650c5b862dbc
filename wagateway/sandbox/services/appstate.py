"""App state (`w:sync:app:state`): versioned collections of patches that an account's devices share."""

from google.protobuf.message import DecodeError

from wagateway.sandbox import people, settings
from wagateway.sandbox.refusals import Refusal
from wagateway.sandbox.services.desk import Asked
from wagateway.sandbox.state import Account, Collection
from wagateway.whatsapp import appstate
from wagateway.whatsapp.errors import ProtocolError
from wagateway.whatsapp.protos import ServerSync
from wagateway.whatsapp.stanza import Node

_NAME = "critical_block"
_PUSH_NAME = ["setting_pushName"]


def answer(asked: Asked) -> list[Node]:
    """Patches that the device has not seen, or room for one of its own."""
    return [Node("sync", {}, [_collection(asked, each) for each in asked.body.children("collection")])]


def _collection(asked: Asked, wanted: Node) -> Node:
    name = wanted.attr("name")
    if not name:
        raise Refusal(400)
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
        raise Refusal(400) from None
    called = _new_name(asked.client.account, patch) if name == _NAME else ""
    version = settings.append(asked.network, asked.client, name, patch)
    if called:
        people.set_name(asked.network, asked.client.account, called)
    return Node("collection", {"name": name, "version": str(version)})


def _new_name(account: Account, patch: ServerSync.SyncdPatch) -> str:
    """The name that a patch gives the account, as its phone reads it and tells the server; "" for none."""
    state, key = appstate.Collection(_NAME), settings.key(account)
    try:
        for raw in account.collections.get(_NAME, Collection()).patches:
            _, state = appstate.decode_patch(state, key, ServerSync.SyncdPatch.FromString(raw))
        mutations, _ = appstate.decode_patch(state, key, patch)
    except ProtocolError:
        return ""
    names = [each.value.pushNameSetting.name for each in mutations if each.index == _PUSH_NAME]
    return str(names[-1]) if names else ""
