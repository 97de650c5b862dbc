"""All settings, typed, from flags, environment, `.env` and defaults, in this order of precedence."""

import argparse
import ipaddress
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

import msgspec
from dotenv import dotenv_values
from msgspec import Meta
from yarl import URL

PREFIX = "WAGATEWAY_"

_LENGTH = re.compile(r"(?:([0-9.]{1,9})h)?(?:([0-9.]{1,9})m)?(?:([0-9.]{1,12})s?)?")
_PROXY = re.compile(
    r"(?:https?|socks5)://"
    r"(?:(?:[A-Za-z0-9._~!$&'()*+,;=:-]|%[0-9A-Fa-f]{2})*@)?"
    r"(?:[A-Za-z0-9._-]+|\[(?P<ipv6>[0-9A-Fa-f:.]+)\])"
    r"(?::(?P<port>[0-9]{1,5}))?/?",
    re.IGNORECASE | re.ASCII,
)
"""What every parser of URLs takes alike: Go's is stricter than Python's, and ends the engine."""
_IGNORED = re.compile(r"[A-Za-z0-9._:+-]*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")


class Refused(ValueError):
    """A flag, variable or value that cannot be used; the text names it and says what to do."""


class Secret(msgspec.Struct, frozen=True):
    """A text that shows itself as `***`."""

    value: str

    def __repr__(self) -> str:
        return "***"


class Seconds(float):
    """A length of time: a number of seconds, or `1h30m`, `24h`, `5m`, `90s`."""


