"""Which addresses and ports may be connected to: everything public, plus what the operator allows."""

import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Self

import msgspec

from wagateway.settings import Settings

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# IANA's special-purpose registries, multicast, what they no longer list but routers still know, and the
# two clouds' services that live on addresses of their own. The first network that fits names the rule.
_DENIED_4: tuple[tuple[str, str], ...] = (
    ("127.0.0.0/8", "loopback"),
    ("169.254.0.0/16", "link-local, where clouds keep their metadata"),
    ("10.0.0.0/8", "private"),
    ("172.16.0.0/12", "private"),
    ("192.168.0.0/16", "private"),
    ("100.64.0.0/10", "shared by a provider"),
    ("0.0.0.0/8", "this host"),
    ("168.63.129.16/32", "a service of the cloud"),
    ("192.0.0.0/24", "set aside for protocols"),
    ("192.0.2.0/24", "for documentation"),
    ("198.51.100.0/24", "for documentation"),
    ("203.0.113.0/24", "for documentation"),
    ("198.18.0.0/15", "for benchmarks"),
    ("192.31.196.0/24", "set aside for protocols"),
    ("192.52.193.0/24", "set aside for protocols"),
    ("192.175.48.0/24", "set aside for protocols"),
    ("192.88.99.0/24", "a relay to IPv6"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved"),
)
_DENIED_6: tuple[tuple[str, str], ...] = (
    ("::1/128", "loopback"),
    ("::/128", "this host"),
    ("::ffff:0:0/96", "an IPv4 address in another form"),
    ("::ffff:0:0:0/96", "an IPv4 address in another form"),
    ("::/96", "an IPv4 address in another form"),
    ("64:ff9b::/96", "translated to IPv4"),
    ("64:ff9b:1::/48", "translated to IPv4"),
    ("2002::/16", "tunnelled over IPv4"),
    ("2001::/32", "tunnelled over IPv4"),
    ("2001::/23", "set aside for protocols"),
    ("2001:db8::/32", "for documentation"),
    ("3fff::/20", "for documentation"),
    ("2620:4f:8000::/48", "set aside for protocols"),
    ("fc00::/7", "private"),
    ("fec0::/10", "private"),
    ("fe80::/10", "link-local"),
    ("ff00::/8", "multicast"),
)
_LISTS = {
    4: tuple((ip_network(text), name) for text, name in _DENIED_4),
    6: tuple((ip_network(text), name) for text, name in _DENIED_6),
}
_GLOBAL = IPv6Network("2000::/3")  # all of IPv6 that is routed; the rest is refused without a list

_LOW_32 = tuple(
    IPv6Network(text)
    for text in ("::ffff:0:0/96", "::ffff:0:0:0/96", "::/96", "64:ff9b::/96", "64:ff9b:1::/48")
)
_LOW_32 = tuple(
    IPv6Network(text)
    for text in ("::ffff:0:0/96", "::ffff:0:0:0/96", "::/96", "64:ff9b::/96", "64:ff9b:1::/48")
)
_6TO4 = IPv6Network("2002::/16")
_TEREDO = IPv6Network("2001::/32")
_ISATAP = (0x00005EFE, 0x02005EFE)
_MASK = 0xFFFFFFFF


class Rules(msgspec.Struct, frozen=True):
    """`allow` wins over every refusal of an address; a port must be among `ports` in any case."""

    allow: tuple[Network, ...] = ()
    ports: frozenset[int] = frozenset({80, 443, 8080, 8443})

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The operator's rules."""
        allow = tuple(ip_network(text, strict=False) for text in settings.egress_allow)
        return cls(allow, frozenset(int(port) for port in settings.egress_ports))

    def refusal(self, address: Address) -> str:
        """Why no connection to the address is opened, as a clause for a person; "" when it may be."""
        for form in (address, *_wrapped(address)):
            if not any(form in network for network in self.allow):
                why = _special(form)
                if why:
                    return why
        return ""


def _special(address: Address) -> str:
    for network, name in _LISTS[address.version]:
        if address in network:
            return name
    if isinstance(address, IPv6Address) and address not in _GLOBAL:
        return "not public"
    return "this machine" if is_own(address) else ""


def _wrapped(address: Address) -> list[IPv4Address]:
    """The IPv4 addresses that a packet to this address may end at."""
    if isinstance(address, IPv4Address):
        return []
    bits = int(address)
    found = []
    if any(address in network for network in _LOW_32) or (bits >> 32) & _MASK in _ISATAP:
        found.append(bits & _MASK)
    if address in _6TO4:
        found.append(bits >> 80 & _MASK)
    if address in _TEREDO:
        found += [bits >> 64 & _MASK, bits & _MASK ^ _MASK]
    return [IPv4Address(value) for value in found]


def is_own(address: Address) -> bool:
    """Whether the address is one of this machine's: the kernel then answers from the address itself.

    Asked anew each time, as addresses come and go. A datagram socket sends nothing when it is connected.
    """
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((str(address), 9))
            return str(probe.getsockname()[0]) == str(address)
    except OSError:  # no route, or no such family here: a connection will fail as well
        return False
