"""Taking a link away again."""

from wagateway.sandbox import relay
from wagateway.sandbox.connection import removed
from wagateway.sandbox.network import Network
from wagateway.sandbox.state import Endpoint


def unlink(network: Network, companion: Endpoint) -> None:
    """Remove a companion from its account; it is told at once, or refused at its next login."""
    if companion.device not in companion.account.companions:
        return
    online = network.online.get(companion.key)
    network.forget(companion)
    if online is not None:
        online.fail(removed())
    relay.announce_devices(network, companion.account)
