"""Prekeys (`encrypt`): devices upload keys, and fetch those of others to begin sessions."""

from wagateway.sandbox.services.desk import Asked
from wagateway.sandbox.sessions import bundle_nodes
from wagateway.whatsapp.errors import ProtocolError
from wagateway.whatsapp.stanza import Node


def answer(asked: Asked) -> list[Node]:
    """`<count/>`, `<key>` or an upload."""
    iq = asked.iq
    if iq.child("count"):
        return [Node("count", {"value": str(len(asked.client.companion.one_time))})]
    if (wanted := iq.child("key")) is not None:
        return [Node("list", {}, [_bundle(asked, user) for user in wanted.children("user")])]
    if iq.child("list"):
        _upload(asked)
    return []


def _bundle(asked: Asked, user: Node) -> Node:
    jid = user.jid("jid")
    endpoint = asked.network.endpoint(jid)
    bundle = asked.network.bundle(endpoint) if endpoint else None
    if endpoint is None or bundle is None:
        return Node("user", {"jid": jid}, [Node("error", {"code": "404", "text": "item-not-found"})])
    registration, keys = bundle_nodes(bundle)
    identity = [Node("device-identity", {}, endpoint.companion.device_identity)] if endpoint.device else []
    return Node("user", {"jid": jid}, [registration, *keys, *identity])


def _upload(asked: Asked) -> None:
    client, network, iq = asked.client, asked.network, asked.iq
    companion = client.companion
    keys, signed = iq.child("list"), iq.child("skey")
    assert keys is not None
    if signed is None:
        raise ProtocolError("prekeys are uploaded without a signed one")
    companion.registration = int.from_bytes(_part(iq, "registration"), "big")
    companion.identity = _part(iq, "identity")
    companion.signed_id, companion.signed_public = _number(signed), _part(signed, "value")
    companion.signed_signature = _part(signed, "signature")
    companion.one_time = [(_number(key), _part(key, "value")) for key in keys.children("key")]
    companion.uploaded = True
    network.save(client.account)


def _part(node: Node, tag: str) -> bytes:
    part = node.child(tag)
    if part is None:
        raise ProtocolError(f"a key has no {tag}")
    return part.body()


def _number(node: Node) -> int:
    return int.from_bytes(_part(node, "id"), "big")
