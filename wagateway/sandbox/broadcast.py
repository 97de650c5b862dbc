"""The status broadcast: who sees the posts that an account sends to `status@broadcast`."""

from wagateway.sandbox.network import Network
from wagateway.sandbox.state import Account, Endpoint
from wagateway.whatsapp.stanza import Node


def readers(network: Network, account: Account) -> list[Account]:
    """Those whom an account's own phone sends its posts to: all contacts that are on the network."""
    known = [number for number in account.contacts if number in network.accounts]
    return [network.accounts[number] for number in known if number != account.number]


def receivers(network: Network, stanza: Node) -> list[Endpoint]:
    """The devices that a post names; the sender knows its contacts, the server only believes it.

    An answer to a retry receipt names its one device as the participant.
    """
    if stanza.attr("participant"):
        named = [stanza.jid("participant")]
    else:
        participants = stanza.child("participants")
        named = [to.jid("jid") for to in participants.children("to")] if participants else []
    found = [network.endpoint(jid) for jid in named]
    return [endpoint for endpoint in found if endpoint is not None]
