"""Decoding neonize's events into the engine's own words; pure functions over serialised protobufs."""

import re
import time
from enum import IntEnum
from typing import TypedDict

from neonize.proto import Neonize_pb2 as pb  # type: ignore[import-untyped, unused-ignore]

from workers.engine import (
    ConnectionChange,
    IncomingCall,
    IncomingMessage,
    IncomingReceipt,
    ReceiptKind,
    Undecryptable,
)
from workers.neonize_jids import PhoneOf, both_of, parties, text_of
from workers.session import Identity


class Code(IntEnum):
    """neonize's numbers of the events that we subscribe to.

    What is not here never leaves Go. A value that neonize does not know ends its event pump, and with that
    the worker, which starts anew at once. None of these is a value of today's WhatsApp: a ban, a refusal or
    a receipt of an unknown kind; typing other than writing and recording, which anybody who writes to the
    account could make up while it is shown as online; an unknown role in a newsletter that was left, or
    state of its muting; an unheard-of kind of link between a group and a community. WhatsApp repeats none
    of them, so what the event told is lost; names and timers of groups are asked for at each start. After
    the made up typing none is asked for, for a day.
    The largest, a history sync, is never copied into Python (see `neonize_history`).
    """

    DEVICE = 0
    CONNECTED = 3
    LOGGED_OUT = 6
    STREAM_REPLACED = 7
    TEMPORARY_BAN = 8
    CONNECT_FAILURE = 9
    CLIENT_OUTDATED = 10
    STREAM_ERROR = 11
    DISCONNECTED = 12
    HISTORY = 13
    MESSAGE = 17
    RECEIPT = 18
    CHAT_PRESENCE = 19
    GROUP_JOINED = 21
    GROUP_CHANGED = 22
    CAUGHT_UP = 27
    NEWSLETTER_JOINED = 32
    NEWSLETTER_LEFT = 33
    NEWSLETTER_MUTED = 34
    NEWSLETTER_POSTS = 35
    CALL = 36
    UNDECRYPTABLE = 44


SUBSCRIBED = bytes(code for code in Code if code is not Code.DEVICE)

_RECEIPTS: dict[int, ReceiptKind] = {
    pb.Receipt.DELIVERED: "delivered",
    pb.Receipt.INACTIVE: "delivered",
    pb.Receipt.READ: "read",
    pb.Receipt.READ_SELF: "read-self",
    pb.Receipt.PLAYED: "played",
    pb.Receipt.PLAYED_SELF: "played-self",
    pb.Receipt.SERVER_ERROR: "played-self",  # which neonize calls so; the real one ends its event pump
}
_PLUMBING = "peer"  # messages between the account's own devices: keys and sync, nothing said by anybody
_PUMP_KILLER = re.compile(r"required field neonize\.(\w+)\.")


def read_identity(raw: bytes) -> Identity:
    """The account of a `Device` event: phone JID, LID, display name."""
    device = pb.Device.FromString(raw)
    name = device.PushName or device.BussinessName
    return text_of(device.JID), text_of(device.LID), name


class _Facts(TypedDict):
    """What every message says, readable or not."""

    id: str
    chat: str
    chat_lid: str
    sender: str
    sender_lid: str
    push_name: str
    timestamp: int
    is_from_me: bool


def read_message(raw: bytes, phone_of: PhoneOf) -> IncomingMessage | None:
    """The message of a `Message` event; None for the devices' own plumbing.

    Raises ValueError (or protobuf's DecodeError) for one that makes no sense.
    """
    event = pb.Message.FromString(raw)
    if event.Info.Category == _PLUMBING:
        return None
    return IncomingMessage(
        **_facts(event.Info, phone_of),
        content=event.Message.SerializeToString(),
        ephemeral=event.IsEphemeral,
        view_once=event.IsViewOnce or event.IsViewOnceV2 or event.IsViewOnceV2Extension,
        edit=event.IsEdit,
    )


def read_undecryptable(raw: bytes, phone_of: PhoneOf) -> Undecryptable | None:
    """The message of an `UndecryptableMessage` event; None for the devices' own plumbing.

    Raises ValueError (or protobuf's DecodeError) for one that makes no sense.
    """
    event = pb.UndecryptableMessage.FromString(raw)
    if event.Info.Category == _PLUMBING:
        return None
    return Undecryptable(**_facts(event.Info, phone_of), unavailable=event.IsUnavailable)


def _facts(info: pb.MessageInfo, phone_of: PhoneOf) -> _Facts:
    source = info.MessageSource
    chat, chat_lid, sender, sender_lid = parties(source, phone_of)
    if not (info.ID and chat and sender):
        raise ValueError("a message without id, chat or sender")
    return _Facts(
        id=info.ID,
        chat=chat,
        chat_lid=chat_lid,
        sender=sender,
        sender_lid=sender_lid,
        push_name=info.Pushname,
        timestamp=info.Timestamp,
        is_from_me=source.IsFromMe,
    )


