"""What accounts show of themselves: the text about them, their name and a business's verified name."""

from wagateway.sandbox import privacy
from wagateway.sandbox.network import Network, now
from wagateway.sandbox.state import USER, Account, Endpoint
from wagateway.whatsapp.protos import VnameCert
from wagateway.whatsapp.stanza import Jid, Node

_ISSUER = "smb:wa"


def set_about(network: Network, account: Account, text: str) -> None:
    """Change the text about the account and tell those who have it in their address book and may see it."""
    account.about = text
    network.save(account)
    for friend in network.accounts.values():
        if account.number not in friend.contacts or not privacy.allows(account, "status", friend):
            continue
        for device in friend.companions:
            attrs: dict[str, str | Jid] = {"from": account.jid(USER), "type": "status", "t": str(now())}
            attrs |= {"id": network.next_id(), "notify": account.name}
            content = [Node("set", {}, text.encode())]
            network.deliver(Endpoint(friend, device), Node("notification", attrs, content))


def set_name(network: Network, account: Account, name: str) -> None:
    """The name that others see on the account's next messages."""
    account.name = name
    network.save(account)


def business(account: Account) -> Node:
    """The `<business>` of a business: its verified name in a certificate that nobody has signed."""
    details = VnameCert.VerifiedNameCertificate.Details(
        serial=int(account.number), issuer=_ISSUER, verifiedName=account.business
    )
    certificate = VnameCert.VerifiedNameCertificate(details=details.SerializeToString(), signature=bytes(64))
    attrs = {"v": "1", "verified_level": "unknown", "host_storage": "2", "actual_actors": "1"}
    attrs["privacy_mode_ts"] = str(now())
    return Node("business", {}, [Node("verified_name", {**attrs}, certificate.SerializeToString())])
