"""What settings must be like to be of use together."""

import ipaddress

from wagateway.settings.forms import (
    GIVE_UP_FORM,
    IGNORED_FORM,
    PROXY_FORM,
    is_give_up,
    is_ignorable,
    is_proxy,
    is_web,
)
from wagateway.settings.table import Settings


class Refused(ValueError):
    """A flag, variable or value that cannot be used; the text names it and says what to do."""


def check(settings: Settings) -> None:
    """Raises `Refused` for the first that is not to be."""
    _check_numbers(settings)
    for pair in settings.basic_auth:
        if pair.value.count(":") != 1 or not all(pair.value.split(":")):
            raise Refused("--basic-auth: each entry must be user:password, with one colon")
    for url in settings.webhook:
        if not is_web(url):
            raise Refused("--webhook: each entry must be an http or https URL")
    for jid in settings.webhook_ignore_jids:
        if not is_ignorable(jid):
            raise Refused(f"--webhook-ignore-jids: {jid} {IGNORED_FORM}")
    if settings.whatsapp_proxy is not None and not is_proxy(settings.whatsapp_proxy.value):
        raise Refused(f"--whatsapp-proxy: {PROXY_FORM}")
    if settings.base_path and not settings.base_path.startswith("/"):
        raise Refused("--base-path: must start with /")
    _check_networks(settings)
    if not settings.basic_auth and not _is_loopback(settings.host):
        raise Refused(
            f"--host: refusing to listen on {settings.host} without credentials: anyone who reaches it "
            "could use your WhatsApp accounts. Set --basic-auth user:password (APP_BASIC_AUTH), or bind "
            "to 127.0.0.1 and put a proxy in front"
        )


def _check_numbers(settings: Settings) -> None:
    if not 0 <= settings.port <= 65535:
        raise Refused(f"--port: {settings.port} is not between 0 and 65535")
    if not 0 < settings.request_timeout <= 3600:
        raise Refused("--request-timeout: must be between 0 and 3600 seconds")
    if settings.auto_reply_cooldown < 0 or settings.auto_reply_age <= 0:
        raise Refused("--auto-reply-cooldown, --auto-reply-age: must not be less than 0, and the age not 0")
    if not 0 < settings.presence_pulse_duration < settings.presence_pulse_interval:
        raise Refused("--presence-pulse-duration: must be more than 0 and less than the interval")
    if not 1 <= settings.webhook_concurrency <= 64:
        raise Refused("--webhook-concurrency: must be between 1 and 64")
    if not is_give_up(settings.webhook_give_up):
        raise Refused(f"--webhook-give-up: {GIVE_UP_FORM}")
    if min(settings.event_days, settings.event_megabytes, settings.dead_letter_days) < 0:
        raise Refused("--event-days, --event-megabytes, --dead-letter-days: must not be less than 0")
    if settings.media_days < 0 or settings.media_megabytes < 0:
        raise Refused("--media-days, --media-megabytes: must not be less than 0")


def _check_networks(settings: Settings) -> None:
    for network in settings.trusted_proxies:
        _check_network("--trusted-proxies", network)
    for network in settings.egress_allow:
        _check_network("--egress-allow", network)
    for port in settings.egress_ports:
        if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
            raise Refused(f"--egress-ports: {port} is not a port")


def _check_network(flag: str, text: str) -> None:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise Refused(f"{flag}: {text} is not an address or network") from None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
