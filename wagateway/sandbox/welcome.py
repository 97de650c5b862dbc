"""What a phone does for a device it has just linked: share the account's settings."""

from wagateway.sandbox import broadcast, contacts, settings
from wagateway.sandbox.network import Network
from wagateway.sandbox.phones import Phone
from wagateway.sandbox.state import Endpoint


def greet(network: Network, phone: Phone, companion: Endpoint) -> None:
    """Share the app state key, once; the device then fetches the settings, which hold its push name."""
    if companion.companion.greeted or not companion.companion.uploaded:
        return
    settings.write_name(network, phone.account)
    companion.companion.greeted = True
    phone.share_state_key(companion)
    contacts.share_addresses(phone, companion, broadcast.readers(network, phone.account))
    network.save(phone.account)
