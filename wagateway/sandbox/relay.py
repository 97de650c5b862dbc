"""How messages and receipts get from the device that sent them to every device they are for."""

from collections.abc import Iterable

from wagateway.sandbox import broadcast, newsletters, privacy
from wagateway.sandbox.garbling import garbled
from wagateway.sandbox.network import Network, now, waiting_key
from wagateway.sandbox.state import BROADCAST, GROUP, LID, NEWSLETTER, STATUS, USER, Account, Endpoint
from wagateway.whatsapp.stanza import Jid, Node

NOT_FOUND = 404
FORBIDDEN = 403

Attrs = dict[str, str | Jid]

_CARRIED = ("device-identity", "meta", "biz", "bot")
_FORWARDED = {"": "", "inactive": "", "read": "read", "played": "played", "retry": "retry"}
_TO_OWN_DEVICES = ("read-self", "played-self")
_OF_MANY = (GROUP, BROADCAST)
_TO_OWN_PHONE = ("hist_sync", "peer_msg")


def message(network: Network, sender: Endpoint, stanza: Node) -> dict[str, str]:
    """Deliver a message; what its acknowledgement says: the `error` it met, or the `server_id` of a post."""
    if stanza.jid("to").server == NEWSLETTER:
        return newsletters.take(network, sender, stanza)
    error = _deliver(network, sender, stanza)
    return {"error": str(error)} if error else {}


def _deliver(network: Network, sender: Endpoint, stanza: Node) -> int:
    to = stanza.jid("to")
    if to.server == GROUP:
        group = network.groups.get(to.user)
        if group is None:
            return NOT_FOUND
        role = group.members.get(sender.account.number)
        if role is None or (group.announce and not role):
            return FORBIDDEN
        members = [network.accounts[number] for number in group.members]
        devices = [Endpoint(account, device) for account in members for device in account.devices()]
        return _to_many(network, sender, stanza, devices)
    if to == STATUS:
        named = broadcast.receivers(network, stanza)
        near = [each for each in named if not privacy.apart(each.account, sender.account)]
        return _to_many(network, sender, stanza, near)
    account = network.account(to)
    if account is None:
        return NOT_FOUND
    if stanza.child("participants") is None:
        return _to_device(network, sender, stanza, to)
    return _to_account(network, sender, stanza, to)


def _to_account(network: Network, sender: Endpoint, stanza: Node, to: Jid) -> int:
    """One `<enc>` per device, of both sides; who is blocked is not told so."""
    for address, enc in _encrypted(stanza):
        receiver = network.endpoint(address)
        if receiver is None or receiver.key == sender.key:
            continue  # a device that was unlinked since the sender last looked
        if privacy.apart(receiver.account, sender.account):
            continue
        attrs = _from(sender, stanza, to.server)
        if receiver.account is sender.account:
            attrs["recipient"] = to.bare()
            attrs |= _other_address(network, to, "peer_recipient")
        _hand(network, receiver, Node("message", attrs, [enc, *_carried(stanza)]))
    return 0


def _to_device(network: Network, sender: Endpoint, stanza: Node, to: Jid) -> int:
    """A bare `<enc>`: an answer to a retry receipt, or a peer message between devices of one account."""
    receiver = network.endpoint(to)
    if receiver is None:
        return NOT_FOUND
    if privacy.apart(receiver.account, sender.account):
        return 0
    attrs = _from(sender, stanza, to.server)
    if stanza.attr("category") == "peer":
        attrs["category"] = "peer"
    if stanza.attr("recipient"):
        attrs["recipient"] = stanza.jid("recipient")
        attrs |= _other_address(network, stanza.jid("recipient"), "peer_recipient")
    _hand(network, receiver, Node("message", attrs, [*stanza.children("enc"), *_carried(stanza)]))
    return 0


def _to_many(network: Network, sender: Endpoint, stanza: Node, receivers: Iterable[Endpoint]) -> int:
    """The sender key message to every device, with what is for this device alone before it."""
    own = dict(_encrypted(stanza))
    shared = stanza.children("enc")
    attrs = _from(sender, stanza, LID)
    attrs.pop("sender_pn", None)
    attrs["from"] = stanza.jid("to")
    attrs["participant"] = sender.jid(LID)
    attrs["participant_pn"] = sender.account.jid(USER)
    attrs["addressing_mode"] = "lid"
    only = stanza.attr("participant")
    for receiver in receivers:
        addresses = (receiver.jid(LID), receiver.jid(USER))
        if receiver.key == sender.key or (only and only not in map(str, addresses)):
            continue
        alone = [own[address] for address in addresses if address in own]
        _hand(network, receiver, Node("message", dict(attrs), [*alone, *shared, *_carried(stanza)]))
    return 0


def _hand(network: Network, receiver: Endpoint, stanza: Node) -> None:
    network.deliver(receiver, garbled(network, receiver, stanza))


def _encrypted(stanza: Node) -> list[tuple[Jid, Node]]:
    participants = stanza.child("participants")
    pairs = []
    for to in participants.children("to") if participants else ():
        enc = to.child("enc")
        if enc is not None:
            pairs.append((to.jid("jid"), enc))
    return pairs


