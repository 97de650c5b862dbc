"""The small requests about one's own account: privacy, blocks, linked devices, and what only needs a yes."""

from wagateway.sandbox import linking, welcome
from wagateway.sandbox.services.desk import Asked, Refusal
from wagateway.sandbox.state import Endpoint
from wagateway.whatsapp.stanza import Jid, Node

_PRIVACY = {
    "groupadd": "all",
    "last": "all",
    "status": "all",
    "profile": "all",
    "readreceipts": "all",
    "online": "all",
    "calladd": "all",
}


def accept(asked: Asked) -> list[Node]:
    """Pings, and settings that change nothing here."""
    return []


def status(asked: Asked) -> list[Node]:
    """Who sees the account's status posts: its contacts. A text about oneself is accepted."""
    if asked.body.tag != "privacy":
        return []
    return [Node("privacy", {}, [Node("list", {"type": "contacts", "default": "true"})])]


def passive(asked: Asked) -> list[Node]:
    """The device has its keys in order and wants everything: the moment to greet a new one."""
    phone = asked.phones[asked.client.account.number]
    asked.network.after(lambda: welcome.greet(asked.network, phone, asked.client))
    return []


def privacy(asked: Asked) -> list[Node]:
    """Who may see what; privacy tokens are accepted."""
    account, body = asked.client.account, asked.body
    if body.tag != "privacy":
        return []
    if asked.iq.attr("type") == "set":
        account.privacy |= {each.attr("name"): each.attr("value") for each in body.children("category")}
        asked.network.save(account)
        return []
    settings = _PRIVACY | account.privacy
    categories = [Node("category", {"name": name, "value": value}) for name, value in settings.items()]
    return [Node("privacy", {}, categories)]


def blocklist(asked: Asked) -> list[Node]:
    """Who is blocked."""
    account, item = asked.client.account, asked.iq.child("item")
    if item is not None:
        blocked = [each for each in account.blocked if each != item.attr("jid")]
        account.blocked = [*blocked, item.attr("jid")] if item.attr("action") == "block" else blocked
        asked.network.save(account)
    items = [Node("item", {"jid": Jid.parse(each)}) for each in account.blocked]
    return [Node("list", {"dhash": str(len(items))}, items)]


def picture(asked: Asked) -> list[Node]:
    """Nobody here has a picture."""
    raise Refusal(404, "item-not-found")


def linked_devices(asked: Asked) -> list[Node]:
    """A device logs itself out."""
    if asked.body.tag != "remove-companion-device":
        raise Refusal(501, "feature-not-implemented")
    network, client = asked.network, asked.client
    # The answer must still go out to a device that is linked.
    network.after(lambda: linking.unlink(network, Endpoint(client.account, client.device)))
    return []