def _setting(env: str, flag: str, text: str) -> Meta:
    return Meta(extra={"env": env, "flag": flag}, description=text)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """One field per setting; the names of the real server are kept where it has the same setting."""

    port: Annotated[int, _setting("APP_PORT", "--port", "port to listen on")] = 3000
    host: Annotated[str, _setting("APP_HOST", "--host", "address to bind")] = "127.0.0.1"
    debug: Annotated[bool, _setting("APP_DEBUG", "--debug", "log at debug level")] = False
    os: Annotated[str, _setting("APP_OS", "--os", "name shown under Linked devices")] = "wagateway"
    basic_auth: Annotated[
        list[Secret], _setting("APP_BASIC_AUTH", "--basic-auth", "user:password, comma separated")
    ] = []
    base_path: Annotated[str, _setting("APP_BASE_PATH", "--base-path", "path before every route")] = ""
    trusted_proxies: Annotated[
        list[str],
        _setting("APP_TRUSTED_PROXIES", "--trusted-proxies", "networks whose X-Forwarded-* is believed"),
    ] = []
    webhook: Annotated[
        list[str], _setting("WHATSAPP_WEBHOOK", "--webhook", "URLs that get events, comma separated")
    ] = []
    webhook_secret: Annotated[
        Secret | None,
        _setting("WHATSAPP_WEBHOOK_SECRET", "--webhook-secret", "signing key; generated when absent"),
    ] = None
    webhook_insecure_skip_verify: Annotated[
        bool,
        _setting(
            "WHATSAPP_WEBHOOK_INSECURE_SKIP_VERIFY",
            "--webhook-insecure-skip-verify",
            "accept any TLS certificate of a webhook",
        ),
    ] = False
    webhook_events: Annotated[
        list[str],
        _setting("WHATSAPP_WEBHOOK_EVENTS", "--webhook-events", "event names to deliver; empty: all"),
    ] = []
    webhook_ignore_jids: Annotated[
        list[str],
        _setting(
            "WHATSAPP_WEBHOOK_IGNORE_JIDS",
            "--webhook-ignore-jids",
            "JIDs whose events are not delivered, comma separated; @g.us stands for all groups",
        ),
    ] = []
    webhook_concurrency: Annotated[
        int,
        _setting(
            "WAGATEWAY_WEBHOOK_CONCURRENCY",
            "--webhook-concurrency",
            "deliveries at a time to a webhook; those of a chat come one after the other",
        ),
    ] = 4
    webhook_give_up: Annotated[
        Seconds,
        _setting(
            "WAGATEWAY_WEBHOOK_GIVE_UP",
            "--webhook-give-up",
            "for how long an event is tried again before it is a dead letter, such as 96h",
        ),
    ] = Seconds(4 * 86400)
    event_days: Annotated[
        int,
        _setting("WAGATEWAY_EVENT_DAYS", "--event-days", "days that delivered events are kept; 0: for ever"),
    ] = 14
    event_megabytes: Annotated[
        int,
        _setting(
            "WAGATEWAY_EVENT_MEGABYTES",
            "--event-megabytes",
            "megabytes of events per device, the oldest delivered and dead ones go first; 0: no limit",
        ),
    ] = 500
    dead_letter_days: Annotated[
        int,
        _setting(
            "WAGATEWAY_DEAD_LETTER_DAYS",
            "--dead-letter-days",
            "days that dead letters are kept; 0: for ever",
        ),
    ] = 30
    auto_download_media: Annotated[
        bool,
        _setting(
            "WHATSAPP_AUTO_DOWNLOAD_MEDIA",
            "--auto-download-media",
            "fetch the files of incoming messages by itself",
        ),
    ] = True
    media_days: Annotated[
        int, _setting("WAGATEWAY_MEDIA_DAYS", "--media-days", "days that files are kept; 0: for ever")
    ] = 90
    media_megabytes: Annotated[
        int,
        _setting(
            "WAGATEWAY_MEDIA_MEGABYTES",
            "--media-megabytes",
            "megabytes of files per device, the oldest go first; 0: no limit",
        ),
    ] = 2000
    egress_allow: Annotated[
        list[str],
        _setting(
            "WAGATEWAY_EGRESS_ALLOW",
            "--egress-allow",
            "private networks that may be fetched from, such as 10.1.0.0/16; empty: none",
        ),
    ] = []
    egress_ports: Annotated[
        list[str],
        _setting(
            "WAGATEWAY_EGRESS_PORTS", "--egress-ports", "ports that may be fetched from, comma separated"
        ),
    ] = msgspec.field(default_factory=lambda: ["80", "443", "8080", "8443"])
    auto_mark_read: Annotated[
        bool,
        _setting("WHATSAPP_AUTO_MARK_READ", "--auto-mark-read", "tell senders that messages were read"),
    ] = False
    auto_reply: Annotated[
        str,
        _setting("WHATSAPP_AUTO_REPLY", "--autoreply", "text that answers people; empty: none"),
    ] = ""
    auto_reply_cooldown: Annotated[
        int,
        _setting(
            "WAGATEWAY_AUTO_REPLY_COOLDOWN",
            "--auto-reply-cooldown",
            "seconds until the same chat is answered again by itself",
        ),
    ] = 3600
    auto_reply_age: Annotated[
        int,
        _setting(
            "WAGATEWAY_AUTO_REPLY_AGE",
            "--auto-reply-age",
            "seconds after which a message is too old to be answered by itself",
        ),
    ] = 60
    auto_reject_call: Annotated[
        bool, _setting("WHATSAPP_AUTO_REJECT_CALL", "--auto-reject-call", "reject every incoming call")
    ] = False
    presence_on_connect: Annotated[
        Literal["available", "unavailable", "none"],
        _setting(
            "WHATSAPP_PRESENCE_ON_CONNECT",
            "--presence-on-connect",
            "what to show after each connect: available, unavailable or none (say nothing)",
        ),
    ] = "none"
    presence_pulse_enabled: Annotated[
        bool,
        _setting(
            "WHATSAPP_PRESENCE_PULSE_ENABLED",
            "--presence-pulse-enabled",
            "show the account as online for a while now and then",
        ),
    ] = False
    presence_pulse_interval: Annotated[
        Seconds,
        _setting(
            "WHATSAPP_PRESENCE_PULSE_INTERVAL",
            "--presence-pulse-interval",
            "from one to the next, such as 24h",
        ),
    ] = Seconds(86400)
    presence_pulse_duration: Annotated[
        Seconds,
        _setting("WHATSAPP_PRESENCE_PULSE_DURATION", "--presence-pulse-duration", "of a pulse, such as 5m"),
    ] = Seconds(300)
    whatsapp_proxy: Annotated[
        Secret | None,
        _setting(
            "WHATSAPP_PROXY",
            "--whatsapp-proxy",
            "http, https or socks5 URL of the proxy to WhatsApp; a device's own wins",
        ),
    ] = None
    storage: Annotated[Path, _setting("WAGATEWAY_STORAGE", "--storage", "folder of all data")] = Path(
        "storages"
    )
    runtime: Annotated[
        Path | None, _setting("WAGATEWAY_RUNTIME", "--runtime", "folder of the sockets, mode 0700")
    ] = None
    sandbox: Annotated[
        bool, _setting("WAGATEWAY_SANDBOX", "--sandbox", "use the simulated WhatsApp network")
    ] = False
    request_timeout: Annotated[
        float, _setting("WAGATEWAY_REQUEST_TIMEOUT", "--request-timeout", "seconds before a 504")
    ] = 45.0


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Refused(message)


