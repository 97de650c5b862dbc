"""Commands about groups."""

from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from wagateway.contract import Command, Route, Upload
from wagateway.phone import Phone

MAX_PICTURE = 20_000_000
"""Bytes of an uploaded picture of a group or account, before it is made small."""

Members = Annotated[list[Phone], Meta(min_length=1, max_length=1024)]
Picture = Annotated[Upload, Meta(extra={"most": MAX_PICTURE})]
InviteLink = Annotated[
    str, Meta(min_length=1, max_length=512, description="https://chat.whatsapp.com/… or the code in it")
]
Outcome = Literal["success", "error"]


class Participant(msgspec.Struct, frozen=True, rename="pascal"):
    """A member of a group, under the real server's names; JIDs are phone JIDs where known.

    `Error` is 0, or in the answer to a change WhatsApp's code for why it was not made.
    """

    jid: str = msgspec.field(name="JID")
    phone_number: str
    lid: str = msgspec.field(name="LID")
    is_admin: bool
    is_super_admin: bool
    display_name: str
    error: int


class GroupInfo(msgspec.Struct, frozen=True, rename="pascal"):
    """A group, under the real server's names; times are RFC 3339 UTC.

    What neonize does not tell is null. It rounds `GroupCreated` to about a minute.
    """

    jid: str = msgspec.field(name="JID")
    owner_jid: str = msgspec.field(name="OwnerJID")
    owner_pn: str = msgspec.field(name="OwnerPN")
    name: str
    name_set_at: str
    name_set_by: str
    topic: str
    topic_id: str = msgspec.field(name="TopicID")
    topic_set_at: str
    topic_set_by: str
    topic_deleted: bool
    group_created: str
    participant_version_id: str = msgspec.field(name="ParticipantVersionID")
    participant_count: int
    participants: list[Participant]
    is_locked: bool
    is_announce: bool
    announce_version_id: str = msgspec.field(name="AnnounceVersionID")
    is_ephemeral: bool
    disappearing_timer: int
    is_incognito: bool
    is_parent: bool
    default_membership_approval_mode: str
    linked_parent_jid: str = msgspec.field(name="LinkedParentJID")
    is_default_sub_group: bool
    name_set_by_pn: str | None = msgspec.field(name="NameSetByPN", default=None)
    topic_set_by_pn: str | None = msgspec.field(name="TopicSetByPN", default=None)
    creator_country_code: str | None = None
    member_add_mode: str | None = None
    suspended: bool | None = None
    addressing_mode: str | None = None
    is_join_approval_required: bool | None = None


class JoinedGroup(msgspec.Struct, frozen=True):
    """Which group, and whether the account is in it now, or has to wait until an administrator lets it in."""

    group_id: str
    status: Literal["joined", "requested"]


class MemberChange(msgspec.Struct, frozen=True):
    """What became of one participant; `error` is 0, or WhatsApp's code (409: is a member already …).

    `participant` is the JID that was asked for; `jid` the phone JID and `lid` the LID, "" where not known.
    """

    participant: str
    status: Outcome
    message: str
    error: int = 0
    jid: str = ""
    lid: str = ""


class CreatedGroup(msgspec.Struct, frozen=True):
    """The new group, and what became of each participant, in the order asked."""

    group_id: str
    participants: list[MemberChange]


class CreateGroup(Command[CreatedGroup], frozen=True, kw_only=True):
    """Create a group; WhatsApp may leave out who does not let this account add them."""

    routes: ClassVar = (Route("POST", "/group"),)
    title: Annotated[str, Meta(min_length=1, max_length=100)]
    participants: Members

    def sentence(self, reply: CreatedGroup) -> str:
        """The sentence of the real server, which names the group."""
        return f"Success created group with id {reply.group_id}"


class JoinGroup(Command[JoinedGroup], frozen=True, kw_only=True):
    """Join a group by its invite link, or ask to join where administrators let people in."""

    routes: ClassVar = (Route("POST", "/group/join-with-link"),)
    link: InviteLink

    def sentence(self, reply: JoinedGroup) -> str:
        """Whether the account is in the group."""
        return "Success joined group" if reply.status == "joined" else "Join request sent"


class LinkedGroup(msgspec.Struct, frozen=True):
    """What a link says of its group; `description` repeats `topic`."""

    group_id: str
    name: str
    topic: str
    created_at: str
    participant_count: int
    is_locked: bool
    is_announce: bool
    is_ephemeral: bool
    description: str


class GetGroupOfLink(Command[LinkedGroup], frozen=True, kw_only=True):
    """Look at a group through its invite link, without joining."""

    routes: ClassVar = (Route("GET", "/group/info-from-link"),)
    done: ClassVar = "Success get group info from link"
    link: InviteLink


class GetGroup(Command[GroupInfo], frozen=True, kw_only=True):
    """Get a group that the account is in."""

    routes: ClassVar = (Route("GET", "/group/info"),)
    done: ClassVar = "Success get group info"
    group_id: Phone


class LeaveGroup(Command[None], frozen=True, kw_only=True):
    """Leave a group."""

    routes: ClassVar = (Route("POST", "/group/leave"),)
    done: ClassVar = "Success leave group"
    group_id: Phone


class Member(msgspec.Struct, frozen=True):
    """A member of a group; `phone_number` is digits, "" where only the LID is known."""

    jid: str
    phone_number: str
    lid: str
    display_name: str
    is_admin: bool
    is_super_admin: bool


class MemberList(msgspec.Struct, frozen=True):
    """The members of a group."""

    group_id: str
    name: str
    participants: list[Member]


