"""What a URL, a JID and a length of time look like wherever something is configured."""

import ipaddress
import re
from urllib.parse import urlsplit

from yarl import URL

from wagateway.settings.table import Seconds

_PROXY = re.compile(
    r"(?:https?|socks5)://"
    r"(?:(?:[A-Za-z0-9._~!$&'()*+,;=:-]|%[0-9A-Fa-f]{2})*@)?"
    r"(?:[A-Za-z0-9._-]+|\[(?P<ipv6>[0-9A-Fa-f:.]+)\])"
    r"(?::(?P<port>[0-9]{1,5}))?/?",
    re.IGNORECASE | re.ASCII,
)
"""What every parser of URLs takes alike: Go's is stricter than Python's, and ends the engine."""
_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f]")
_IGNORED = re.compile(r"[A-Za-z0-9._:+-]*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")
_NUMBER = r"([0-9]{1,12}(?:\.[0-9]{0,9})?|\.[0-9]{1,9})"
_LENGTH = re.compile(rf"(?:{_NUMBER}d)?(?:{_NUMBER}h)?(?:{_NUMBER}m)?(?:{_NUMBER}s?)?")
_LONGEST_GIVE_UP = 30 * 86400

LENGTH_FORM = "must be seconds, or a time such as 4d, 24h, 5m or 1h30m"


def length(text: str) -> Seconds | None:
    """The length of time that this says; None where it says none."""
    text = text.strip().lower()
    found = _LENGTH.fullmatch(text)
    if found is None or not text:
        return None
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return Seconds(days * 86400 + hours * 3600 + minutes * 60 + seconds)


GIVE_UP_FORM = "must be between 1 second and 30 days (720h)"


def is_give_up(seconds: float) -> bool:
    """Whether an event can be tried again for so long."""
    return 1 <= seconds <= _LONGEST_GIVE_UP


def is_web(url: str) -> bool:
    """Whether it is an http or https URL with a host and without spaces, for us and for what posts there."""
    if _UNPRINTABLE.search(url):
        return False
    try:
        parts, posted = urlsplit(url), URL(url)
        return (
            parts.scheme in ("http", "https") and bool(parts.hostname and posted.raw_host) and parts.port != 0
        )
    except ValueError:  # an unclosed [, a port beyond 65535, a host that no name server can be asked for
        return False


IGNORED_FORM = "is neither a JID nor the server of one with an @, such as @g.us"


def is_ignorable(jid: str) -> bool:
    """Whether it is `user@server`, or `@server` for all there."""
    return _IGNORED.fullmatch(jid) is not None


PROXY_FORM = (
    "must be an http, https or socks5 URL without path, query and fragment; "
    "in user and password, special characters are escaped (%40 for @)"
)


def is_proxy(url: str) -> bool:
    """Whether neonize can use it as a proxy: scheme, user and password if need be, host, port, no more.

    In user and password, what RFC 3986 does not allow there is to be escaped (`%40` for `@`).
    """
    parts = _PROXY.fullmatch(url)
    if parts is None or not 0 < int(parts["port"] or 1) < 65536:
        return False
    try:
        return parts["ipv6"] is None or ipaddress.ip_address(parts["ipv6"]).version == 6
    except ValueError:
        return False
