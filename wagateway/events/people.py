"""What is told of people: that they call, and that they are typing."""

import msgspec


class CallPayload(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody calls, in a group with a `group_jid`; when `auto_rejected`, the gateway rejects it by itself.

    `remote_platform` and `remote_version` are what the caller's application says of itself.
    """

    call_id: str
    chat_id: str
    chat_lid: str = ""
    sender: str = msgspec.field(name="from")
    from_lid: str = ""
    sender_display_name: str
    timestamp: str
    auto_rejected: bool
    group_jid: str = ""
    remote_platform: str = ""
    remote_version: str = ""


class ChatPresencePayload(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody is writing (`composing`) or has stopped (`paused`); with `media` "audio" they record.

    WhatsApp tells it only while the account is shown as online.
    """

    chat_id: str
    chat_lid: str = ""
    sender: str = msgspec.field(name="from")
    from_lid: str = ""
    sender_display_name: str
    state: str
    media: str
    is_group: bool
