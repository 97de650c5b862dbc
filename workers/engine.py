"""The engine as the rest of the worker sees it: what it can do, and what it tells."""

from pathlib import Path
from typing import Literal, Protocol

import msgspec

from wagateway.contract import Problem
from wagateway.whatsapp.protos import E2E
from workers.facts import (
    ContactFacts,
    GroupFacts,
    GroupMember,
    JoinRequestFacts,
    MemberAction,
    NewsletterFacts,
    PictureFacts,
    PostFacts,
    PrivacyFacts,
    RegistrationFacts,
    UserFacts,
)

Change = Literal[
    "connecting", "connected", "disconnected", "logged_out", "replaced", "banned", "outdated", "ended"
]


ChatState = Literal["composing", "recording", "paused"]


class Uncertain(Problem):
    """`Engine.send` ended without an answer: WhatsApp may have the message, so nobody sends it again.

    Every other `Problem` that a send raises means that WhatsApp has not got it. `why` is a clause.
    """

    def __init__(self, why: str) -> None:
        super().__init__(
            503,
            "OUTCOME_UNKNOWN",
            f"{why}; whether WhatsApp has the message is not known. It is not sent again by itself",
        )


class Sent(msgspec.Struct, frozen=True):
    """WhatsApp acknowledged a message; `timestamp` is Unix seconds, JIDs have no device part."""

    message_id: str
    timestamp: int


MediaKind = Literal["image", "video", "audio", "document", "thumbnail"]
"""What a file is encrypted as: stickers are images, voice notes audio, previews of links thumbnails."""


class Uploaded(msgspec.Struct, frozen=True):
    """Where WhatsApp keeps an uploaded file, and how it is encrypted; keys and digests are 32 bytes."""

    url: str
    direct_path: str
    media_key: bytes
    file_sha256: bytes
    file_enc_sha256: bytes
    file_length: int


ReceiptKind = Literal["delivered", "read", "played", "read-self", "played-self"]
"""The last two come from another device of our own account, about messages of others."""


class IncomingReceipt(msgspec.Struct, frozen=True):
    """A receipt for some messages of one chat; JIDs and LIDs as in `IncomingMessage`.

    `sender` is who has the messages, `timestamp` Unix milliseconds.
    """

    ids: list[str]
    kind: ReceiptKind
    chat: str
    chat_lid: str
    sender: str
    sender_lid: str
    timestamp: int


class IncomingCall(msgspec.Struct, frozen=True):
    """Somebody calls; JIDs and LIDs as in `IncomingMessage`, `timestamp` is Unix milliseconds.

    `group` is the JID of a group call, "" for one between two.
    """

    id: str
    caller: str
    caller_lid: str
    timestamp: int
    group: str = ""
    platform: str = ""
    version: str = ""


class GroupChange(msgspec.Struct, frozen=True, kw_only=True):
    """Something about a group changed; None for what did not. JIDs and LIDs as in `IncomingMessage`.

    `actor` is who did it, "" where WhatsApp does not say. `timer` as in `GroupNews`, `timestamp` is Unix
    milliseconds. Members are JIDs in the form that the group itself uses; `phones` has the phone JIDs of
    those that are LIDs, as far as the engine knows them.
    """

    jid: str
    actor: str = ""
    actor_lid: str = ""
    timestamp: int = 0
    name: str | None = None
    topic: str | None = None
    locked: bool | None = None
    announce: bool | None = None
    timer: int | None = None
    invite_link: str | None = None
    deleted: bool | None = None
    joined: list[str] = []
    left: list[str] = []
    promoted: list[str] = []
    demoted: list[str] = []
    phones: dict[str, str] = {}


class GroupJoined(msgspec.Struct, frozen=True, kw_only=True):
    """The account is in a group from now on; fields as in `GroupChange`.

    In a `community` itself, which counts as a group, nobody can write.
    """

    jid: str
    actor: str = ""
    actor_lid: str = ""
    name: str = ""
    timer: int | None = None
    reason: str = ""
    community: bool = False


