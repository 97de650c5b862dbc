"""Answers the commands that change how the account has a chat."""

from functools import partial

from wagateway.commands.chats import (
    ArchiveChat,
    ChatArchived,
    ChatLabelled,
    ChatMuted,
    ChatPinned,
    ChatRead,
    ChatTimer,
    LabelChat,
    MarkChat,
    MuteChat,
    OlderHistory,
    PinChat,
    RequestHistory,
    SetChatTimer,
)
from wagateway.events import rfc3339
from wagateway.phone import BROADCAST, NEWSLETTER, is_group, to_jid
from wagateway.problems import invalid
from workers import acting, mutations
from workers.device import Device
from workers.mutations import Last
from workers.shard import chats, messages
from workers.unsupported import unsupported

_DONE = "success"


async def pin_chat(device: Device, command: PinChat) -> ChatPinned:
    """Pin a chat, or unpin it."""
    chat = _changeable(device, command.chat_jid)
    pinned = command.pinned
    await device.engine.change_app_state(mutations.pin(chat, pinned=pinned))
    await device.outbox.keep(partial(chats.set_chat, chat=chat, pinned=pinned))
    return ChatPinned(_DONE, f"Chat {'pinned' if pinned else 'unpinned'} successfully", chat, pinned)


async def archive_chat(device: Device, command: ArchiveChat) -> ChatArchived:
    """Archive a chat, which unpins it, or take it out of the archive."""
    chat = _changeable(device, command.chat_jid)
    archived = command.archived
    last = await _last(device, chat)
    await device.engine.change_app_state(mutations.archive(chat, last, archived=archived))
    pinned = False if archived else None
    await device.outbox.keep(partial(chats.set_chat, chat=chat, archived=archived, pinned=pinned))
    said = f"Chat {'archived' if archived else 'unarchived'} successfully"
    return ChatArchived(_DONE, said, chat, archived)


async def label_chat(device: Device, command: LabelChat) -> ChatLabelled:
    """Put a label on a chat, or take it off."""
    chat = _changeable(device, command.chat_jid)
    label_id, labeled = command.label_id, command.labeled
    await device.engine.change_app_state(mutations.label_chat(chat, label_id, labeled=labeled))
    said = f"Chat {'labeled' if labeled else 'unlabeled'} successfully"
    return ChatLabelled(_DONE, said, chat, label_id, labeled)


async def mute_chat(device: Device, command: MuteChat) -> ChatMuted:
    """Mute a chat for a time or for ever, or unmute it."""
    chat = _changeable(device, command.chat_jid)
    until = None
    if command.muted:
        until = messages.now() + command.duration * 1000 if command.duration else chats.FOREVER
    await device.engine.change_app_state(mutations.mute(chat, until))
    await device.outbox.keep(partial(chats.set_chat, chat=chat, muted_until=until or 0))
    said = f"Chat {'muted' if command.muted else 'unmuted'} successfully"
    shown = "forever" if until == chats.FOREVER else rfc3339(until or 0)
    return ChatMuted(_DONE, said, chat, command.muted, shown)


async def mark_chat(device: Device, command: MarkChat) -> ChatRead:
    """Mark a chat as unread, or read all of it."""
    if command.unread:
        chat = _changeable(device, command.chat_jid)
        await _mark(device, chat, read=False)
        return ChatRead(_DONE, "Chat marked as unread", chat, True)
    device.require_login()
    chat = to_jid(command.chat_jid, "chat_jid")
    marked = await device.shard.read(partial(chats.is_marked_unread, chat=chat))
    if marked:
        device.engine.require("app_state")
    await _read_all(device, chat)
    if marked:
        await _mark(device, chat, read=True)
    return ChatRead(_DONE, "Chat marked as read", chat, False)


async def set_chat_timer(device: Device, command: SetChatTimer) -> ChatTimer:
    """Let new messages of a chat disappear after a time, or never."""
    device.require_login()
    chat = _person_or_group(command.chat_jid)
    seconds = command.timer_seconds
    if is_group(chat):
        await device.engine.set_timer(chat, seconds)
    else:
        await device.engine.send(chat, acting.timer_setting(seconds))
    await device.outbox.keep(partial(chats.set_timer, chat=chat, seconds=seconds))
    said = f"Disappearing messages set to {seconds} seconds" if seconds else "Disappearing messages disabled"
    return ChatTimer(_DONE, said, chat, seconds)


async def request_history(device: Device, command: RequestHistory) -> OlderHistory:
    """Older messages cannot be asked for."""
    device.require_login()
    to_jid(command.chat_jid, "chat_jid")
    raise unsupported("older_history")


def _changeable(device: Device, chat_jid: str) -> str:
    """The JID of a chat whose app state can be changed; raises `Problem` where that is not possible."""
    device.require_login()
    chat = _person_or_group(chat_jid)
    device.engine.require("app_state")
    return chat


def _person_or_group(chat_jid: str) -> str:
    chat = to_jid(chat_jid, "chat_jid")
    if chat.endswith((BROADCAST, NEWSLETTER)):
        raise invalid("chat_jid", "must be a person or a group")
    return chat


async def _last(device: Device, chat: str) -> Last | None:
    newest = await device.shard.read(partial(chats.find_newest, chat=chat))
    if newest is None:
        return None
    key = await acting.key_of(device.engine, chat, newest)
    return Last(key, newest.row.timestamp // 1000)


async def _mark(device: Device, chat: str, *, read: bool) -> None:
    last = await _last(device, chat)
    await device.engine.change_app_state(mutations.mark_read(chat, last, read=read))
    await device.outbox.keep(partial(chats.set_chat, chat=chat, marked_unread=not read))


async def _read_all(device: Device, chat: str) -> None:
    unread = await device.shard.read(partial(chats.find_unread, chat=chat))
    if not unread:
        return
    told = [(one.id, one.sender, one.sender_lid) for one in unread if not one.is_call]
    await acting.tell_read(device.engine, chat, told)
    await device.outbox.keep(lambda connection: chats.read(connection, chat, [unread[0].id]))