def load(
    arguments: Sequence[str], environment: Mapping[str, str], folder: Path, program: str = "wagateway"
) -> Settings:
    """Settings from everything that may say something; raises `Refused`. `folder` is where `.env` is."""
    flags = _flags(arguments, program)
    variables = {key: value for key, value in dotenv_values(folder / ".env").items() if value is not None}
    variables |= environment
    _refuse_unknown(variables)
    values: dict[str, Any] = {}
    for name, (kind, meta) in _fields().items():
        env, flag = meta["env"], meta["flag"]
        if name in flags:
            values[name] = _convert(flag, flags[name], kind)
        elif variables.get(env, "") != "":
            values[name] = _convert(env, variables[env], kind)
    settings = Settings(**values)
    _check(settings)
    return settings


def _fields() -> dict[str, tuple[Any, dict[str, str]]]:
    hints = get_type_hints(Settings, include_extras=True)
    fields = {}
    for name, hint in hints.items():
        kind, meta = get_args(hint)
        fields[name] = (kind, meta.extra | {"text": meta.description})
    return fields


def _flags(arguments: Sequence[str], program: str) -> dict[str, str]:
    parser = _Parser(
        prog=program,
        description="WhatsApp HTTP gateway: every account in a process of its own.",
        epilog="Flags win over the environment, the environment over .env.",
        allow_abbrev=False,
        argument_default=argparse.SUPPRESS,
    )
    for name, (kind, meta) in _fields().items():
        optional: dict[str, Any] = {"nargs": "?", "const": "true"} if kind is bool else {}
        text = f"{meta['text']} [{meta['env']}]"
        parser.add_argument(meta["flag"], dest=name, help=text, metavar="VALUE", **optional)
    return vars(parser.parse_args(list(arguments)))


def _refuse_unknown(variables: Mapping[str, str]) -> None:
    known = {meta["env"] for _, meta in _fields().values()}
    unknown = sorted(name for name in variables if name.startswith(PREFIX) and name not in known)
    if unknown:
        raise Refused(f"{unknown[0]} is not a setting of wagateway; see wagateway --help")


def _convert(name: str, text: str, kind: Any) -> object:
    value: object = text.strip()
    if get_args(kind) and kind in (list[str], list[Secret]):
        value = [part.strip() for part in text.split(",") if part.strip()]
    if kind == list[Secret]:
        value = [Secret(part) for part in value]  # type: ignore[attr-defined]
    if kind == Secret | None:
        return Secret(text)
    if kind is Seconds:
        return _seconds(name, text)
    try:
        return msgspec.convert(value, kind, strict=False, dec_hook=lambda to, raw: to(raw))
    except msgspec.ValidationError:
        expected = (
            " | ".join(get_args(kind)) if get_origin(kind) is Literal else getattr(kind, "__name__", kind)
        )
        raise Refused(f"{name}: this value is not a valid {expected}") from None


def _seconds(name: str, text: str) -> Seconds:
    found = _LENGTH.fullmatch(text.strip().lower())
    if found is None or not text.strip():
        raise Refused(f"{name}: must be seconds, or a time such as 24h, 5m or 1h30m")
    hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return Seconds(hours * 3600 + minutes * 60 + seconds)


def _check(settings: Settings) -> None:
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
    if not 1 <= settings.webhook_give_up <= 30 * 86400:
        raise Refused("--webhook-give-up: must be between 1 second and 30 days (720h)")
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


def is_web(url: str) -> bool:
    """Whether it is an http or https URL with a host, for us and for what posts there."""
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


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
