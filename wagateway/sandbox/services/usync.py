"""Users (`usync`): who is on WhatsApp, under which addresses, with which devices."""

from collections.abc import Callable

from wagateway.sandbox.network import now
from wagateway.sandbox.services.desk import Asked
from wagateway.sandbox.state import LID, USER, Account
from wagateway.whatsapp.stanza import Jid, Node


def answer(asked: Asked) -> list[Node]:
    """What the query wants to know of each user in its list."""
    query, users = asked.body.child("query"), asked.body.child("list")
    wanted = [child.tag for child in query.children()] if query else []
    found = [_user(asked, user, wanted) for user in (users.children("user") if users else ())]
    return [Node("usync", {**asked.body.attrs}, [Node("result"), Node("list", {}, found)])]


def _user(asked: Asked, user: Node, wanted: list[str]) -> Node:
    contact = user.child("contact")
    if contact is not None:
        return _contact(asked, contact.body())
    jid = user.jid("jid")
    account = asked.network.account(jid)
    if account is None:
        return Node("user", {"jid": jid})
    if "devices" in wanted and asked.client.account.number not in account.watchers:
        account.watchers.add(asked.client.account.number)
        asked.network.save(account)
    parts = [_PARTS[tag](account) for tag in wanted if tag in _PARTS]
    return Node("user", {"jid": jid}, parts)


def _contact(asked: Asked, query: bytes) -> Node:
    number = "".join(filter(str.isdigit, query.decode(errors="replace").partition("@")[0]))
    account = asked.network.accounts.get(number)
    if account is None:
        return Node("user", {"jid": Jid(number, USER)}, [Node("contact", {"type": "out"}, query)])
    attrs = {"jid": account.jid(LID), "pn_jid": account.jid(USER)}
    return Node("user", {**attrs}, [Node("contact", {"type": "in"}, query)])


def _devices(account: Account) -> Node:
    devices = [Node("device", {"id": "0"})]
    devices += [Node("device", {"id": str(each), "key-index": str(each)}) for each in account.companions]
    return Node("devices", {}, [Node("device-list", {}, devices)])


_PARTS: dict[str, Callable[[Account], Node]] = {
    "devices": _devices,
    "lid": lambda account: Node("lid", {"val": account.jid(LID)}),
    "status": lambda account: Node("status", {"t": str(now())}, account.about.encode()),
}
