"""The engine as the rest of the worker sees it: what it can do, and what it tells."""

from pathlib import Path
from typing import Literal, Protocol

import msgspec

from wagateway.contract import Problem
from wagateway.whatsapp.protos import E2E

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
    is_group: bool


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
    is_group: bool
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


MemberAction = Literal["add", "remove", "promote", "demote"]


class GroupMember(msgspec.Struct, frozen=True):
    """A member of a group: `jid` is the phone JID where known, else the LID; `lid` is "" where not known.

    In the answer to a change, `error` is WhatsApp's code for why it was not made (0: it was), and `invite`
    the code with which somebody can be invited who cannot be added.
    """

    jid: str
    lid: str = ""
    is_admin: bool = False
    is_super_admin: bool = False
    display_name: str = ""
    error: int = 0
    invite: str = ""


class GroupFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A group as WhatsApp tells it; times are Unix seconds, 0 where not told, JIDs as in `GroupMember`."""

    jid: str
    name: str
    owner: str = ""
    owner_lid: str = ""
    name_set_at: int = 0
    name_set_by: str = ""
    topic: str = ""
    topic_id: str = ""
    topic_set_at: int = 0
    topic_set_by: str = ""
    topic_deleted: bool = False
    created_at: int = 0
    participant_version: str = ""
    members: list[GroupMember] = []
    is_locked: bool = False
    is_announce: bool = False
    announce_version: str = ""
    is_ephemeral: bool = False
    timer: int = 0
    is_incognito: bool = False
    is_parent: bool = False
    approval_mode: str = ""
    linked_parent: str = ""
    is_default_sub: bool = False


class JoinRequestFacts(msgspec.Struct, frozen=True):
    """Who asks to join a group, and when (Unix seconds); JIDs as in `GroupMember`."""

    jid: str
    lid: str
    requested_at: int


class UserFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What WhatsApp tells of somebody; `devices` are full JIDs (`628…:3@s.whatsapp.net`)."""

    jid: str
    lid: str = ""
    verified_name: str = ""
    status: str = ""
    picture_id: str = ""
    devices: list[str] = []


class RegistrationFacts(msgspec.Struct, frozen=True):
    """Whether a number is on WhatsApp; the JIDs are "" when not, or not told."""

    is_in: bool
    jid: str = ""
    lid: str = ""
    verified_name: str = ""


class PictureFacts(msgspec.Struct, frozen=True):
    """Where WhatsApp serves a picture."""

    url: str
    id: str
    type: str


class ContactFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody as the session's address book knows them; JIDs as in `GroupMember`."""

    jid: str
    lid: str = ""
    full_name: str = ""
    first_name: str = ""
    push_name: str = ""
    business_name: str = ""


class NewsletterFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A newsletter as WhatsApp tells it, in its own words (lower case); `created_at` is Unix seconds.

    Update times are Unix microseconds. `role` and `mute` are "" where the account is nothing to it.
    """

    jid: str
    state: str
    name: str
    name_id: str = ""
    name_updated: int = 0
    description: str = ""
    description_id: str = ""
    description_updated: int = 0
    invite: str = ""
    created_at: int = 0
    subscribers: int = 0
    verification: str = ""
    picture: PictureFacts | None = None
    picture_path: str = ""
    preview: PictureFacts | None = None
    preview_path: str = ""
    reactions: str = ""
    role: str = ""
    mute: str = ""


class PostFacts(msgspec.Struct, frozen=True):
    """A post of a newsletter; `content` is the serialised `E2E.Message`, empty for a revoked one."""

    server_id: int
    views: int
    reactions: dict[str, int]
    content: bytes


PrivacyFacts = dict[str, str]
"""WhatsApp's word for each of the names in `wagateway.commands.users.PrivacyName`; "" where unknown."""


class EngineEvents(Protocol):
    """What the engine calls, on its own thread; each call returns when what it told is safe."""

    def message(self, message: IncomingMessage) -> None:
        """Returns when the message is committed: only then may the engine go on."""

    def receipt(self, receipt: IncomingReceipt) -> None:
        """Somebody has got, read or played messages."""

    def call(self, call: IncomingCall) -> None:
        """Somebody calls; returns when that is committed."""

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
