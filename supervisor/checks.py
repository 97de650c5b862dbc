"""What may be configured: each check returns the value, or raises a 400 that names the field."""

import re

from wagateway.filters import filters_of
from wagateway.problems import invalid
from wagateway.settings import Secret
from wagateway.settings.forms import IGNORED_FORM, PROXY_FORM, is_ignorable, is_proxy, is_web
from wagateway.urls import HIDDEN

_SECOND_URL = re.compile(r"[,\s]\s*https?://")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")
_HEADER_VALUE = re.compile(r"(?:[!-~](?:[ -~]{0,4094}[!-~])?)?")
_OURS = frozenset(
    {
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "transfer-encoding",
        "user-agent",
        "webhook-id",
        "webhook-signature",
        "webhook-timestamp",
        "x-hub-signature-256",
    }
)
"""Headers that say what a delivery is, or how it is sent."""


def device_webhook_url(url: str) -> str:
    """What `webhook_url` takes, or "" for none."""
    return _address("webhook_url", url) if url else ""


def device_secret(text: str) -> str:
    """What signs for the one webhook of a device; "" for the gateway's."""
    return _not_hidden("webhook_secret", text)


def webhook_url(url: str) -> str:
    """One http or https URL, as it is sent: without spaces, and not one that was shown."""
    return _address("url", url)


def secret(text: str) -> str:
    """What signs; "" for the gateway's."""
    return _not_hidden("secret", text)


def event_names(names: list[str]) -> list[str]:
    """Kinds of events, or areas of them."""
    filters_of(names)
    return names


def ignored_jids(jids: list[str] | None) -> list[str] | None:
    """JIDs, or servers of JIDs after an @."""
    for jid in jids or ():
        if not is_ignorable(jid):
            raise invalid("ignore_jids", f"{jid!r} {IGNORED_FORM}")
    return jids


def headers(wanted: dict[str, str]) -> dict[str, str]:
    """Headers that can be sent, and that no delivery has anyway."""
    if len({name.lower() for name in wanted}) != len(wanted):
        raise invalid("headers", "one is given twice; upper and lower case are the same")
    for name, value in wanted.items():
        if not _TOKEN.fullmatch(name):
            raise invalid("headers", f"{name[:128]!r} is no name of a header")
        if name.lower() in _OURS:
            raise invalid("headers", f"{name} is set by the gateway")
        if not _HEADER_VALUE.fullmatch(value):
            raise invalid("headers", f"the value of {name} must be at most 4096 visible ASCII characters")
        _not_hidden("headers", value)
    return wanted


def proxy(url: str) -> Secret:
    """The URL of a proxy, or "" for none."""
    if url and not is_proxy(url):
        raise invalid("proxy", PROXY_FORM)
    return Secret(url)


def _address(field: str, url: str) -> str:
    if not is_web(url) or _SECOND_URL.search(url):
        raise invalid(field, "must be one http or https URL")
    return _not_hidden(field, url)


def _not_hidden(field: str, text: str) -> str:
    """Not what an answer shows in place of a secret: somebody would sign with asterisks from then on."""
    if HIDDEN in text:
        raise invalid(field, f"has {HIDDEN}, which stands for what is not shown; leave it out to keep it")
    return text
