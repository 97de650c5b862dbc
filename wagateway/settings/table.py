"""The table of settings: for each its type, variable, flag, text and default."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from wagateway.urls import HIDDEN


class Secret(msgspec.Struct, frozen=True):
    """A text that shows itself as `***`."""

    value: str

    def __repr__(self) -> str:
        return HIDDEN


class Seconds(float):
    """A length of time: a number of seconds, or `4d`, `24h`, `1h30m`, `90s`."""


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
