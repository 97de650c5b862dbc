"""Messages that arrive damaged: linked devices cannot decrypt them, and ask the sender for them again."""

import msgspec

from wagateway.sandbox.network import Network
from wagateway.sandbox.state import Endpoint
from wagateway.whatsapp.stanza import Node

_FROM_END = 12
"""In every kind of ciphertext this byte is of the signature or of what it covers, never of the frame."""


def garbled(network: Network, receiver: Endpoint, stanza: Node) -> Node:
    """The message as it arrives at the device: with a damaged ciphertext, if that is due.

    Never damaged are what was sent again on demand, and what devices of one account tell each other.
    """
    if (
        not receiver.device
        or stanza.attr("category")
        or any(enc.attr("count") for enc in stanza.children("enc"))
    ):
        return stanza
    if not network.faults.garbles(receiver.account.number):
        return stanza
    content = [_damaged(child) if child.tag == "enc" else child for child in stanza.children()]
    return msgspec.structs.replace(stanza, content=content)


def _damaged(enc: Node) -> Node:
    body = bytearray(enc.body())
    body[-_FROM_END] ^= 0xFF
    return msgspec.structs.replace(enc, content=bytes(body))
