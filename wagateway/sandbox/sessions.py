"""A virtual phone's Signal sessions: kept on disk, begun when needed, worn by `<enc>` elements."""

import msgspec

from wagateway.sandbox.network import Network
from wagateway.sandbox.state import Endpoint
from wagateway.whatsapp.protos import E2E
from wagateway.whatsapp.signal import Bundle, SignalStore, pad, unpad
from wagateway.whatsapp.stanza import Node

_PREKEYS = 30


class Sessions:
    """The Signal state of one phone, `me`."""

    def __init__(self, network: Network, me: Endpoint) -> None:
        self._network = network
        self._me = me
        stored = network.disk.get(self._key("signal"))
        self.store = SignalStore.load(stored) if stored else SignalStore.create(prekeys=_PREKEYS)
        if not stored:
            self._save()
        shared = network.disk.get(self._key("distributed"))
        self._shared = msgspec.msgpack.decode(shared, type=dict[str, set[str]]) if shared else {}

    def _key(self, kind: str) -> str:
        return f"{kind}/{self._me.account.number}"

    def _save(self) -> None:
        self._network.disk.put(self._key("signal"), self.store.dump)
        self._network.turn()

    def bundle(self) -> Bundle:
        """Keys for one more device to begin a session with."""
        self._save()
        return self.store.bundle()

    def forget(self, other: Endpoint) -> None:
        """Begin anew with a device at the next message to it."""
        self.store.sessions.pop(other.address, None)
        self._save()

    def encrypt(self, receiver: Endpoint, message: E2E.Message) -> Node | None:
        """An `<enc>` for one device; None for one that is linked but has not uploaded its keys yet."""
        if not self.store.has_session(receiver.address):
            bundle = self._network.bundle(receiver)
            if bundle is None:
                return None
            self.store.start_session(receiver.address, bundle)
        kind, body = self.store.encrypt(receiver.address, pad(message.SerializeToString()))
        self._save()
        return Node("enc", {"v": "2", "type": kind}, body)

    def decrypt(self, sender: Endpoint, chat: str, enc: Node) -> E2E.Message:
        """The message in an `<enc>`; raises `ProtocolError` or protobuf's `DecodeError`."""
        if enc.attr("type") == "skmsg":
            padded = self.store.group_decrypt(chat, sender.address, enc.body())
        else:
            padded = self.store.decrypt(sender.address, enc.attr("type"), enc.body())
        self._save()
        message = E2E.Message.FromString(unpad(padded))
        if message.HasField("senderKeyDistributionMessage"):
            key = message.senderKeyDistributionMessage
            self.store.process_distribution(
                key.groupID, sender.address, key.axolotlSenderKeyDistributionMessage
            )
        return message

    def encrypt_for_group(self, group: str, message: E2E.Message) -> Node:
        """The `<enc>` that is for all of a group; share the key with `introduce` first."""
        body = self.store.group_encrypt(group, self._me.address, pad(message.SerializeToString()))
        self._save()
        return Node("enc", {"v": "2", "type": "skmsg"}, body)

    def introduce(self, group: str, receiver: Endpoint) -> Node | None:
        """The `<enc>` with our key in a group for a device that does not have it; None for others."""
        known = self._shared.setdefault(group, set())
        if receiver.address in known:
            return None
        enc = self.encrypt(receiver, self.group_key(group))
        if enc is not None:
            known.add(receiver.address)
            self._network.disk.put(self._key("distributed"), lambda: msgspec.msgpack.encode(self._shared))
        return enc

    def group_key(self, group: str) -> E2E.Message:
        """The message that shares our key in a group."""
        message = E2E.Message()
        message.senderKeyDistributionMessage.groupID = group
        message.senderKeyDistributionMessage.axolotlSenderKeyDistributionMessage = (
            self.store.sender_key_distribution(group, self._me.address)
        )
        return message


def bundle_nodes(bundle: Bundle) -> tuple[Node, list[Node]]:
    """A bundle as stanzas carry it: the `<registration>`, and the keys."""
    keys = [
        Node("type", {}, b"\x05"),
        Node("identity", {}, bundle.identity),
        _key("skey", bundle.signed_id, bundle.signed_public, bundle.signed_signature),
    ]
    if bundle.one_time_id is not None and bundle.one_time_public is not None:
        keys.append(_key("key", bundle.one_time_id, bundle.one_time_public))
    return Node("registration", {}, bundle.registration_id.to_bytes(4, "big")), keys


def _key(tag: str, number: int, public: bytes, signature: bytes = b"") -> Node:
    parts = [Node("id", {}, number.to_bytes(3, "big")), Node("value", {}, public)]
    if signature:
        parts.append(Node("signature", {}, signature))
    return Node(tag, {}, parts)
