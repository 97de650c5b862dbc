"""What every service shares: how a request is found its answer, and how it is refused."""

from collections.abc import Callable

import msgspec
import structlog

from wagateway.sandbox.media import MediaHost
from wagateway.sandbox.network import Network
from wagateway.sandbox.phones import Phone
from wagateway.sandbox.refusals import Refusal
from wagateway.sandbox.state import SERVER, Endpoint
from wagateway.whatsapp.stanza import Jid, Node

log = structlog.get_logger()


class Asked(msgspec.Struct, frozen=True):
    """One request, with who asked; `media` is where pictures lie, when there is a media host."""

    network: Network
    phones: dict[str, Phone]
    media: MediaHost | None
    client: Endpoint
    iq: Node

    @property
    def body(self) -> Node:
        """The request's first child."""
        children = self.iq.children()
        return children[0] if children else Node("nothing")


Service = Callable[[Asked], list[Node]]


class Desk:
    """Answers requests by their namespace."""

    def __init__(
        self,
        network: Network,
        phones: dict[str, Phone],
        media: MediaHost | None,
        services: dict[str, Service],
    ) -> None:
        self._network = network
        self._phones = phones
        self._media = media
        self._services = services

    def __call__(self, client: Endpoint, iq: Node) -> Node:
        """The `<iq>` that answers this one."""
        attrs: dict[str, str | Jid] = {
            "from": iq.attrs.get("to") or SERVER,
            "id": iq.attr("id"),
            "type": "result",
        }
        asked = Asked(self._network, self._phones, self._media, client, iq)
        try:
            return Node("iq", attrs, self._services.get(iq.attr("xmlns"), _unknown)(asked) or None)
        except Refusal as refusal:
            attrs["type"] = "error"
            error = Node("error", {"code": str(refusal.code), "text": refusal.text})
            return Node("iq", attrs, [error])


def _unknown(asked: Asked) -> list[Node]:
    log.warning("iq.unknown", xmlns=asked.iq.attr("xmlns"), child=asked.body.tag)
    raise Refusal(501)
