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
    StoredMessage,
)
from wagateway.events import rfc3339
from wagateway.phone import to_jid
from workers.device import Device
from workers.shard import pages
from workers.shard.messages import fallback_name

_CHATS = 25
_MESSAGES = 50


async def list_chats(device: Device, command: ListChats) -> ChatList:
    """A page of chats."""
    limit = command.limit or _CHATS
    query = pages.ChatQuery(
        limit=limit,
        offset=command.offset,
        cursor=pages.decode_cursor(command.cursor, pages.ChatCursor),
        search=command.search,
        has_media=command.has_media,
        archived=command.archived,
    )
    page = await device.shard.read(partial(pages.find_chats, query=query))
    cursor = pages.encode_cursor(page.following)
    return ChatList([_chat(row) for row in page.rows], Pagination(limit, command.offset, page.total, cursor))


async def list_messages(device: Device, command: ListMessages) -> MessageList:
    """A page of the messages of a chat; a chat that is not stored has none."""
    limit = command.limit or _MESSAGES
    query = pages.MessageQuery(
        chat=to_jid(command.chat_jid, "chat_jid"),
        limit=limit,
        offset=command.offset,
        cursor=pages.decode_cursor(command.cursor, pages.MessageCursor),
        start=_milliseconds(command.start_time),
        end=_milliseconds(command.end_time),
        media_only=command.media_only,
        is_from_me=command.is_from_me,
        search=command.search,
    )
    page = await device.shard.read(partial(pages.find_messages, query=query))
    cursor = pages.encode_cursor(page.following)
    return MessageList(
        [_message(row) for row in page.rows],
        Pagination(limit, command.offset, page.total, cursor),
        _info(page),
    )


def _milliseconds(moment: datetime | None) -> int | None:
    if moment is None:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(aware.timestamp() * 1000)


def _chat(row: pages.ChatRow) -> Chat:
    return Chat(
        jid=row.jid,
        name=row.name,
        last_message_time=rfc3339(row.last_message_time),
        ephemeral_expiration=row.ephemeral_expiration,
        unread_count=row.unread_count,
        created_at=rfc3339(row.created_at),
        updated_at=rfc3339(row.updated_at),
        archived=bool(row.archived),
    )


def _message(row: pages.PageRow) -> StoredMessage:
    return StoredMessage(
        id=row.id,
        chat_jid=row.chat,
        sender_jid=row.sender,
        sender_display_name=row.name or row.sender.partition("@")[0],
        content=row.content,
        timestamp=rfc3339(row.timestamp),
        is_from_me=bool(row.from_me),
        media_type=row.media_type,
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
        sender_lid=row.sender_lid,
        chat_lid=row.chat_lid,
    )


def _info(page: pages.MessagePage) -> ChatInfo:
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
    )
