"""Groups: their members, and telling everybody what changed."""

import secrets

from wagateway.sandbox.network import Network, now
from wagateway.sandbox.state import LID, USER, Account, Endpoint, Group
from wagateway.whatsapp.stanza import Jid, Node


def create(network: Network, creator: Account, subject: str, members: list[Account]) -> Group:
    """A new group; the creator is its superadmin."""
    roles = {creator.number: "superadmin"} | {each.number: "" for each in members if each is not creator}
    group = Group(f"120363{secrets.randbelow(10**12):012}", subject, creator.number, now(), roles)
    network.save_group(group)
    content = Node("create", {"type": "new", "key": secrets.token_hex(8)}, [describe(network, group)])
    _tell(network, creator, group, content, set(group.members))
    return group


def describe(network: Network, group: Group) -> Node:
    """The group as devices see it."""
    creator = network.accounts[group.creator]
    attrs: dict[str, str | Jid] = {
        "id": group.id,
        "subject": group.subject,
        "creation": str(group.created),
        "creator": creator.jid(LID),
        "creator_pn": creator.jid(USER),
        "s_t": str(group.created),
        "s_o": creator.jid(LID),
        "size": str(len(group.members)),
        "addressing_mode": "lid",
    }
    members = [
        Node("participant", {**_addresses(network.accounts[number]), "type": role})
        for number, role in group.members.items()
    ]
    return Node("group", attrs, members)


def rename(network: Network, actor: Account, group: Group, subject: str) -> None:
    """Change the subject."""
    group.subject = subject
    network.save_group(group)
    attrs: dict[str, str | Jid] = {"subject": subject, "s_t": str(now()), "s_o": actor.jid(LID)}
    _tell(network, actor, group, Node("subject", attrs), set(group.members))


def change(network: Network, actor: Account, group: Group, action: str, accounts: list[Account]) -> None:
    """`add`, `remove`, `promote` or `demote` members; those who go still hear of it."""
    hearers = set(group.members)
    for account in accounts:
        if action == "remove":
            group.members.pop(account.number, None)
        elif action == "add":
            group.members.setdefault(account.number, "")
        elif account.number in group.members:
            group.members[account.number] = "admin" if action == "promote" else ""
    network.save_group(group)
    children = [Node("participant", {**_addresses(account)}) for account in accounts]
    _tell(network, actor, group, Node(action, {}, children), hearers | set(group.members))


def _addresses(account: Account) -> dict[str, Jid]:
    return {"jid": account.jid(LID), "phone_number": account.jid(USER)}


def _tell(network: Network, actor: Account, group: Group, content: Node, numbers: set[str]) -> None:
    attrs: dict[str, str | Jid] = {
        "from": group.jid,
        "type": "w:gp2",
        "participant": actor.jid(LID),
        "participant_pn": actor.jid(USER),
        "addressing_mode": "lid",
        "notify": actor.name,
    }
    for number in sorted(numbers):
        account = network.accounts[number]
        for device in account.companions:
            each = {**attrs, "id": network.next_id(), "t": str(now())}
            network.deliver(Endpoint(account, device), Node("notification", each, [content]))
