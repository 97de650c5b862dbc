"""Commands that read the stored chats and messages of a device."""

from datetime import datetime
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from wagateway.commands.messages import MessageStatus
from wagateway.contract import Command, Needs, Route
from wagateway.phone import Phone


class Pagination(msgspec.Struct, frozen=True):
    """Where a page lies; `total` counts what matches the filters.

    `next_cursor`, given back as `cursor`, continues after the last row without skipping or repeating
    while new rows arrive.
    """

    limit: int
    offset: int
    total: int
    next_cursor: str = ""


class Chat(msgspec.Struct, frozen=True):
    """A chat; times are RFC 3339 UTC."""

    jid: str
    name: str
    last_message_time: str
    ephemeral_expiration: int
    unread_count: int
    created_at: str
    updated_at: str
    archived: bool


class ChatList(msgspec.Struct, frozen=True):
    """A page of chats, latest first."""

    data: list[Chat]
    pagination: Pagination


class ListChats(Command[ChatList], frozen=True, kw_only=True):
    """List the chats of a device."""

    routes: ClassVar = (Route("GET", "/chats"),)
    needs: ClassVar[Needs] = "shard"
    done: ClassVar = "Success get chat list"
    limit: Annotated[int, Meta(ge=0, le=100)] = 25
    offset: Annotated[int, Meta(ge=0, le=2**31)] = 0
    cursor: Annotated[str, Meta(max_length=128)] = ""
    search: Annotated[str, Meta(max_length=256)] = ""
    has_media: bool = False
    archived: bool | None = None


class StoredMessage(msgspec.Struct, frozen=True):
    """A stored message; times are RFC 3339 UTC, `replied_to_id` is the quoted message.

    `content` is as its last edit left it. `kind` is text, image, poll … or, for what is about the message
    `target_id`, reaction, edit, revoke, poll_vote. `status` tells of our own messages how far they came.
    `media_id` is the SHA-256 of the file in hex. The LIDs are "" where they are not known.
    """

    id: str
    chat_jid: str
    sender_jid: str
    sender_display_name: str
    content: str
    timestamp: str
    is_from_me: bool
    media_type: str
    filename: str
    url: str
    file_length: int
    created_at: str
    updated_at: str
    replied_to_id: str = ""
    kind: str = ""
    status: MessageStatus = ""
    status_reason: str = ""
    media_id: str = ""
    target_id: str = ""
    is_edited: bool = False
    is_revoked: bool = False
    is_forwarded: bool = False
    sender_lid: str = ""
    chat_lid: str = ""


class ChatInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """The chat of a page of messages; an unknown chat has only `jid` and `name`."""

    jid: str
    name: str
    last_message_time: str = ""
    ephemeral_expiration: int = 0
    created_at: str = ""
    updated_at: str = ""
    archived: bool = False


class MessageList(msgspec.Struct, frozen=True):
    """A page of messages, latest first."""

    data: list[StoredMessage]
    pagination: Pagination
    chat_info: ChatInfo


class ListMessages(Command[MessageList], frozen=True, kw_only=True):
    """List the messages of a chat; all filters combine. Times without an offset are UTC."""

    routes: ClassVar = (Route("GET", "/chat/{chat_jid}/messages"),)
    needs: ClassVar[Needs] = "shard"
    done: ClassVar = "Success get chat messages"
    chat_jid: Phone
    limit: Annotated[int, Meta(ge=0, le=100)] = 50
    offset: Annotated[int, Meta(ge=0, le=2**31)] = 0
    cursor: Annotated[str, Meta(max_length=128)] = ""
    start_time: datetime | None = None
    end_time: datetime | None = None
    media_only: bool = False
    is_from_me: bool | None = None
    search: Annotated[str, Meta(max_length=256)] = ""
