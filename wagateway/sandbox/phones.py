"""Virtual phones: each the primary device of an account, with its own Signal sessions and an inbox."""

import secrets
from collections.abc import Callable, Iterator

import msgspec
import structlog
from google.protobuf.message import DecodeError

from wagateway.commands.sandbox import InboxMessage, Receipt
from wagateway.sandbox import marks, relay
from wagateway.sandbox.bell import Bell
from wagateway.sandbox.contents import describe
from wagateway.sandbox.network import Network, now
from wagateway.sandbox.packing import Packer
from wagateway.sandbox.sessions import Sessions, bundle_nodes
from wagateway.sandbox.state import BROADCAST, GROUP, LID, SERVER, USER, Account, Endpoint
from wagateway.sandbox.writing import Known, chosen
from wagateway.whatsapp.errors import DuplicateMessage, ProtocolError
from wagateway.whatsapp.keys import KeyPair
from wagateway.whatsapp.protos import E2E
from wagateway.whatsapp.signal import Bundle
from wagateway.whatsapp.stanza import Jid, Node

log = structlog.get_logger()

_OF_MANY = (GROUP, BROADCAST)
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
        self._packer = Packer(network, self.sessions, self.me)
        decode, under, number = msgspec.msgpack.decode, network.disk.under, account.number
        self.inbox = [decode(raw, type=InboxMessage) for _, raw in under(f"inbox/{number}/")]
        self.receipts = [decode(raw, type=Receipt) for _, raw in under(f"receipt/{number}/")]
        self.contents = {int(index): raw for index, raw in under(f"content/{number}/")}
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
        if (plaintext := stanza.child("plaintext")) is not None:
            self._take_post(stanza, E2E.Message.FromString(plaintext.body()))
            return
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
        if message.HasField("deviceSentMessage"):
            message = message.deviceSentMessage.message
        facts = describe(message)
        if facts is None:
            return  # nothing but a sender key
        if facts["kind"] == "pollUpdateMessage":
            facts["text"] = self._vote(sender.account, message.pollUpdateMessage)
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
        self._add(entry, message)

    def _take_post(self, stanza: Node, message: E2E.Message) -> None:
        facts = describe(message)
        if facts is not None:
            newsletter, own = stanza.attr("from"), stanza.attr("is_sender") == "true"
            entry = InboxMessage(
                index=len(self.inbox),
                id=stanza.attr("id"),
                sender=newsletter,
                chat=newsletter,
                timestamp=now(),
                from_me=own,
                device=0,
                **facts,
            )
            self._add(entry, message)

    def _add(self, entry: InboxMessage, message: E2E.Message) -> None:
        content = message.SerializeToString()
        self.inbox.append(entry)
        self.contents[entry.index] = content
        self._network.disk.put(f"content/{self.account.number}/{entry.index:09}", lambda: content)
        self._keep(entry)

    def _vote(self, voter: Account, update: E2E.PollUpdateMessage) -> str:
        poll = self.find(update.pollCreationMessageKey.ID, SERVER)
        try:
            return ", ".join(chosen(update, poll, voter)) if poll else ""
        except ProtocolError as error:
            log.info("phone.vote_unreadable", phone=self.account.number, why=str(error))
            return ""

    def find(self, id_: str, chat: Jid) -> Known | None:
        """A message of a chat that the phone sent or received; the chat is believed."""
        if sent := self._sent.get(id_):
            return Known(id_, chat, self.account, E2E.Message.FromString(sent.plaintext))
        for entry in reversed(self.inbox):
            author = self._network.account(Jid.parse(entry.sender)) if entry.id == id_ else None
            if author is not None:
                content = self.contents.get(entry.index, b"")
                return Known(id_, chat, author, E2E.Message.FromString(content))
        return None

    def everything(self) -> Iterator[E2E.Message]:
        """What the phone received, and what it sent as far as it remembers."""
        sent = [each.plaintext for each in self._sent.values()]
        return (E2E.Message.FromString(raw) for raw in (*self.contents.values(), *sent))

    def _keep(self, entry: InboxMessage) -> None:
        key = f"inbox/{self.account.number}/{entry.index:09}"
        self._network.disk.put(key, lambda: msgspec.msgpack.encode(entry))
        self._network.after(self.bell.ring)

    def _chat(self, sender: Endpoint, stanza: Node) -> str:
        if stanza.jid("from").server in _OF_MANY:
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
        id_, retry = stanza.attr("id"), stanza.child("retry")
        sent = self._sent.get(id_)
        if sent is None or retry is None:
            return
        self.sessions.forget(receiver)
        message = E2E.Message.FromString(sent.plaintext)
        again = self._packer.again(receiver, id_, sent.to, message, retry.attr("count"))
        if again is not None:
            relay.message(self._network, self.me, again)

    def mark_read(self, ids: list[str]) -> int:
        """Send read receipts for these messages, or for all unread ones; how many there were."""
        return self._mark(ids, "read", lambda entry: entry.receipt == "delivered")

    def mark_played(self, ids: list[str]) -> int:
        """Send played receipts for these messages, or for all voice notes not played yet; how many."""
        return self._mark(
            ids, "played", lambda entry: entry.receipt != "played" and (bool(ids) or self._is_voice(entry))
        )

    def _is_voice(self, entry: InboxMessage) -> bool:
        message = E2E.Message.FromString(self.contents.get(entry.index, b""))
        return entry.kind == "audioMessage" and marks.media_type(message) == "ptt"

    def _mark(self, ids: list[str], kind: str, due: Callable[[InboxMessage], bool]) -> int:
        wanted = set(ids)
        marked = 0
        for entry in [each for each in self.inbox if not ids or each.id in wanted]:
            author = self._network.account(Jid.parse(entry.sender))
            if entry.from_me or author is None or not due(entry):
                continue
            attrs: relay.Attrs = {"id": entry.id, "to": author.jid(LID), "type": kind}
            if entry.chat.endswith(_OF_MANY):
                attrs |= {"to": Jid.parse(entry.chat), "participant": author.jid(LID)}
            relay.receipt(self._network, self.me, Node("receipt", attrs))
            self.inbox[entry.index] = msgspec.structs.replace(entry, receipt=kind)
            self._keep(self.inbox[entry.index])
            marked += 1
        return marked

    # -- sending

    def send(self, to: Jid, message: E2E.Message) -> str:
        """Send a message to a chat, and to the account's linked devices; its id."""
        id_ = new_id()
        self._remember(id_, Sent(to, message.SerializeToString()))
        relay.message(self._network, self.me, self._packer.stanza(id_, to, message))
        return id_

    def _remember(self, id_: str, sent: Sent) -> None:
        disk, number = self._network.disk, self.account.number
        self._sent[id_] = sent
        disk.put(f"sent/{number}/{id_}", lambda: msgspec.msgpack.encode(sent))
        if len(self._sent) > _REMEMBERED:
            oldest = next(iter(self._sent))
            del self._sent[oldest]
            disk.drop(f"sent/{number}/{oldest}")

    def send_peer(self, receiver: Endpoint, content: E2E.ProtocolMessage) -> None:
        """Send a protocol message to one of the account's linked devices."""
        enc = self.sessions.encrypt(receiver, E2E.Message(protocolMessage=content))
        if enc is not None:
            attrs: relay.Attrs = {"id": new_id(), "type": "text", "to": receiver.jid(USER)}
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


def new_id() -> str:
    """An id for a message, as phones make them."""
    return "3A" + secrets.token_hex(9).upper()
