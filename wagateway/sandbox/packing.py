"""How a phone packs a message: encrypted for every device that is to have it, marked as phones mark it."""

from collections.abc import Iterable

from wagateway.sandbox import broadcast, marks
from wagateway.sandbox.contents import device_sent
from wagateway.sandbox.network import Network
from wagateway.sandbox.sessions import Sessions
from wagateway.sandbox.state import GROUP, LID, NEWSLETTER, STATUS, Account, Endpoint
from wagateway.whatsapp.protos import E2E
from wagateway.whatsapp.stanza import Jid, Node


class Packer:
    """Packs what one phone, `me`, sends."""

    def __init__(self, network: Network, sessions: Sessions, me: Endpoint) -> None:
        self._network = network
        self._sessions = sessions
        self._me = me

    def stanza(self, id_: str, to: Jid, message: E2E.Message) -> Node:
        """The stanza with a message to an account, a group, the status broadcast or a newsletter."""
        if to.server == NEWSLETTER:
            content = [Node("plaintext", _media(message), message.SerializeToString())]
        elif to.server == GROUP:
            members = self._network.groups[to.user].members
            content = self._for_many(to, (self._network.accounts[number] for number in members), message)
        elif to == STATUS:
            readers = [*broadcast.readers(self._network, self._me.account), self._me.account]
            content = self._for_many(to, readers, message)
        else:
            content = [self._for_account(to, message)]
        attrs = attributes(id_, to, message)
        return Node("message", attrs, [*content, *marks.asides(message)])

    def again(self, receiver: Endpoint, id_: str, to: Jid, message: E2E.Message, count: str) -> Node | None:
        """The stanza that answers a device's retry receipt; None for a device without keys."""
        attrs = attributes(id_, receiver.jid(LID), message)
        mark = _media(message)
        if to.server == GROUP or to == STATUS:
            message.MergeFrom(self._sessions.group_key(str(to)))
            attrs |= {"to": to, "participant": receiver.jid(LID)}
        elif receiver.account is self._me.account:
            message = device_sent(to, message)
            attrs["recipient"] = to
        enc = self._sessions.encrypt(receiver, message)
        if enc is None:
            return None
        return Node("message", attrs, [Node("enc", {**enc.attrs, **mark, "count": count}, enc.content)])

    def _for_account(self, to: Jid, message: E2E.Message) -> Node:
        account = self._network.account(to)
        assert account is not None
        receivers = [Endpoint(account, device) for device in account.devices()]
        if account is not self._me.account:
            receivers += self._network.others(self._me)
        copy, mark = device_sent(to, message), _media(message)
        children = []
        for receiver in receivers:
            if receiver.key != self._me.key:
                own = receiver.account is self._me.account
                enc = self._sessions.encrypt(receiver, copy if own else message)
                children += _to(receiver, enc, mark)
        return Node("participants", {}, children)

    def _for_many(self, to: Jid, accounts: Iterable[Account], message: E2E.Message) -> list[Node]:
        children = []
        for account in accounts:
            for receiver in (Endpoint(account, device) for device in account.devices()):
                if receiver.key != self._me.key:
                    children += _to(receiver, self._introduction(to, receiver), {})
        shared = self._sessions.encrypt_for_group(str(to), message)
        return [
            Node("participants", {}, children),
            Node("enc", {**shared.attrs, **_media(message)}, shared.content),
        ]

    def _introduction(self, to: Jid, receiver: Endpoint) -> Node | None:
        if to == STATUS:
            # The server delivers a post to those who are named here and to nobody else.
            return self._sessions.encrypt(receiver, self._sessions.group_key(str(to)))
        return self._sessions.introduce(str(to), receiver)


def attributes(id_: str, to: Jid, message: E2E.Message) -> dict[str, str | Jid]:
    """What the stanza with a message says of it."""
    return {"id": id_, "to": to, "type": marks.stanza_type(message), "edit": marks.edit(message)}


def _media(message: E2E.Message) -> dict[str, str | Jid]:
    return {"mediatype": marks.media_type(message)}


def _to(receiver: Endpoint, enc: Node | None, mark: dict[str, str | Jid]) -> list[Node]:
    if enc is None:
        return []
    return [Node("to", {"jid": receiver.jid(LID)}, [Node("enc", {**enc.attrs, **mark}, enc.content)])]
