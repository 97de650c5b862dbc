"""Reads a URL into the one form that is both checked and connected to."""

import re
import socket
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from yarl import URL

from workers.egress.problems import not_allowed
from workers.egress.rules import Address, Rules

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_AUTHORITY = re.compile(r"^[a-zA-Z][a-zA-Z0-9+.-]*://([^/?#]*)")
_NAME = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_LONGEST_NAME = 253
_LONGEST_AUTHORITY = 512  # before anything of it is converted, which takes long for what is long


def checked(rules: Rules, text: str, field: str) -> URL:
    """The URL with its host in canonical form; raises 400 `URL_NOT_ALLOWED`.

    An address in any spelling is judged here and becomes the usual one. A name is judged when it has been
    looked up.
    """
    url = _parsed(text.strip(" "), field)
    if url.scheme not in ("http", "https"):
        raise not_allowed(field, "only http and https URLs can be fetched")
    host = url.raw_host
    if not host:
        raise not_allowed(field, "the URL names no host")
    if url.port not in rules.ports:
        raise not_allowed(field, f"port {url.port} may not be fetched from; --egress-ports can permit it")
    address = _address(host, field)
    if address is None:
        return url.with_host(_name(host, field))
    why = rules.refusal(address)
    if why:
        raise not_allowed(field, address_not_allowed(why))
    return url.with_host(str(address))


def address_not_allowed(why: str) -> str:
    """The clause for a refused address, which is not repeated: it may be a name's and nobody's business."""
    return f"the address is {why} and may not be fetched from; --egress-allow can permit it"


def _parsed(text: str, field: str) -> URL:
    if _CONTROL.search(text):
        raise not_allowed(field, "the URL contains control characters")
    authority = _AUTHORITY.match(text)
    if authority is not None and len(authority[1]) > _LONGEST_AUTHORITY:
        raise not_allowed(field, "this is not a valid host name")
    if authority is not None and "@" in authority[1]:
        raise not_allowed(field, "a URL with a user name or password is not fetched")
    try:
        url = URL(text)
    except ValueError:
        raise not_allowed(field, "this is not a valid URL") from None
    if url.user is not None or url.password is not None:
        raise not_allowed(field, "a URL with a user name or password is not fetched")
    if authority is not None and "[" in authority[1] and ":" not in (url.raw_host or ""):
        raise not_allowed(field, "this is not a valid IPv6 address")
    return url


def _address(host: str, field: str) -> Address | None:
    if ":" in host:
        try:
            return IPv6Address(host if "%" not in host else "")  # a zone is a way to this machine's links
        except AddressValueError:
            raise not_allowed(field, "this is not a valid IPv6 address") from None
    bare = host.removesuffix(".")
    if not _NUMBER.fullmatch(bare.rpartition(".")[2]):
        return None
    try:
        # What getaddrinfo makes of 127.1, 0x7f000001, 017700000001 and 2130706433.
        return IPv4Address(socket.inet_aton(bare))
    except OSError:
        raise not_allowed(field, "this is not a valid IPv4 address") from None


def _name(host: str, field: str) -> str:
    bare = host.removesuffix(".")
    if len(bare) > _LONGEST_NAME or not _NAME.fullmatch(bare):
        raise not_allowed(field, "this is not a valid host name")
    return bare
