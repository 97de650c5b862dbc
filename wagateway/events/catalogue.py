"""The catalogue: every kind of event, with its payload and what it says."""

from typing import Any, Generic, TypeVar

import msgspec

from wagateway.events import device, groups, messages, newsletters, people

P = TypeVar("P")


class Kind(msgspec.Struct, Generic[P], frozen=True):
    """A kind of event and its payload: `text` is what happened.

    `known_as` is what WebSocket clients of the guide and of the real server call it, where they have a name.
    """

    name: str
    payload: type[P]
    text: str
    known_as: str = ""

    @property
    def code(self) -> str:
        """What WebSocket clients get it as."""
        return self.known_as or self.name.replace(".", "_").upper()


MESSAGE = Kind("message", messages.MessagePayload, "New message received", "MESSAGE_RECEIVED")
REACTION = Kind("message.reaction", messages.ReactionPayload, "Somebody reacted to a message")
EDITED = Kind("message.edited", messages.EditedPayload, "A message was edited")
REVOKED = Kind("message.revoked", messages.RevokedPayload, "A message was deleted for everyone")
VOTE = Kind("poll.vote", messages.VotePayload, "Somebody voted in a poll")
ACK = Kind("message.ack", messages.AckPayload, "Messages were delivered, read or played")
STATE = Kind("message.state", messages.StatePayload, "A message of this account got farther")
UNDECRYPTABLE = Kind(
    "message.undecryptable", messages.UndecryptablePayload, "A message could not be decrypted"
)
MEDIA_READY = Kind("media.ready", messages.MediaPayload, "A file was fetched")
MEDIA_FAILED = Kind("media.failed", messages.MediaPayload, "A file will not come")
UNREAD = Kind("unread", messages.UnreadPayload, "Something came that this version cannot read")
CALL = Kind("call.offer", people.CallPayload, "Somebody calls")
CHAT_PRESENCE = Kind("chat_presence", people.ChatPresencePayload, "Somebody is writing or has stopped")
PARTICIPANTS = Kind("group.participants", groups.ParticipantsPayload, "Members of a group changed")
GROUP_JOINED = Kind("group.joined", groups.GroupJoinedPayload, "This account is in a new group")
GROUP_UPDATED = Kind("group.updated", groups.GroupUpdatedPayload, "A group was changed")
NEWSLETTER_JOINED = Kind(
    "newsletter.joined", newsletters.NewsletterJoinedPayload, "This account follows a newsletter"
)
NEWSLETTER_LEFT = Kind(
    "newsletter.left", newsletters.NewsletterLeftPayload, "This account follows a newsletter no more"
)
NEWSLETTER_MESSAGE = Kind(
    "newsletter.message", newsletters.NewsletterMessagePayload, "Views and reactions of posts changed"
)
NEWSLETTER_MUTE = Kind(
    "newsletter.mute", newsletters.NewsletterMutePayload, "A newsletter was muted or unmuted"
)
DEVICE_STATE = Kind("device.state", device.DeviceStatePayload, "The state of the device changed")
QR = Kind("device.qr", device.QrPayload, "A code to scan")
PAIRED = Kind("device.paired", device.PairedPayload, "The device was linked", "LOGIN_SUCCESS")
LOGGED_OUT = Kind("device.logged_out", device.LoggedOutPayload, "The device is linked no more")
BANNED = Kind("device.banned", device.BannedPayload, "WhatsApp banned the account")
RESTRICTED = Kind("device.restricted", device.RestrictedPayload, "WhatsApp restricts the account")
HOOKS = Kind(
    "device.webhooks", device.HooksPayload, "The webhooks were changed", "DEVICE_WEBHOOK_CONFIG_UPDATED"
)
RESTARTED = Kind("worker.restarted", device.RestartedPayload, "The device's worker was started anew")
HISTORY = Kind("history.progress", device.HistoryPayload, "A part of the history was stored")
GAP = Kind("gap", device.GapPayload, "The device had no connection for a time")
TEST = Kind("test", device.TestPayload, "A webhook was tried out")

KINDS: dict[str, Kind[Any]] = {
    kind.name: kind
    for kind in (
        MESSAGE,
        REACTION,
        EDITED,
        REVOKED,
        VOTE,
        ACK,
        STATE,
        UNDECRYPTABLE,
        MEDIA_READY,
        MEDIA_FAILED,
        UNREAD,
        CALL,
        CHAT_PRESENCE,
        PARTICIPANTS,
        GROUP_JOINED,
        GROUP_UPDATED,
        NEWSLETTER_JOINED,
        NEWSLETTER_LEFT,
        NEWSLETTER_MESSAGE,
        NEWSLETTER_MUTE,
        DEVICE_STATE,
        QR,
        PAIRED,
        LOGGED_OUT,
        BANNED,
        RESTRICTED,
        HOOKS,
        RESTARTED,
        HISTORY,
        GAP,
        TEST,
    )
}

_OF_THE_REAL_SERVER = ("message.deleted", "label.edit", "label.association")


def known(wanted: str) -> bool:
    """Whether a filter may name it: a kind, `group.*` for all of an area, `*`, or one we do not tell yet.

    Case does not matter.
    """
    wanted = wanted.lower()
    area = wanted.removesuffix(".*")
    names = (*KINDS, *_OF_THE_REAL_SERVER)
    return wanted in ("*", *names) or (area != wanted and any(name.startswith(f"{area}.") for name in names))


def wants(filters: frozenset[str], kind: str) -> bool:
    """Whether these filters, in small letters, let a kind of event through; none lets all through."""
    return not filters or bool(filters & {kind, "*", f"{kind.partition('.')[0]}.*"})
