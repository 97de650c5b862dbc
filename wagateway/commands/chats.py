"""Commands that read the stored chats and messages of a device."""

from datetime import datetime
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from wagateway.commands.messages import MessageStatus
from wagateway.commands.sending import Duration
from wagateway.contract import Command, Needs, Route
from wagateway.phone import Phone


class Pagination(msgspec.Struct, frozen=True):
    """Where a page lies; `total` counts what matches the filters.

    With filters it is counted up to 10,000 only, in a search up to 500: `total_is_exact` says whether
    there may be more.

    `next_cursor`, given back as `cursor`, continues after the last row without skipping or repeating
    while new rows arrive.
    """

    limit: int
    offset: int
    total: int
    next_cursor: str = ""
    total_is_exact: bool = True


class Chat(msgspec.Struct, frozen=True):
    """A chat; times are RFC 3339 UTC. `muted_until` is "" unless muted, "forever" for a mute without end."""

    jid: str
    name: str
    last_message_time: str
    ephemeral_expiration: int
    unread_count: int
    created_at: str
    updated_at: str
    archived: bool
    pinned: bool = False
    muted_until: str = ""
    marked_unread: bool = False
    lid: str = ""


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


class Reaction(msgspec.Struct, frozen=True):
    """The reaction of one person to a message; the time is RFC 3339 UTC, the LID "" where not known."""

    emoji: str
    sender_jid: str
    sender_display_name: str
    is_from_me: bool
    timestamp: str
    sender_lid: str = ""


class StoredMessage(msgspec.Struct, frozen=True):
    """A stored message; times are RFC 3339 UTC, `replied_to_id` is the quoted message.

    `content` is as its last edit left it. `kind` is text, image, poll … or, for what is about the message
    `target_id`, reaction, edit, revoke, poll_vote. `status` tells of our own messages how far they came.
    `media_id` is the SHA-256 of the file in hex. The LIDs are "" where they are not known. `call_metadata`
    is the JSON of an incoming call.
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
    reactions: list[Reaction] = []
    call_metadata: str = ""


class ChatInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """The chat of a page of messages, as in `Chat`; an unknown chat has only `jid` and `name`."""

    jid: str
    name: str
    last_message_time: str | UnsetType = UNSET
    ephemeral_expiration: int | UnsetType = UNSET
    created_at: str | UnsetType = UNSET
    updated_at: str | UnsetType = UNSET
    archived: bool | UnsetType = UNSET
    lid: str | UnsetType = UNSET


class MessageList(msgspec.Struct, frozen=True):
    """A page of messages, in the order asked for."""

    data: list[StoredMessage]
    pagination: Pagination
    chat_info: ChatInfo


class ListMessages(Command[MessageList], frozen=True, kw_only=True):
    """List the messages of a chat; all filters combine. Times without an offset are UTC.

    Every word of `search` must begin a word of the message's text or filename, as in a search of all chats.
    The latest come first, or with `sort=rank` the best matches, whose pages go by `offset` only.
    """

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
    sort: Literal["time", "rank"] = "time"


class SearchMessages(Command[MessageList], frozen=True, kw_only=True):
    """Search the messages of all chats by words, the best matches first; all filters combine.

    Every word of `search` must begin a word of the message's text or filename; case, accents and
    punctuation do not matter. Chinese, Japanese, Thai and emoji are found anywhere in a text. The best
    match has more of the rare words and less beside them (bm25). More than 500 matches are not ranked:
    of those, and with `sort=time`, the latest come first.
    """

    routes: ClassVar = (Route("GET", "/messages/search"),)
    needs: ClassVar[Needs] = "shard"
    done: ClassVar = "Success search messages"
    search: Annotated[str, Meta(min_length=1, max_length=256)]
    chat_jid: Phone | None = None
    limit: Annotated[int, Meta(ge=0, le=100)] = 50
    offset: Annotated[int, Meta(ge=0, le=2**31)] = 0
    start_time: datetime | None = None
    end_time: datetime | None = None
    media_only: bool = False
    is_from_me: bool | None = None
    sort: Literal["time", "rank"] = "rank"


class ChatPinned(msgspec.Struct, frozen=True):
    """What was set; `message` repeats the envelope's sentence."""

    status: str
    message: str
    chat_jid: str
    pinned: bool


