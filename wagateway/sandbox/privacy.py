"""Who may see or do what with an account, as its owner has set it."""

import hashlib

from wagateway.sandbox.network import Network, now
from wagateway.sandbox.refusals import Refusal
from wagateway.sandbox.state import LID, USER, Account, Endpoint
from wagateway.whatsapp.stanza import Node

_PEOPLE = ("all", "contacts", "contact_blacklist", "none")
_VALUES = {
    "groupadd": _PEOPLE,
    "last": _PEOPLE,
    "status": _PEOPLE,
    "profile": _PEOPLE,
    "readreceipts": ("all", "none"),
    "online": ("all", "match_last_seen"),
    "calladd": ("all", "known"),
}


def settings(account: Account) -> dict[str, str]:
    """All settings; what was never set is `all`."""
    return {name: account.privacy.get(name, "all") for name in _VALUES}


def change(network: Network, author: Endpoint, changes: dict[str, str]) -> None:
    """Change settings and tell the account's other devices; raises `Refusal` for unknown words."""
    for name, value in changes.items():
        if value not in _VALUES.get(name, ()):
            raise Refusal(400)
    account = author.account
    account.privacy |= changes
    network.save(account)
    tell_own(network, author, Node("privacy", {}, categories(changes)))


def categories(values: dict[str, str]) -> list[Node]:
    """Settings as stanzas carry them."""
    return [Node("category", {"name": name, "value": value}) for name, value in values.items()]


def allows(owner: Account, category: str, other: Account) -> bool:
    """Whether the owner's setting lets `other` see or do it; a list of exceptions counts as contacts."""
    if owner is other:
        return True
    if blocks(owner, other):
        return False
    value = settings(owner)[category]
    if value == "match_last_seen":
        return allows(owner, "last", other)
    return value == "all" or (value != "none" and other.number in owner.contacts)


def blocks(owner: Account, other: Account) -> bool:
    """Whether the owner has blocked the other account."""
    return other.number in owner.blocked


def hides_reading(account: Account) -> bool:
    """Whether others are not to hear that the account has read what they wrote; groups hear it anyway."""
    return settings(account)["readreceipts"] == "none"


def apart(one: Account, other: Account) -> bool:
    """Whether either has blocked the other, so that nothing passes between them."""
    return blocks(one, other) or blocks(other, one)


def block(network: Network, author: Endpoint, other: Account, *, blocked: bool) -> None:
    """Block or unblock somebody and tell the account's other devices."""
    account, before = author.account, digest(author.account)
    others = [number for number in account.blocked if number != other.number]
    account.blocked = [*others, other.number] if blocked else others
    network.save(account)
    change_ = Node("item", {"jid": other.jid(LID), "action": "block" if blocked else "unblock"})
    attrs = {"dhash": digest(account), "prev_dhash": before}
    tell_own(network, author, Node("blocklist", {**attrs}, [change_]))


def digest(account: Account) -> str:
    """What says whether a device's list of the blocked is the server's."""
    return hashlib.sha256(",".join(sorted(account.blocked)).encode()).hexdigest()[:16]


def tell_own(network: Network, author: Endpoint, content: Node) -> None:
    """Tell the other devices of an account what one of them has set."""
    for other in network.others(author):
        if other.device:
            attrs = {"type": "account_sync", "id": network.next_id(), "t": str(now())}
            own = author.account.jid(USER)
            network.deliver(other, Node("notification", {"from": own, **attrs}, [content]))
