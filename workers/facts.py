"""What WhatsApp tells of groups, people and newsletters, in the engine's own words."""

from typing import Literal

import msgspec

MemberAction = Literal["add", "remove", "promote", "demote"]


class GroupMember(msgspec.Struct, frozen=True):
    """A member of a group: `jid` is the phone JID where known, else the LID; `lid` is "" where not known.

    In the answer to a change, `error` is WhatsApp's code for why it was not made (0: it was).
    """

    jid: str
    lid: str = ""
    is_admin: bool = False
    is_super_admin: bool = False
    display_name: str = ""
    error: int = 0


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