def _carried(stanza: Node) -> list[Node]:
    return [child for child in stanza.children() if child.tag in _CARRIED]


def _from(sender: Endpoint, stanza: Node, server: str) -> Attrs:
    attrs: Attrs = {
        "from": sender.jid(server),
        "id": stanza.attr("id"),
        "t": str(now()),
        "type": stanza.attr("type") or "text",
        "notify": sender.account.name,
        "edit": stanza.attr("edit"),
    }
    other = "sender_pn" if server == LID else "sender_lid"
    attrs[other] = sender.account.jid(USER if server == LID else LID)
    return attrs


def _other_address(network: Network, jid: Jid, name: str) -> Attrs:
    account = network.account(jid)
    if account is None:
        return {}
    return {f"{name}_pn": account.jid(USER)} if jid.server == LID else {f"{name}_lid": account.jid(LID)}


def receipt(network: Network, sender: Endpoint, stanza: Node) -> None:
    """Note what a device has taken, and tell whoever sent it."""
    kind, to = stanza.attr("type"), stanza.jid("to")
    if to.server == NEWSLETTER and kind == "view":
        newsletters.view(network, sender, stanza)
        return
    if kind != "retry" and sender.device:
        for id_ in [stanza.attr("id"), *more_ids(stanza)]:
            network.acknowledged(sender, waiting_key("message", id_, to, stanza))
    if kind == "read" and to.server not in _OF_MANY and privacy.hides_reading(sender.account):
        kind = _TO_OWN_DEVICES[0]
    if kind in _TO_OWN_PHONE:
        network.deliver(Endpoint(sender.account, 0), _receipt(sender, stanza, kind, USER))
    elif kind in _TO_OWN_DEVICES:
        for receiver in network.others(sender):
            network.deliver(receiver, _own_receipt(sender, stanza, kind, to))
    elif kind in _FORWARDED:
        _forward(network, sender, stanza, to)


def _forward(network: Network, sender: Endpoint, stanza: Node, to: Jid) -> None:
    kind = _FORWARDED[stanza.attr("type")]
    if to.server in _OF_MANY:
        addressed = stanza.jid("participant") if stanza.attr("participant") else None
    else:
        addressed = to
    account = network.account(addressed) if addressed else None
    if addressed is None or account is None or _unheard(sender.account, account, kind, to):
        return
    forwarded = _receipt(sender, stanza, kind, addressed.server)
    if kind in ("read", "played"):
        receivers = [Endpoint(account, device) for device in account.devices()]
    else:
        one = network.endpoint(addressed)
        receivers = [one] if one else []
    for receiver in receivers:
        if receiver.key != sender.key:
            network.deliver(receiver, forwarded)


def _unheard(sender: Account, other: Account, kind: str, to: Jid) -> bool:
    """Whether a receipt must not come to somebody; who hides what it reads hears not what others read."""
    if to.server in _OF_MANY:
        return False
    return privacy.apart(sender, other) or (kind == "read" and privacy.hides_reading(other))


def _receipt(sender: Endpoint, stanza: Node, kind: str, server: str) -> Node:
    attrs: Attrs = {"id": stanza.attr("id"), "t": str(now()), "type": kind}
    to = stanza.jid("to")
    if to.server in _OF_MANY:
        attrs |= {
            "from": to,
            "participant": sender.jid(server),
            "addressing_mode": "lid" if server == LID else "pn",
        }
    else:
        attrs["from"] = sender.jid(server)
    if stanza.attr("recipient"):
        attrs["recipient"] = stanza.jid("recipient")
    return Node("receipt", attrs, stanza.content)


def _own_receipt(sender: Endpoint, stanza: Node, kind: str, chat: Jid) -> Node:
    attrs: Attrs = {
        "from": sender.jid(chat.server if chat.server in (USER, LID) else LID),
        "recipient": chat,
        "id": stanza.attr("id"),
        "t": str(now()),
        "type": kind,
    }
    return Node("receipt", attrs, stanza.content)


def more_ids(stanza: Node) -> list[str]:
    """The ids that a receipt is for besides its own."""
    more = stanza.child("list")
    return [item.attr("id") for item in more.children("item")] if more else []


def announce_devices(network: Network, account: Account) -> None:
    """Tell everybody who knows the account's list of devices that it changed."""
    for number in sorted(account.watchers | {account.number}):
        watcher = network.accounts.get(number)
        for device in watcher.companions if watcher else ():
            assert watcher is not None
            own = watcher is account
            children = [Node("devices" if own else "update", _device_hash(own))]
            attrs: Attrs = {
                "from": account.jid(LID),
                "type": "account_sync" if own else "devices",
                "id": network.next_id(),
                "t": str(now()),
            }
            network.deliver(Endpoint(watcher, device), Node("notification", attrs, children))


def _device_hash(own: bool) -> Attrs:
    # A hash that fits nothing makes the client drop its list and ask anew, which is all we want.
    return {"dhash": "2:AAAAAAAA"} if own else {"device_hash": "2:AAAAAAAA"}
