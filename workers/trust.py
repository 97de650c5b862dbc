"""The one place where neonize is made to trust another root than WhatsApp's: the sandbox's."""

import ctypes
import ipaddress
import re
from pathlib import Path
from urllib.parse import urlsplit

from wagateway.spec import SandboxNetwork

# The public key that whatsmeow checks the server's Noise certificates with (its WACertPubKey).
WHATSAPP_ROOT = bytes.fromhex("142375574d0a587166aae71ebe516437c4a28b73e3695c6ce1f7f9545da8ee6b")

_MAPPING = re.compile(r"([0-9a-f]+)-([0-9a-f]+) rw-p [0-9a-f]+ \S+ \d+ +(\S.*)")


class Untrusted(Exception):
    """The library must not, or cannot, be made to trust the sandbox."""


def trust(network: SandboxNetwork, library: Path) -> None:
    """Make the neonize library loaded from `library` accept the sandbox's servers, and no others.

    Raises `Untrusted` unless the network is on loopback and the key is where we know it, once.
    """
    if not _on_loopback(network.proxy):
        raise Untrusted(f"the sandbox is not on this machine: {network.proxy}")
    root = bytes.fromhex(network.root_key)
    if len(root) != len(WHATSAPP_ROOT):
        raise Untrusted("the sandbox's root key is not 32 bytes long")
    places = [place for start, end in _writable(library) for place in _find(WHATSAPP_ROOT, start, end)]
    if len(places) != 1:
        raise Untrusted(f"WhatsApp's root key is in the library {len(places)} times instead of once")
    ctypes.memmove(places[0], root, len(root))


def _on_loopback(proxy: str) -> bool:
    try:
        return ipaddress.ip_address(urlsplit(proxy).hostname or "").is_loopback
    except ValueError:
        return False


def _writable(library: Path) -> list[tuple[int, int]]:
    mappings = map(_MAPPING.fullmatch, Path("/proc/self/maps").read_text().splitlines())
    return [(int(m[1], 16), int(m[2], 16)) for m in mappings if m and Path(m[3]) == library]


def _find(wanted: bytes, start: int, end: int) -> list[int]:
    data = ctypes.string_at(start, end - start)
    return [start + match.start() for match in re.finditer(re.escape(wanted), data)]
