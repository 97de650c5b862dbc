"""Answers the commands that read the stored chats and messages."""

from datetime import UTC, datetime
from functools import partial

from wagateway.commands.chats import (
    Chat,
    ChatInfo,
    ChatList,
    ListChats,
    ListMessages,
    MessageList,
    Pagination,
    Reaction,
    SearchMessages,
    StoredMessage,
)
from wagateway.events import rfc3339
from wagateway.phone import to_jid, user_of
from wagateway.problems import invalid
from workers.device import Device
from workers.shard import chatpages, pages
from workers.shard.messages import fallback_name, now
from workers.shard.paging import ChatCursor, MessageCursor, decode_cursor, encode_cursor
from workers.shard.reactions import ReactionRow

_CHATS = 25
_MESSAGES = 50


async def list_chats(device: Device, command: ListChats) -> ChatList:
    """A page of chats."""
    limit = command.limit or _CHATS
    query = chatpages.ChatQuery(
        limit=limit,
        offset=command.offset,
        cursor=decode_cursor(command.cursor, ChatCursor),
        search=command.search,
        has_media=command.has_media,
        archived=command.archived,
    )
    page = await device.shard.read(partial(chatpages.find_chats, query=query))
    cursor = encode_cursor(page.following)
    moment = now()
    return ChatList(
        [_chat(device, row, moment) for row in page.rows],
        Pagination(limit, command.offset, page.total, cursor, page.exact),
    )


async def list_messages(device: Device, command: ListMessages) -> MessageList:
    """A page of the messages of a chat; a chat that is not stored has none."""
    if command.cursor and command.sort != "time":
        raise invalid("cursor", "only goes with sort=time; use offset")
    return await _page(device, command, decode_cursor(command.cursor, MessageCursor))


async def search_messages(device: Device, command: SearchMessages) -> MessageList:
    """A page of the messages of all chats, or of one, that a search finds."""
    return await _page(device, command, None)


async def _page(
    device: Device, command: ListMessages | SearchMessages, cursor: MessageCursor | None
) -> MessageList:
    query = pages.MessageQuery(
        chat=None if command.chat_jid is None else to_jid(command.chat_jid, "chat_jid"),
        limit=command.limit or _MESSAGES,
        offset=command.offset,
        cursor=cursor,
        start=_milliseconds(command.start_time),
        end=_milliseconds(command.end_time),
        media_only=command.media_only,
        is_from_me=command.is_from_me,
        search=command.search,
        sort=command.sort,
    )
    page = await device.shard.read(partial(pages.find_messages, query=query))
    following = encode_cursor(page.following)
    return MessageList(
        [_message(device, row, page.reactions.get(row.row, [])) for row in page.rows],
        Pagination(query.limit, query.offset, page.total, following, page.exact),
        _info(device, page),
    )


def _milliseconds(moment: datetime | None) -> int | None:
    if moment is None:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(aware.timestamp() * 1000)


def _chat(device: Device, row: chatpages.ChatRow, moment: int) -> Chat:
    return Chat(
        jid=row.jid,
        name=row.name,
        last_message_time=rfc3339(row.last_message_time),
        ephemeral_expiration=row.ephemeral_expiration,
        unread_count=row.unread_count,
        created_at=rfc3339(row.created_at),
        updated_at=rfc3339(row.updated_at),
        archived=bool(row.archived),
        pinned=bool(row.pinned),
        muted_until=_muted_until(row.muted_until, moment),
        marked_unread=bool(row.marked_unread),
        lid=_lid(device, row.jid, row.lid),
    )


def _muted_until(until: int, moment: int) -> str:
    if until < 0:
        return "forever"
    return rfc3339(until) if until > moment else ""


def _message(device: Device, row: pages.PageRow, reactions: list[ReactionRow]) -> StoredMessage:
    return StoredMessage(
        id=row.id,
        chat_jid=row.chat,
        sender_jid=row.sender,
        sender_display_name=row.name or user_of(row.sender),
        content=row.content,
        timestamp=rfc3339(row.timestamp),
        is_from_me=bool(row.from_me),
        # The real server's word; here only files have a type of their own in the shard.
        media_type="call" if row.kind == "call" else row.media_type,
        filename=row.filename,
        url=row.url,
        file_length=row.file_length,
        created_at=rfc3339(row.created_at),
        updated_at=rfc3339(row.updated_at),
        replied_to_id=row.quoted_id,
        kind=row.kind,
        status=row.status,
        status_reason=row.status_reason,
        media_id=row.media_id,
        target_id=row.target_id,
        is_edited=row.edited_at > 0,
        is_revoked=row.revoked_at > 0,
        is_forwarded=bool(row.forwarded),
        sender_lid=_lid(device, row.sender, row.sender_lid),
        chat_lid=_lid(device, row.chat, row.chat_lid),
        reactions=[_reaction(device, one) for one in reactions],
        call_metadata=row.metadata,
    )


def _reaction(device: Device, row: ReactionRow) -> Reaction:
    return Reaction(
        emoji=row.emoji,
        sender_jid=row.sender,
        sender_display_name=row.name or user_of(row.sender),
        is_from_me=bool(row.from_me),
        timestamp=rfc3339(row.timestamp),
        sender_lid=_lid(device, row.sender, row.sender_lid),
    )


def _lid(device: Device, jid: str, known: str) -> str:
    """The LID of a JID; that of the account itself only the device knows."""
    return known or (device.lid if jid == device.jid else "")


def _info(device: Device, page: pages.MessagePage) -> ChatInfo:
    chat = page.chat
    if chat is None:
        return ChatInfo(page.jid, fallback_name(page.jid))
    return ChatInfo(
        jid=chat.jid,
        name=chat.name,
        last_message_time=rfc3339(chat.last_message_time),
        ephemeral_expiration=chat.ephemeral_expiration,
        created_at=rfc3339(chat.created_at),
        updated_at=rfc3339(chat.updated_at),
        archived=bool(chat.archived),
        lid=_lid(device, chat.jid, chat.lid),
    )
