"""What is told of the device itself: its life, its account and its log."""

import msgspec


class DeviceStatePayload(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The state of the device changed; `reason` is a stable word or ""."""

    state: str
    reason: str = ""


class QrPayload(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A code to scan with WhatsApp; `attempt` counts from 1, the next code comes when this one expires."""

    code: str
    attempt: int
    expires_at: str


class PairedPayload(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The device was linked to an account."""

    jid: str
    lid: str = ""
    display_name: str = ""


class LoggedOutPayload(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The device is linked no more: removed on the phone, refused by WhatsApp, or logged out here."""

    reason: str


class BannedPayload(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """WhatsApp banned the account; `until` is RFC 3339, "" where it does not say."""

    reason: str
    until: str = ""


class RestrictedPayload(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """WhatsApp restricts what the account may do, such as `reachout_timelock`: no new contacts for now."""

    reason: str
    until: str = ""


class RestartedPayload(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The device's worker was started anew; `reason` is how the one before ended, `restarts` counts them.

    `down_ms` is for how long there was none.
    """

    reason: str
    restarts: int
    down_ms: int


class HooksPayload(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The webhooks of the device were changed; these are their ids now."""

    webhook_ids: list[str]


class HistoryPayload(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A part of the account's history was stored; `progress` is WhatsApp's word, in percent.

    `kind` is one of WhatsApp's, in small letters, such as `initial_bootstrap`. `chats` and `messages` count
    what was new.
    """

    kind: str
    progress: int
    part: int
    chats: int
    messages: int


class GapPayload(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The device had no connection between two times; `recovered` messages waited for it and came since.

    `down_ms` is the length. Times are RFC 3339.
    """

    since: str = msgspec.field(name="from")
    until: str = msgspec.field(name="to")
    down_ms: int
    recovered: int


class TestPayload(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook was tried out; this event is in no log."""

    __test__ = False

    webhook_id: str
