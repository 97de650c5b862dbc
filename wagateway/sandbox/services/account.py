"""The small requests about one's own account: privacy, blocks, linked devices, and what only needs a yes."""

from wagateway.sandbox import linking, people, privacy, welcome
from wagateway.sandbox.refusals import Refusal
from wagateway.sandbox.services.desk import Asked
from wagateway.sandbox.state import LID, Endpoint
from wagateway.whatsapp.stanza import Node


def accept(asked: Asked) -> list[Node]:
    """Pings, and settings that change nothing here."""
    return []


def status(asked: Asked) -> list[Node]:
    """Who sees the account's status posts (its contacts), or a new text about oneself."""
    if asked.body.tag == "privacy":
        return [Node("privacy", {}, [Node("list", {"type": "contacts", "default": "true"})])]
    if asked.body.tag == "status":
        people.set_about(asked.network, asked.client.account, asked.body.body().decode(errors="replace"))
    return []


def passive(asked: Asked) -> list[Node]:
    """The device has its keys in order and wants everything: the moment to greet a new one."""
    phone = asked.phones[asked.client.account.number]
    asked.network.after(lambda: welcome.greet(asked.network, phone, asked.client))
    return []


def privacy_settings(asked: Asked) -> list[Node]:
    """Who may see what; privacy tokens are accepted."""
    if asked.body.tag != "privacy":
        return []
    if asked.iq.attr("type") == "set":
        changes = {each.attr("name"): each.attr("value") for each in asked.body.children("category")}
        privacy.change(asked.network, asked.client, changes)
        return []
    return [Node("privacy", {}, privacy.categories(privacy.settings(asked.client.account)))]


def blocklist(asked: Asked) -> list[Node]:
    """Whom the account has blocked, or one more or less of them."""
    account, item = asked.client.account, asked.iq.child("item")
    if item is not None:
        other = asked.network.account(item.jid("jid"))
        if other is None or other is account:
            raise Refusal(404 if other is None else 400)
        privacy.block(asked.network, asked.client, other, blocked=item.attr("action") == "block")
    blocked = [asked.network.accounts[number].jid(LID) for number in account.blocked]
    items = [Node("item", {"jid": jid}) for jid in blocked]
    return [Node("list", {"dhash": privacy.digest(account)}, items)]


def linked_devices(asked: Asked) -> list[Node]:
    """A device logs itself out."""
    if asked.body.tag != "remove-companion-device":
        raise Refusal(501)
    network, client = asked.network, asked.client
    # The answer must still go out to a device that is linked.
    network.after(lambda: linking.unlink(network, Endpoint(client.account, client.device)))
    return []