def read_receipt(raw: bytes, phone_of: PhoneOf) -> IncomingReceipt | None:
    """The receipt of a `Receipt` event; None for the devices' own plumbing.

    None also for copies that our own devices have got. Raises ValueError (or protobuf's DecodeError) for
    one that makes no sense.
    """
    event = pb.Receipt.FromString(raw)
    source, kind = event.MessageSource, _RECEIPTS.get(event.Type)
    if kind is None:
        return None
    if source.IsFromMe and kind == "delivered":
        return None
    if source.IsFromMe:
        # The account's other devices say "read", and "read-self" where receipts are switched off.
        kind = "read-self" if kind in ("read", "read-self") else "played-self"
    chat, chat_lid, sender, sender_lid = parties(source, phone_of)
    if not (event.MessageIDs and chat and sender):
        raise ValueError("a receipt without ids, chat or sender")
    return IncomingReceipt(
        ids=list(event.MessageIDs),
        kind=kind,
        chat=chat,
        chat_lid=chat_lid,
        sender=sender,
        sender_lid=sender_lid,
        timestamp=event.Timestamp * 1000,
    )


def read_call(raw: bytes, phone_of: PhoneOf) -> IncomingCall:
    """The call of a `CallOffer` event.

    Raises ValueError (or protobuf's DecodeError) for one that makes no sense.
    """
    event = pb.CallOffer.FromString(raw)
    told, remote = event.basicCallMeta, event.callRemoteMeta
    caller, lid = both_of(told.callCreator, told.callCreatorAlt, phone_of)
    if not (told.callID and caller):
        raise ValueError("a call without id or caller")
    return IncomingCall(
        id=told.callID,
        caller=caller,
        caller_lid=lid,
        timestamp=told.timestamp * 1000,
        group=_group_called(event.data),
        platform=remote.remotePlatform,
        version=remote.remoteVersion,
    )


def caller_told(raw: bytes) -> tuple[str, str]:
    """The id of a call, and the caller in the form in which WhatsApp named them."""
    told = pb.CallOffer.FromString(raw).basicCallMeta
    return told.callID, text_of(told.callCreator)


def _group_called(offer: pb.Node) -> str:
    """The group that the call is in, which neonize tells only among the attributes of the stanza."""
    for each in offer.Attrs:
        if each.name == "group-jid":
            return text_of(each.jid) if each.HasField("jid") else str(each.text)
    return ""


def read_change(code: int, raw: bytes) -> ConnectionChange | None:
    """What an event says about the connection; None when it changes nothing."""
    match code:
        case Code.CONNECTED:
            return ConnectionChange("connected")
        case Code.DISCONNECTED:
            return ConnectionChange("disconnected", "connection_lost")
        case Code.STREAM_REPLACED:
            return ConnectionChange("replaced", "stream_replaced")
        case Code.CLIENT_OUTDATED:
            return ConnectionChange("outdated", "client_outdated")
        case Code.LOGGED_OUT:
            gone = pb.LoggedOut.FromString(raw)
            refused = pb.ConnectFailureReason.Name(gone.Reason).lower()
            return ConnectionChange("logged_out", refused if gone.OnConnect else "device_removed")
        case Code.TEMPORARY_BAN:
            ban = pb.TemporaryBan.FromString(raw)
            why = pb.TemporaryBan.TempBanReason.Name(ban.Code).lower()
            return ConnectionChange("banned", why, int(time.time()) + ban.Expire)
        case Code.CONNECT_FAILURE:
            failure = pb.ConnectFailure.FromString(raw)
            return ConnectionChange(
                "ended", "refused_" + pb.ConnectFailureReason.Name(failure.Reason).lower()
            )
    return None


def killer(text: str) -> str | None:
    """What the event was about that ended neonize's pump with this text; None where it was none."""
    found = _PUMP_KILLER.search(text)
    return found[1] if found else None


def read_end(text: str) -> ConnectionChange:
    """Why neonize's event pump ended by itself; `text` is what `Neonize()` returned.

    The pump dies of an event whose value it does not know; what that event was about is in the text.
    """
    match killer(text):
        case "TemporaryBan":
            return ConnectionChange("banned", "unknown_reason")
        case "LoggedOut":
            return ConnectionChange("logged_out", "unknown_reason")
        case None:
            return ConnectionChange("ended", "engine_ended" if not text else "connect_failed")
        case _:
            return ConnectionChange("ended", "event_pump_died")
