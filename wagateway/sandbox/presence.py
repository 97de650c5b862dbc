"""Who is online and who is typing: told to those who are connected now, and never kept."""

from wagateway.sandbox import privacy
from wagateway.sandbox.network import Network, now
from wagateway.sandbox.state import GROUP, LID, USER, Account, Endpoint
from wagateway.whatsapp.stanza import Jid, Node


def received(network: Network, sender: Endpoint, stanza: Node) -> None:
    """A companion says that it is available or not, or wants to hear of somebody."""
    kind = stanza.attr("type")
    if kind == "subscribe":
        wanted = stanza.jid("to")
        account = network.account(wanted)
        if account is not None:
            subscribers = network.presences.subscribers.setdefault(account.number, {})
            subscribers[sender.key] = (sender, wanted)
            network.mention(sender, _presence(network, account, wanted, sender.account))
    elif kind in ("available", "unavailable"):
        change(network, sender.account, available=kind == "available")


def change(network: Network, account: Account, *, available: bool) -> None:
    """An account came online or went offline."""
    presences = network.presences
    if available:
        presences.available.add(account.number)
    else:
        presences.available.discard(account.number)
        presences.last_seen[account.number] = now()
    presences.bell.ring()
    for subscriber, wanted in presences.subscribers.get(account.number, {}).values():
        network.mention(subscriber, _presence(network, account, wanted, subscriber.account))


def disconnected(network: Network, companion: Endpoint) -> None:
    """A companion's connection is gone: it hears nothing more and is no longer available."""
    for subscribers in network.presences.subscribers.values():
        subscribers.pop(companion.key, None)
    if companion.account.number in network.presences.available:
        change(network, companion.account, available=False)


def _presence(network: Network, account: Account, wanted: Jid, asker: Account) -> Node:
    attrs: dict[str, str | Jid] = {"from": wanted.bare()}
    here = account.number in network.presences.available and privacy.allows(account, "online", asker)
    if not here:
        last = network.presences.last_seen.get(account.number)
        shown = last and privacy.allows(account, "last", asker)
        attrs |= {"type": "unavailable", "last": str(last) if shown else "deny"}
    return Node("presence", attrs)


def typing(network: Network, sender: Endpoint, stanza: Node) -> None:
    """A device tells a chat that it is typing, or that it stopped; only who is online hears of it."""
    to = stanza.jid("to")
    attrs: dict[str, str | Jid] = {"from": sender.account.jid(to.server if to.server in (USER, LID) else LID)}
    if to.server == GROUP:
        group = network.groups.get(to.user)
        numbers = [number for number in group.members if number != sender.account.number] if group else []
        attrs = {"from": to, "participant": sender.account.jid(LID), "addressing_mode": "lid"}
        attrs["participant_pn"] = sender.account.jid(USER)
    else:
        account = network.account(to)
        numbers = [account.number] if account and not privacy.apart(account, sender.account) else []
        attrs["sender_pn" if to.server == LID else "sender_lid"] = sender.account.jid(
            USER if to.server == LID else LID
        )
    for number in network.presences.available.intersection(numbers):
        account = network.accounts[number]
        for device in account.companions:
            network.mention(Endpoint(account, device), Node("chatstate", dict(attrs), stanza.content))