class ChatPresence(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody types or has stopped; JIDs and LIDs as in `IncomingMessage`.

    `state` is composing or paused, `media` audio while they record, else "".
    """

    chat: str
    chat_lid: str
    sender: str
    sender_lid: str
    state: str
    media: str


class PostChange(msgspec.Struct, frozen=True, kw_only=True):
    """How a post of a newsletter is doing; reactions by emoji."""

    server_id: int
    views: int = 0
    reactions: dict[str, int] = {}


class NewsletterChange(msgspec.Struct, frozen=True, kw_only=True):
    """Something about a newsletter: it was joined, left (`role` is then what is left), (un)muted, or read.

    `mute` is on or off. The other fields belong to one `change` each.
    """

    jid: str
    change: Literal["joined", "left", "mute", "posts"]
    name: str = ""
    description: str = ""
    role: str = ""
    mute: str = ""
    posts: list[PostChange] = []


class Undecryptable(msgspec.Struct, frozen=True, kw_only=True):
    """A message that could not be decrypted; fields as in `IncomingMessage`.

    An `unavailable` one was never sent to linked devices.
    """

    id: str
    chat: str
    chat_lid: str
    sender: str
    sender_lid: str
    push_name: str
    timestamp: int
    is_from_me: bool
    unavailable: bool = False


class GroupNews(msgspec.Struct, frozen=True):
    """What WhatsApp tells of a group that the account is in; None for what it does not speak of.

    `timer` is how long messages stay, in seconds; 0 for ever.
    """

    jid: str
    name: str | None = None
    timer: int | None = None


class IncomingMessage(msgspec.Struct, frozen=True):
    """One message as the engine decrypted it; JIDs have no device part.

    `chat` and `sender` are phone JIDs where the engine knows them, `chat_lid` and `sender_lid` the LIDs
    ("" when unknown). `timestamp` is Unix milliseconds. `content` is the serialised `E2E.Message`, out of
    its wrappers: `ephemeral`, `view_once` and `edit` tell which there were.
    """

    id: str
    chat: str
    chat_lid: str
    sender: str
    sender_lid: str
    push_name: str
    timestamp: int
    is_from_me: bool
    content: bytes
    ephemeral: bool = False
    view_once: bool = False
    edit: bool = False


class ConnectionChange(msgspec.Struct, frozen=True):
    """The connection to WhatsApp changed; `reason` is a stable word or "", `until` Unix seconds of a ban."""

    change: Change
    reason: str = ""
    until: int = 0


class QrShown(msgspec.Struct, frozen=True):
    """A code to scan; the engine renews it: `expires_at` is Unix seconds, `attempt` counts from 1."""

    code: str
    expires_at: float
    attempt: int


Feature = Literal["app_state", "business_profile", "join_request_answers", "older_history", "passkey"]
"""What some engines cannot do."""

Collection = Literal["critical_block", "critical_unblock_low", "regular_low", "regular_high", "regular"]


class Mutation(msgspec.Struct, frozen=True):
    """One change of the account's app state; `value` is the serialised `SyncActionValue`."""

    index: list[str]
    version: int
    value: bytes


class Patch(msgspec.Struct, frozen=True):
    """Changes of one collection of the account's app state, which belong together."""

    collection: Collection
    mutations: list[Mutation]


class EngineEvents(Protocol):
    """What the engine calls, on its own thread; each call returns when what it told is safe.

    While the worker stops, a call raises `patience.Stopped` for what could not be kept.
    """

    def message(self, message: IncomingMessage) -> None:
        """Returns when the message is committed: only then may the engine go on."""

    def receipt(self, receipt: IncomingReceipt) -> None:
        """Somebody has got, read or played messages."""

    def call(self, call: IncomingCall) -> None:
        """Somebody calls; returns when that is committed."""

    def group(self, change: GroupChange) -> None:
        """A group has changed; returns when that is committed."""

    def group_joined(self, joined: GroupJoined) -> None:
        """The account is in a new group; returns when that is committed."""

    def chat_presence(self, presence: ChatPresence) -> None:
        """Somebody types or has stopped; what comes of it may be committed later."""

    def newsletter(self, change: NewsletterChange) -> None:
        """Something about a newsletter; returns when that is committed."""

    def undecryptable(self, message: Undecryptable) -> None:
        """A message that could not be decrypted; returns when that is committed."""

    def caught_up(self, count: int) -> None:
        """After a login, all that had waited for the device has been told: so many stanzas."""

    def history(self) -> None:
        """A history sync was written into the folder for them (see `workers.history`)."""

    def unread(self, code: int, raw: bytes) -> None:
        """A message-carrying event that could not be interpreted, kept raw so that nothing is lost."""

    def connection(self, change: ConnectionChange) -> None:
        """The state of the connection changed."""

    def qr(self, shown: QrShown | None) -> None:
        """A new QR code, or None when there will be no more."""

    def paired(self, jid: str, lid: str, name: str) -> None:
        """The device belongs to this account now."""


class Engine(Protocol):
    """One WhatsApp connection. Every call raises `Problem` for what WhatsApp or the network refuse."""

    async def connect(self) -> None:
        """Dial WhatsApp: log in with the stored session, or wait for pairing. Returns at once."""

    async def stop(self) -> None:
        """Disconnect cleanly; nothing can be called afterwards."""

    async def pair_code(self, phone: str) -> str:
        """The pairing code (ABCD-EFGH) for the number `phone` (digits)."""

    async def unlink(self) -> None:
        """Log out of WhatsApp and forget the session."""

    async def send(self, chat: str, message: E2E.Message) -> Sent:
        """Send to the chat and wait for WhatsApp's acknowledgement; sends leave in the order of calls.

        Raises `Uncertain` when it may have been sent, any other `Problem` when it was not.
        """

    async def upload(self, file: Path, kind: MediaKind, chat: str) -> Uploaded:
        """Encrypt and upload a file for a message to the chat; the file is read, not kept."""

    async def set_presence(self, *, available: bool) -> None:
        """Show the account as online or offline."""

    async def set_chat_presence(self, chat: str, state: ChatState) -> None:
        """Show in the chat what the account is doing."""

    def require(self, feature: Feature) -> None:
        """Raises 501 `ENGINE_UNSUPPORTED`, which says why, when this engine cannot do it."""

    async def mark_read(self, chat: str, sender: str, ids: list[str], played: bool = False) -> None:
        """Tell `sender` that their messages were read (or played); in a group `sender` is the author."""

    async def set_timer(self, group: str, seconds: int) -> None:
        """Set the disappearing timer of a group."""

    async def change_app_state(self, patch: Patch) -> None:
        """Change the account's app state on all its devices. Requires `app_state`."""

    async def reject_call(self, caller: str, call_id: str) -> None:
        """Reject an incoming call."""

    async def group_members(self, group: str) -> list[str]:
        """The JIDs of a group's participants, in the form that the group itself uses."""

    async def group(self, group: str) -> GroupFacts:
        """A group that the account is in."""

    async def groups(self) -> list[GroupFacts]:
        """All groups that the account is in."""

    async def group_news(self) -> list[GroupNews]:
        """Names and timers of all groups that the account is in, without the members: that is far less."""

    async def create_group(self, name: str, members: list[str]) -> GroupFacts:
        """Create a group; who cannot be added has an `error` among its members."""

    async def leave_group(self, group: str) -> None:
        """Leave a group."""

    async def group_link(self, group: str, *, reset: bool) -> str:
        """The invite link of a group, made anew with `reset`."""

    async def group_of_link(self, code: str) -> GroupFacts:
        """The group that the code of an invite link is for."""

    async def join_group(self, code: str) -> str:
        """Join a group by the code of its invite link; its JID."""

    async def change_members(self, group: str, action: MemberAction, members: list[str]) -> list[GroupMember]:
        """Change members of a group; what became of each, in WhatsApp's order."""

    async def join_requests(self, group: str) -> list[JoinRequestFacts]:
        """Who asks to join a group."""

    async def set_group_name(self, group: str, name: str) -> None:
        """Rename a group."""

    async def set_group_topic(self, group: str, topic: str) -> None:
        """Set the description of a group; "" removes it."""

    async def set_group_locked(self, group: str, *, locked: bool) -> None:
        """Let only administrators change the group's name, picture and topic."""

    async def set_group_announce(self, group: str, *, announce: bool) -> None:
        """Let only administrators write."""

    async def set_group_photo(self, group: str, jpeg: bytes) -> str:
        """Set the picture of a group (empty: remove it); its id."""

    async def users(self, jids: list[str]) -> list[UserFacts]:
        """What WhatsApp tells of these people; who is not on WhatsApp is left out."""

    async def registered(self, number: str) -> RegistrationFacts:
        """Whether a phone number (digits) is on WhatsApp."""

    async def picture(self, jid: str, *, preview: bool, community: bool) -> PictureFacts | None:
        """The picture of somebody or of a group; None when there is none, or it is not shown to us."""

    async def set_picture(self, jpeg: bytes) -> None:
        """Set the account's own picture."""

    async def set_push_name(self, name: str) -> None:
        """Set the name that the account shows to others."""

    async def privacy(self) -> PrivacyFacts:
        """The account's privacy settings."""

    async def set_privacy(self, name: str, value: str) -> PrivacyFacts:
        """Change one of them (named as in `PrivacyFacts`); all of them afterwards."""

    async def contacts(self) -> list[ContactFacts]:
        """The session's address book."""

    async def contact(self, jid: str) -> ContactFacts | None:
        """Somebody in it; None when they are not. Asks nobody."""

    async def blocked(self) -> list[tuple[str, str]]:
        """JID (as in `GroupMember`) and LID of whom the account has blocked."""

    async def set_blocked(self, jid: str, *, blocked: bool) -> list[tuple[str, str]]:
        """Block or unblock somebody; whom the account has blocked afterwards."""

    async def identities(self, jid: str) -> tuple[str, str]:
        """The phone JID and the LID of somebody by either, "" where WhatsApp does not tell."""

    async def newsletters(self) -> list[NewsletterFacts]:
        """The newsletters that the account follows or owns."""

    async def newsletter(self, jid: str) -> NewsletterFacts:
        """A newsletter."""

    async def newsletter_of_invite(self, code: str) -> NewsletterFacts:
        """The newsletter that the code of an invite link is for."""

    async def newsletter_posts(self, jid: str, count: int, before: int) -> list[PostFacts]:
        """Posts before the one with this server id (0: the newest), oldest first."""

    async def follow_newsletter(self, jid: str, *, follow: bool) -> None:
        """Follow or unfollow a newsletter."""

    async def mute_newsletter(self, jid: str, *, muted: bool) -> None:
        """Want notice of its posts no more, or again."""

    async def own_jid(self) -> tuple[str, str, str]:
        """The account's phone JID, LID and display name; ("", "", "") when not paired."""
