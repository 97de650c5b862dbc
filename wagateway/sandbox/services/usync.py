"""Users (`usync`): who is on WhatsApp, under which addresses, with which devices, and what they show."""

from collections.abc import Callable

from wagateway.sandbox import people, privacy
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
        return _contact(asked, contact.body(), wanted)
    jid = user.jid("jid")
    account = asked.network.account(jid)
    if account is None:
        return Node("user", {"jid": jid})
    if "devices" in wanted and asked.client.account.number not in account.watchers:
        account.watchers.add(asked.client.account.number)
        asked.network.save(account)
    # Who asks by LID knows it; whatsmeow would take the LID for a phone number if it were told again.
    named = [tag for tag in wanted if tag != "lid" or jid.server == USER]
    return Node("user", {"jid": jid}, _parts(asked, account, named))


def _parts(asked: Asked, account: Account, wanted: list[str]) -> list[Node]:
    parts = [_PARTS[tag](account, asked.client.account) for tag in wanted if tag in _PARTS]
    return [part for part in parts if part is not None]


def _contact(asked: Asked, query: bytes, wanted: list[str]) -> Node:
    number = "".join(filter(str.isdigit, query.decode(errors="replace").partition("@")[0]))
    account = asked.network.accounts.get(number)
    if account is None:
        return Node("user", {"jid": Jid(number, USER)}, [Node("contact", {"type": "out"}, query)])
    attrs = {"jid": account.jid(LID), "pn_jid": account.jid(USER)}
    found = [Node("contact", {"type": "in"}, query), *_parts(asked, account, wanted)]
    return Node("user", {**attrs}, found)


def _devices(account: Account, asker: Account) -> Node:
    devices = [Node("device", {"id": "0"})]
    devices += [Node("device", {"id": str(each), "key-index": str(each)}) for each in account.companions]
    return Node("devices", {}, [Node("device-list", {}, devices)])


def _status(account: Account, asker: Account) -> Node:
    if not privacy.allows(account, "status", asker):
        return Node("status", {"code": "401", "type": "fail"})
    return Node("status", {"t": str(now())}, account.about.encode())


def _picture(account: Account, asker: Account) -> Node | None:
    shown = account.picture and privacy.allows(account, "profile", asker)
    return Node("picture", {"id": account.picture}) if shown else None


def _lid(account: Account, asker: Account) -> Node:
    return Node("lid", {"val": account.jid(LID)})


def _business(account: Account, asker: Account) -> Node | None:
    return people.business(account) if account.business else None


_PARTS: dict[str, Callable[[Account, Account], Node | None]] = {
    "devices": _devices,
    "lid": _lid,
    "status": _status,
    "picture": _picture,
    "business": _business,
}
