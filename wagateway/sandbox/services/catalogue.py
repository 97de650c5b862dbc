"""Which service answers which namespace."""

from wagateway.sandbox.media import MediaHost
from wagateway.sandbox.network import Network
from wagateway.sandbox.phones import Phone
from wagateway.sandbox.services import account, appstate, groups, media, newsletters, pictures, prekeys, usync
from wagateway.sandbox.services.desk import Desk


def desk(network: Network, phones: dict[str, Phone], host: MediaHost | None = None) -> Desk:
    """All services of the network; without a media host pictures have an address and no bytes."""
    return Desk(
        network,
        phones,
        host,
        {
            "encrypt": prekeys.answer,
            "usync": usync.answer,
            "w:sync:app:state": appstate.answer,
            "w:m": media.answer,
            "w:g2": groups.answer,
            "privacy": account.privacy_settings,
            "blocklist": account.blocklist,
            "w:mex": newsletters.mex,
            "newsletter": newsletters.answer,
            "tos": account.accept,
            "w:profile:picture": pictures.answer,
            "md": account.linked_devices,
            "w:p": account.accept,
            "passive": account.passive,
            "status": account.status,
            "disappearing_mode": account.accept,
            "urn:xmpp:whatsapp:push": account.accept,
            "urn:xmpp:whatsapp:dirty": account.accept,
            "urn:xmpp:ping": account.accept,
        },
    )