class PinChat(Command[ChatPinned], frozen=True, kw_only=True):
    """Pin a chat to the top of the list on all devices of the account, or unpin it.

    neonize cannot do it: it is answered with 501 `ENGINE_UNSUPPORTED`.
    """

    routes: ClassVar = (Route("POST", "/chat/{chat_jid}/pin"),)
    chat_jid: Phone
    pinned: bool

    def sentence(self, reply: ChatPinned) -> str:
        """What was set."""
        return reply.message


class ChatArchived(msgspec.Struct, frozen=True):
    """What was set; `message` repeats the envelope's sentence."""

    status: str
    message: str
    chat_jid: str
    archived: bool


class ArchiveChat(Command[ChatArchived], frozen=True, kw_only=True):
    """Archive a chat on all devices of the account, or take it out of the archive.

    neonize cannot do it: it is answered with 501 `ENGINE_UNSUPPORTED`.
    """

    routes: ClassVar = (Route("POST", "/chat/{chat_jid}/archive"),)
    chat_jid: Phone
    archived: bool

    def sentence(self, reply: ChatArchived) -> str:
        """What was set."""
        return reply.message


class ChatLabelled(msgspec.Struct, frozen=True):
    """What was set; `message` repeats the envelope's sentence."""

    status: str
    message: str
    chat_jid: str
    label_id: str
    labeled: bool


class LabelChat(Command[ChatLabelled], frozen=True, kw_only=True):
    """Put a label on a chat (business accounts), or take it off.

    neonize cannot do it: it is answered with 501 `ENGINE_UNSUPPORTED`.
    """

    routes: ClassVar = (Route("POST", "/chat/{chat_jid}/label"),)
    chat_jid: Phone
    label_id: Annotated[str, Meta(min_length=1, max_length=32)]
    labeled: bool = True

    def sentence(self, reply: ChatLabelled) -> str:
        """What was set."""
        return reply.message


class ChatMuted(msgspec.Struct, frozen=True):
    """What was set; `message` repeats the envelope's sentence, `muted_until` is as in `Chat`."""

    status: str
    message: str
    chat_jid: str
    muted: bool
    muted_until: str


class MuteChat(Command[ChatMuted], frozen=True, kw_only=True):
    """Mute a chat on all devices of the account for `duration` seconds (0: for ever), or unmute it.

    neonize cannot do it: it is answered with 501 `ENGINE_UNSUPPORTED`.
    """

    routes: ClassVar = (Route("POST", "/chat/{chat_jid}/mute"),)
    chat_jid: Phone
    muted: bool = True
    duration: Annotated[int, Meta(ge=0, le=31_536_000)] = 0

    def sentence(self, reply: ChatMuted) -> str:
        """What was set."""
        return reply.message


class ChatRead(msgspec.Struct, frozen=True):
    """What was set; `message` repeats the envelope's sentence."""

    status: str
    message: str
    chat_jid: str
    unread: bool


class MarkChat(Command[ChatRead], frozen=True, kw_only=True):
    """Mark a chat as unread on all devices of the account, or read all of it, which its senders are told.

    neonize cannot mark it as unread: that is answered with 501 `ENGINE_UNSUPPORTED`.
    """

    routes: ClassVar = (Route("POST", "/chat/{chat_jid}/unread"),)
    chat_jid: Phone
    unread: bool = True

    def sentence(self, reply: ChatRead) -> str:
        """What was set."""
        return reply.message


class ChatTimer(msgspec.Struct, frozen=True):
    """What was set; `message` repeats the envelope's sentence."""

    status: str
    message: str
    chat_jid: str
    timer_seconds: int


class SetChatTimer(Command[ChatTimer], frozen=True, kw_only=True):
    """Let new messages of a chat disappear after a day, a week or 90 days, or never (0)."""

    routes: ClassVar = (Route("POST", "/chat/{chat_jid}/disappearing"),)
    chat_jid: Phone
    timer_seconds: Duration

    def sentence(self, reply: ChatTimer) -> str:
        """What was set."""
        return reply.message


class OlderHistory(msgspec.Struct, frozen=True):
    """How many messages the phone was asked for; they arrive in the chat."""

    chat_jid: str
    count: int


class RequestHistory(Command[OlderHistory], frozen=True, kw_only=True):
    """Ask the phone for older messages of a chat than are stored.

    neonize cannot do it: it is answered with 501 `ENGINE_UNSUPPORTED`.
    """

    routes: ClassVar = (Route("POST", "/chat/{chat_jid}/history"),)
    done: ClassVar = "History requested"
    chat_jid: Phone
    count: Annotated[int, Meta(ge=1, le=500)] = 50
