"""Commands to the simulated phones about the history that they hand to linked devices."""

from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta

from wagateway.commands.sandbox.parts import Done
from wagateway.contract import Command, Route, Target
from wagateway.phone import Phone


class SendHistory(Command[Done], frozen=True, kw_only=True):
    """Send a history sync of about `bytes` (before compression) to the phone's linked devices.

    `conversations` is how many chats the messages are spread over. Counts the devices.
    """

    routes: ClassVar = (Route("POST", "/sandbox/phones/{phone}/history"),)
    target: ClassVar[Target] = "sandbox"
    phone: Phone
    bytes: Annotated[int, Meta(ge=0, le=64_000_000)] = 100_000
    conversations: Annotated[int, Meta(ge=1, le=10_000)] = 20


HistoryType = Literal["initial_bootstrap", "full", "recent", "push_name", "non_blocking_data", "on_demand"]


class OldReaction(msgspec.Struct, frozen=True, kw_only=True):
    """A reaction to a message of a history; without a `sender` it is the phone's own."""

    emoji: Annotated[str, Meta(max_length=64)]
    sender: Phone | None = None


class OldMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message of a history: a text, a file (`kind` and `data`), or an `E2E.Message` in protobuf JSON form.

    `age` is in seconds. `sender` is needed in groups unless the message is `from_me`. A `revoked` message
    is one of which only that is left. Without an `id` one is made up.
    """

    text: Annotated[str, Meta(max_length=65536)] = ""
    content: dict[str, Any] = msgspec.field(default_factory=dict)
    kind: Literal["image", "video", "video_note", "audio", "voice_note", "document", "sticker"] | None = None
    data: bytes = b""
    id: Annotated[str, Meta(max_length=128)] = ""
    from_me: bool = False
    sender: Phone | None = None
    push_name: str = ""
    age: Annotated[int, Meta(ge=0, le=10**9)] = 0
    status: Literal["error", "pending", "server_ack", "delivery_ack", "read", "played"] | None = None
    reactions: Annotated[list[OldReaction], Meta(max_length=100)] = msgspec.field(default_factory=list)
    revoked: bool = False


class OldChat(msgspec.Struct, frozen=True, kw_only=True):
    """A chat of a history; `muted_until` is Unix seconds, -1 for ever, `timer` seconds.

    `number` is the phone number of a chat that is named by its LID.
    """

    chat: Phone
    name: str = ""
    number: Phone | None = None
    archived: bool = False
    pinned: bool = False
    muted_until: Annotated[int, Meta(ge=-1, le=10**11)] = 0
    unread: Annotated[int, Meta(ge=0, le=10**6)] = 0
    marked_unread: bool = False
    timer: Annotated[int, Meta(ge=0, le=2**31)] = 0
    messages: Annotated[list[OldMessage], Meta(max_length=100_000)] = msgspec.field(default_factory=list)


class HistoryHanded(msgspec.Struct, frozen=True):
    """How many devices got it, and the ids of the messages in the order given."""

    devices: int
    ids: list[str]


class HandHistory(Command[HistoryHanded], frozen=True, kw_only=True):
    """Hand these chats, messages and names to the phone's linked devices as a history sync.

    `push_names` maps numbers to names, `lids` LIDs (`…@lid`) to numbers. Nobody in it needs to have a phone
    in the sandbox.
    """

    routes: ClassVar = (Route("POST", "/sandbox/phones/{phone}/history/chats"),)
    target: ClassVar[Target] = "sandbox"
    phone: Phone
    type: HistoryType = "recent"
    chats: Annotated[list[OldChat], Meta(max_length=10_000)] = msgspec.field(default_factory=list)
    push_names: dict[str, str] = msgspec.field(default_factory=dict)
    lids: dict[str, str] = msgspec.field(default_factory=dict)