class ListMembers(Command[MemberList], frozen=True, kw_only=True):
    """List the members of a group."""

    routes: ClassVar = (Route("GET", "/group/participants"),)
    done: ClassVar = "Success getting group participants"
    group_id: Phone


class MemberTable(msgspec.Struct, frozen=True):
    """The members of a group as CSV, which the front serves as a file of this name."""

    filename: str
    csv: str


class ExportMembers(Command[MemberTable], frozen=True, kw_only=True):
    """Export the members of a group as a CSV file, in which no cell is a formula."""

    routes: ClassVar = (Route("GET", "/group/participants/export"),)
    done: ClassVar = "Success export group participants"
    group_id: Phone


class ChangeMembers(Command[list[MemberChange]], frozen=True, kw_only=True):
    """What every change of members shares: one outcome per person, in the order asked."""

    group_id: Phone
    participants: Members


class AddMembers(ChangeMembers, frozen=True, kw_only=True):
    """Add members."""

    routes: ClassVar = (Route("POST", "/group/participants"),)
    done: ClassVar = "Success add participants"


class RemoveMembers(ChangeMembers, frozen=True, kw_only=True):
    """Remove members."""

    routes: ClassVar = (Route("POST", "/group/participants/remove"),)
    done: ClassVar = "Success delete participants"


class PromoteMembers(ChangeMembers, frozen=True, kw_only=True):
    """Make members administrators."""

    routes: ClassVar = (Route("POST", "/group/participants/promote"),)
    done: ClassVar = "Success promote participants"


class DemoteMembers(ChangeMembers, frozen=True, kw_only=True):
    """Make administrators members."""

    routes: ClassVar = (Route("POST", "/group/participants/demote"),)
    done: ClassVar = "Success demote participants"


class JoinRequest(msgspec.Struct, frozen=True):
    """Somebody who asks to join; `requested_at` is RFC 3339 UTC."""

    jid: str
    phone_number: str
    lid: str
    display_name: str
    requested_at: str


class ListJoinRequests(Command[list[JoinRequest]], frozen=True, kw_only=True):
    """List who asks to join a group."""

    routes: ClassVar = (Route("GET", "/group/participant-requests"),)
    done: ClassVar = "Success getting list requested participants"
    group_id: Phone


class ApproveJoinRequests(ChangeMembers, frozen=True, kw_only=True):
    """Let in who asks to join.

    neonize cannot do it: it is answered with 501 `ENGINE_UNSUPPORTED`.
    """

    routes: ClassVar = (Route("POST", "/group/participant-requests/approve"),)
    done: ClassVar = "Success approve requested participants"


class RejectJoinRequests(ChangeMembers, frozen=True, kw_only=True):
    """Turn away who asks to join.

    neonize cannot do it: it is answered with 501 `ENGINE_UNSUPPORTED`.
    """

    routes: ClassVar = (Route("POST", "/group/participant-requests/reject"),)
    done: ClassVar = "Success reject requested participants"


class GroupPhoto(msgspec.Struct, frozen=True):
    """The new picture; `message` repeats the envelope's sentence."""

    picture_id: str
    message: str


class SetGroupPhoto(Command[GroupPhoto], frozen=True, kw_only=True):
    """Set the picture of a group, uploaded as `photo` (JPEG, PNG, WebP); without one it is removed."""

    routes: ClassVar = (Route("POST", "/group/photo"),)
    group_id: Phone
    photo: Picture | None = None

    def sentence(self, reply: GroupPhoto) -> str:
        """Whether it was set or removed."""
        return reply.message


class SetGroupName(Command[None], frozen=True, kw_only=True):
    """Rename a group."""

    routes: ClassVar = (Route("POST", "/group/name"),)
    group_id: Phone
    name: Annotated[str, Meta(min_length=1, max_length=100)]

    def sentence(self, reply: None) -> str:
        """The sentence of the real server, which repeats the name."""
        return f"Success update group name to '{self.name}'"


class SetGroupLocked(Command[None], frozen=True, kw_only=True):
    """Let only administrators change name, picture and topic, or everybody."""

    routes: ClassVar = (Route("POST", "/group/locked"),)
    group_id: Phone
    locked: bool

    def sentence(self, reply: None) -> str:
        """What was set."""
        return f"Success set group as {'locked' if self.locked else 'unlocked'}"


class SetGroupAnnounce(Command[None], frozen=True, kw_only=True):
    """Let only administrators write, or everybody."""

    routes: ClassVar = (Route("POST", "/group/announce"),)
    group_id: Phone
    announce: bool

    def sentence(self, reply: None) -> str:
        """What was set."""
        return f"Success {'enable' if self.announce else 'disable'} announce mode"


class SetGroupTopic(Command[None], frozen=True, kw_only=True):
    """Set the description of a group; "", or nothing but blanks, removes it."""

    routes: ClassVar = (Route("POST", "/group/topic"),)
    group_id: Phone
    topic: Annotated[str, Meta(max_length=2048)] = ""

    def sentence(self, reply: None) -> str:
        """What was set."""
        return f"Success {'update' if self.topic.strip() else 'remove'} group topic"


class GroupLink(msgspec.Struct, frozen=True):
    """The invite link of a group."""

    invite_link: str
    group_id: str


class GetGroupLink(Command[GroupLink], frozen=True, kw_only=True):
    """Get the invite link of a group; `reset` makes a new one, and the old one invalid."""

    routes: ClassVar = (Route("GET", "/group/invite-link"),)
    done: ClassVar = "Success get group invite link"
    group_id: Phone
    reset: bool = False
