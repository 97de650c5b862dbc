"""Changes of the account's app state, in WhatsApp's words: indexes, versions and collections."""

import time

import msgspec

from wagateway.whatsapp.protos import Common, SyncAction
from workers.engine import Mutation, Patch
from workers.shard.messages import now

_NOBODY = "0"  # where an index has nobody to name


class Last(msgspec.Struct, frozen=True):
    """The newest message of a chat; `timestamp` is Unix seconds."""

    key: Common.MessageKey
    timestamp: int


def star(key: Common.MessageKey, *, starred: bool) -> Patch:
    """Star a message, or take its star back."""
    value = SyncAction.SyncActionValue(starAction=SyncAction.StarAction(starred=starred))
    return Patch("regular_high", [_mutation(["star", *_named(key)], 2, value)])


def delete_for_me(key: Common.MessageKey, timestamp: int) -> Patch:
    """Delete a message (sent at Unix seconds `timestamp`) for this account; its file stays in the gallery."""
    action = SyncAction.DeleteMessageForMeAction(deleteMedia=False, messageTimestamp=timestamp)
    value = SyncAction.SyncActionValue(deleteMessageForMeAction=action)
    return Patch("regular_high", [_mutation(["deleteMessageForMe", *_named(key)], 3, value)])


def pin(chat: str, *, pinned: bool) -> Patch:
    """Pin a chat to the top of the list, or unpin it."""
    return Patch("regular_low", [_pin(chat, pinned)])


def archive(chat: str, last: Last | None, *, archived: bool) -> Patch:
    """Archive a chat, which unpins it, or take it out of the archive."""
    action = SyncAction.ArchiveChatAction(archived=archived, messageRange=_range(last))
    value = SyncAction.SyncActionValue(archiveChatAction=action)
    mutations = [_mutation(["archive", chat], 3, value)]
    if archived:
        mutations.append(_pin(chat, False))
    return Patch("regular_low", mutations)


def mute(chat: str, until: int | None) -> Patch:
    """Mute a chat until Unix milliseconds (-1: for ever), or unmute it (None)."""
    action = SyncAction.MuteAction(muted=until is not None, muteEndTimestamp=until)
    return Patch(
        "regular_high",
        [_mutation(["mute", chat], 2, SyncAction.SyncActionValue(muteAction=action))],
    )


def mark_read(chat: str, last: Last | None, *, read: bool) -> Patch:
    """Mark a chat as read or as unread; nobody else is told."""
    action = SyncAction.MarkChatAsReadAction(read=read, messageRange=_range(last))
    value = SyncAction.SyncActionValue(markChatAsReadAction=action)
    return Patch("regular_low", [_mutation(["markChatAsRead", chat], 3, value)])


def label_chat(chat: str, label_id: str, *, labeled: bool) -> Patch:
    """Put a label on a chat, or take it off."""
    action = SyncAction.LabelAssociationAction(labeled=labeled)
    value = SyncAction.SyncActionValue(labelAssociationAction=action)
    return Patch("regular", [_mutation(["label_jid", label_id, chat], 3, value)])


def _pin(chat: str, pinned: bool) -> Mutation:
    action = SyncAction.PinAction(pinned=pinned)
    return _mutation(["pin_v1", chat], 5, SyncAction.SyncActionValue(pinAction=action))


def _named(key: Common.MessageKey) -> list[str]:
    return [key.remoteJID, key.ID, "1" if key.fromMe else "0", key.participant or _NOBODY]


def _range(last: Last | None) -> SyncAction.SyncActionMessageRange:
    """How far the one who changed the chat had seen it: what came later undoes the change."""
    if last is None:
        return SyncAction.SyncActionMessageRange(lastMessageTimestamp=int(time.time()))
    message = SyncAction.SyncActionMessage(key=last.key, timestamp=last.timestamp)
    return SyncAction.SyncActionMessageRange(lastMessageTimestamp=last.timestamp, messages=[message])


def _mutation(index: list[str], version: int, value: SyncAction.SyncActionValue) -> Mutation:
    value.timestamp = now()
    return Mutation(index, version, value.SerializeToString())
