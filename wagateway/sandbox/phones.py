"""Virtual phones: each the primary device of an account, with its own Signal sessions and an inbox."""

import secrets

import msgspec
import structlog
from google.protobuf.message import DecodeError

from wagateway.commands.sandbox import InboxMessage, Receipt
from wagateway.sandbox import relay
from wagateway.sandbox.bell import Bell
from wagateway.sandbox.contents import describe, device_sent
from wagateway.sandbox.network import Network, now
from wagateway.sandbox.sessions import Sessions, bundle_nodes
from wagateway.sandbox.state import GROUP, LID, USER, Account, Endpoint, Group
from wagateway.whatsapp.errors import DuplicateMessage, ProtocolError
from wagateway.whatsapp.keys import KeyPair
from wagateway.whatsapp.protos import E2E
from wagateway.whatsapp.signal import Bundle
from wagateway.whatsapp.stanza import Jid, Node

log = structlog.get_logger()

_REMEMBERED = 512  # sent messages that a phone can send again when asked


class Sent(msgspec.Struct, frozen=True):
    """A message the phone sent, as it must be able to send it again: `to` is the chat."""

    to: Jid
    plaintext: bytes


class Phone:
    """Device 0 of an account. What it receives is decrypted, kept and answered with a delivery receipt."""

    def __init__(self, network: Network, account: Account) -> None:
        self.account = account
        self.me = Endpoint(account, 0)
        self.bell = Bell()
        self.sessions = Sessions(network, self.me)
        self._network = network
        decode, under, number = msgspec.msgpack.decode, network.disk.under, account.number
        self.inbox = [decode(raw, type=InboxMessage) for _, raw in under(f"inbox/{number}/")]
        self.receipts = [decode(raw, type=Receipt) for _, raw in under(f"receipt/{number}/")]
        self._sent = {id_: decode(raw, type=Sent) for id_, raw in under(f"sent/{number}/")}
        network.phones[number] = self

    @property
    def identity(self) -> KeyPair:
        """The key that is both the account's signature key and this device's Signal identity."""
        return self.sessions.store.identity

    def bundle(self) -> Bundle:
        """Keys for one more device to begin a session with the phone."""
        return self.sessions.bundle()

    # -- receiving

    def receive(self, stanza: Node) -> None:
        """Take what is addressed to the phone."""
        if stanza.tag == "message":
            self._receive_message(stanza)
        elif stanza.tag == "receipt":
            self._receive_receipt(stanza)

    def _receive_message(self, stanza: Node) -> None:
        sender = self._network.endpoint(_author(stanza))
        if sender is None:
            return
        try:
            chat = stanza.attr("from")
            messages = [self.sessions.decrypt(sender, chat, enc) for enc in stanza.children("enc")]
        except DuplicateMessage:
            messages = []
            if all(entry.id != stanza.attr("id") for entry in self.inbox):
                # whatsmeow reuses a message key when it sends to a device while it receives from it.
                log.warning("phone.message_lost", phone=self.account.number, id=stanza.attr("id"))
        except (ProtocolError, DecodeError) as error:
            log.info("phone.undecryptable", phone=self.account.number, id=stanza.attr("id"), why=str(error))
            self._ask_again(stanza)
            return
        for message in messages:
            self._take(sender, stanza, message)
        self._answer(stanza, "sender" if sender.account is self.account else "")

    def _take(self, sender: Endpoint, stanza: Node, message: E2E.Message) -> None:
        if stanza.attr("category") == "peer":
            if message.protocolMessage.type == E2E.ProtocolMessage.APP_STATE_SYNC_KEY_REQUEST:
                self.share_state_key(sender)
            return
        copy = message.HasField("deviceSentMessage")
        facts = describe(message.deviceSentMessage.message if copy else message)
        if facts is None:
            return  # nothing but a sender key
        entry = InboxMessage(
            index=len(self.inbox),
            id=stanza.attr("id"),
            sender=str(sender.account.jid(USER)),
            chat=self._chat(sender, stanza),
            timestamp=now(),
            from_me=sender.account is self.account,
            device=sender.device,
            **facts,
        )
        self.inbox.append(entry)
        self._keep(entry)

    def _keep(self, entry: InboxMessage) -> None:
        key = f"inbox/{self.account.number}/{entry.index:09}"
        self._network.disk.put(key, lambda: msgspec.msgpack.encode(entry))
        self._network.after(self.bell.ring)

    def _chat(self, sender: Endpoint, stanza: Node) -> str:
        if stanza.jid("from").server == GROUP:
            return stanza.attr("from")
        if sender.account is not self.account:
            return str(sender.account.jid(USER))
        account = self._network.account(stanza.jid("recipient")) if stanza.attr("recipient") else self.account
        return str(account.jid(USER)) if account else stanza.attr("recipient")

    def _receive_receipt(self, stanza: Node) -> None:
        kind = stanza.attr("type") or "delivered"
        sender = self._network.endpoint(_author(stanza))
        if sender is None:
            return
        if kind == "retry":
            self._send_again(sender, stanza)
            return
        for id_ in [stanza.attr("id"), *relay.more_ids(stanza)]:
            receipt = Receipt(id_, str(sender.account.jid(USER)), sender.device, kind, now())
            self._note(receipt, len(self.receipts))
        self._network.after(self.bell.ring)

    def _note(self, receipt: Receipt, place: int) -> None:
        self.receipts.append(receipt)
        key = f"receipt/{self.account.number}/{place:09}"
        self._network.disk.put(key, lambda: msgspec.msgpack.encode(receipt))

    # -- answering

    def _answer(self, stanza: Node, kind: str, content: list[Node] | None = None) -> None:
        attrs: relay.Attrs = {"id": stanza.attr("id"), "to": stanza.jid("from"), "type": kind}
        for name in ("participant", "recipient"):
            if stanza.attr(name):
                attrs[name] = stanza.jid(name)
        # Whoever sent it must get the acknowledgement first.
        receipt = Node("receipt", attrs, content)
        self._network.after(lambda: relay.receipt(self._network, self.me, receipt))

    def _ask_again(self, stanza: Node) -> None:
        registration, keys = bundle_nodes(self.bundle())
        retry: relay.Attrs = {"count": "1", "id": stanza.attr("id"), "t": stanza.attr("t"), "v": "1"}
        self._answer(stanza, "retry", [Node("retry", retry), registration, Node("keys", {}, keys)])

    def _send_again(self, receiver: Endpoint, stanza: Node) -> None:
        sent = self._sent.get(stanza.attr("id"))
        if sent is None:
            return
        self.sessions.forget(receiver)
        message = E2E.Message.FromString(sent.plaintext)
        attrs: relay.Attrs = {"id": stanza.attr("id"), "type": "text", "to": receiver.jid(LID)}
        if sent.to.server == GROUP:
            message.MergeFrom(self.sessions.group_key(str(sent.to)))
            attrs |= {"to": sent.to, "participant": receiver.jid(LID)}
        elif receiver.account is self.account:
            message = device_sent(sent.to, message)
            attrs["recipient"] = sent.to
        enc = self.sessions.encrypt(receiver, message)
        retry = stanza.child("retry")
        if enc is not None and retry is not None:
            enc = Node("enc", {**enc.attrs, "count": retry.attr("count")}, enc.content)
            relay.message(self._network, self.me, Node("message", attrs, [enc]))

    def mark_read(self, ids: list[str]) -> int:
        """Send read receipts for these messages, or for all unread ones; how many there were."""
        wanted = set(ids)
        unread = [
            entry
            for entry in self.inbox
            if entry.receipt != "read" and not entry.from_me and (not ids or entry.id in wanted)
        ]
        for entry in unread:
            sender = self._network.account(Jid.parse(entry.sender))
            assert sender is not None
            attrs: relay.Attrs = {"id": entry.id, "to": sender.jid(LID), "type": "read"}
            if entry.chat.endswith(GROUP):
                attrs |= {"to": Jid.parse(entry.chat), "participant": sender.jid(LID)}
            relay.receipt(self._network, self.me, Node("receipt", attrs))
            self.inbox[entry.index] = msgspec.structs.replace(entry, receipt="read")
            self._keep(self.inbox[entry.index])
        return len(unread)

    # -- sending

    def send(self, to: Jid, message: E2E.Message) -> str:
        """Send a message to an account or a group, and to the account's linked devices; its id."""
        id_ = _new_id()
        self._remember(id_, Sent(to, message.SerializeToString()))
        if to.server == GROUP:
            content = self._for_group(self._network.groups[to.user], message)
        else:
            content = [self._for_account(to, message)]
        attrs: relay.Attrs = {"id": id_, "type": "text", "to": to}
        relay.message(self._network, self.me, Node("message", attrs, content))
        return id_

    def _remember(self, id_: str, sent: Sent) -> None:
        disk, number = self._network.disk, self.account.number
        self._sent[id_] = sent
        disk.put(f"sent/{number}/{id_}", lambda: msgspec.msgpack.encode(sent))
        if len(self._sent) > _REMEMBERED:
            oldest = next(iter(self._sent))
            del self._sent[oldest]
            disk.drop(f"sent/{number}/{oldest}")

    def _for_account(self, to: Jid, message: E2E.Message) -> Node:
        account = self._network.account(to)
        assert account is not None
        receivers = [Endpoint(account, device) for device in account.devices()]
        if account is not self.account:
            receivers += self._network.others(self.me)
        copy = device_sent(to, message)
        children = []
        for receiver in receivers:
            if receiver.key != self.me.key:
                enc = self.sessions.encrypt(receiver, copy if receiver.account is self.account else message)
                children += _to(receiver, enc)
        return Node("participants", {}, children)

    def _for_group(self, group: Group, message: E2E.Message) -> list[Node]:
        children = []
        for number in group.members:
            account = self._network.accounts[number]
            for receiver in (Endpoint(account, device) for device in account.devices()):
                if receiver.key != self.me.key:
                    children += _to(receiver, self.sessions.introduce(str(group.jid), receiver))
        shared = self.sessions.encrypt_for_group(str(group.jid), message)
        return [Node("participants", {}, children), shared]

    def send_peer(self, receiver: Endpoint, content: E2E.ProtocolMessage) -> None:
        """Send a protocol message to one of the account's linked devices."""
        enc = self.sessions.encrypt(receiver, E2E.Message(protocolMessage=content))
        if enc is not None:
            attrs: relay.Attrs = {"id": _new_id(), "type": "text", "to": receiver.jid(USER)}
            relay.message(self._network, self.me, Node("message", {**attrs, "category": "peer"}, [enc]))

    def share_state_key(self, receiver: Endpoint) -> None:
        """Give a linked device the key to the account's app state."""
        content = E2E.ProtocolMessage(type=E2E.ProtocolMessage.APP_STATE_SYNC_KEY_SHARE)
        key = content.appStateSyncKeyShare.keys.add()
        key.keyID.keyID = self.account.state_key_id
        key.keyData.keyData = self.account.state_key
        key.keyData.timestamp = now() * 1000
        key.keyData.fingerprint.rawID = 1
        key.keyData.fingerprint.currentIndex = 0
        key.keyData.fingerprint.deviceIndexes.append(0)
        self.send_peer(receiver, content)


def _author(stanza: Node) -> Jid:
    return stanza.jid("participant" if stanza.attr("participant") else "from")


def _new_id() -> str:
    return "3A" + secrets.token_hex(9).upper()


def _to(receiver: Endpoint, enc: Node | None) -> list[Node]:
    return [Node("to", {"jid": receiver.jid(LID)}, [enc])] if enc is not None else []
