"""The calls into neonize about groups, each blocking until WhatsApp answered: for the engine's threads."""

from neonize.proto import Neonize_pb2 as pb  # type: ignore[import-untyped, unused-ignore]

from workers import refusals
from workers.engine import GroupNews
from workers.facts import GroupFacts, GroupMember, JoinRequestFacts, MemberAction
from workers.neonize_calls import Calls, in_c, sized
from workers.neonize_facts import group_facts, group_member, group_news, join_request
from workers.neonize_jids import jid_of, text_of

_NANOSECONDS = 1_000_000_000
_SET_BEFORE = 0  # when a timer was set, which only matters for chats between two


class Groups:
    """What can be asked and changed about groups; all raise `Problem`."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def members(self, group: str) -> list[str]:
        """The JIDs of a group's participants, in the form that the group itself uses."""
        reply = pb.GetGroupInfoReturnFunction.FromString(
            self._calls.ask("GetGroupInfo", *sized(jid_of(group)))
        )
        if reply.Error:
            raise refusals.of_query(reply.Error)
        return [text_of(member.JID) for member in reply.GroupInfo.Participants]

    def one(self, group: str) -> GroupFacts:
        """A group that the account is in."""
        reply = pb.GetGroupInfoReturnFunction.FromString(
            self._calls.ask("GetGroupInfo", *sized(jid_of(group)))
        )
        if reply.Error:
            raise refusals.of_group(reply.Error)
        return group_facts(reply.GroupInfo, self._calls.who)

    def all(self) -> list[GroupFacts]:
        """All groups that the account is in."""
        reply = pb.GetJoinedGroupsReturnFunction.FromString(self._calls.ask("GetJoinedGroups"))
        if reply.Error:
            raise refusals.of_group(reply.Error)
        return [group_facts(each, self._calls.who) for each in reply.Group]

    def news(self) -> list[GroupNews]:
        """Names and timers of all groups that the account is in."""
        reply = pb.GetJoinedGroupsReturnFunction.FromString(self._calls.ask("GetJoinedGroups"))
        if reply.Error:
            raise refusals.of_group(reply.Error)
        # In a community itself, which counts as a group, nobody can write.
        return [group_news(each) for each in reply.Group if not each.GroupParent.IsParent]

    def create(self, name: str, members: list[str]) -> GroupFacts:
        """Create a group; who cannot be added has an `error` among its members."""
        order = pb.ReqCreateGroup(name=name, Participants=[jid_of(each) for each in members], CreateKey="")
        reply = pb.GetGroupInfoReturnFunction.FromString(self._calls.ask("CreateGroup", *sized(order)))
        if reply.Error:
            raise refusals.of_group(reply.Error, change=True)
        return group_facts(reply.GroupInfo, self._calls.who)

    def leave(self, group: str) -> None:
        """Leave a group."""
        self._change("LeaveGroup", group)

    def link(self, group: str, *, reset: bool) -> str:
        """The invite link of a group, made anew with `reset`."""
        raw = self._calls.ask("GetGroupInviteLink", *sized(jid_of(group)), reset)
        reply = pb.GetGroupInviteLinkReturnFunction.FromString(raw)
        if reply.Error:
            raise refusals.of_group(reply.Error, change=reset)
        return str(reply.InviteLink)

    def of_link(self, code: str) -> GroupFacts:
        """The group that the code of an invite link is for."""
        raw = self._calls.ask("GetGroupInfoFromLink", in_c(code))
        reply = pb.GetGroupInfoReturnFunction.FromString(raw)
        if reply.Error:
            raise refusals.of_link(reply.Error)
        return group_facts(reply.GroupInfo, self._calls.who)

    def join(self, code: str) -> str:
        """Join a group by the code of its invite link; its JID."""
        reply = pb.JoinGroupWithLinkReturnFunction.FromString(
            self._calls.ask("JoinGroupWithLink", in_c(code))
        )
        if reply.Error:
            raise refusals.of_link(reply.Error, change=True)
        return text_of(reply.Jid)

    def change_members(self, group: str, action: MemberAction, members: list[str]) -> list[GroupMember]:
        """Change members of a group; what became of each, in WhatsApp's order."""
        meant = pb.JIDArray(JIDS=[jid_of(each) for each in members])
        raw = self._calls.ask(
            "UpdateGroupParticipants", *sized(jid_of(group)), *sized(meant), action.encode()
        )
        reply = pb.UpdateGroupParticipantsReturnFunction.FromString(raw)
        if reply.Error:
            raise refusals.of_group(reply.Error, change=True)
        return [group_member(each, self._calls.who) for each in reply.participants]

    def requests(self, group: str) -> list[JoinRequestFacts]:
        """Who asks to join a group."""
        raw = self._calls.ask("GetGroupRequestParticipants", *sized(jid_of(group)))
        reply = pb.GetGroupRequestParticipantsReturnFunction.FromString(raw)
        if reply.Error:
            raise refusals.of_group(reply.Error)
        return [join_request(each, self._calls.who) for each in reply.Participants]

    def set_name(self, group: str, name: str) -> None:
        """Rename a group."""
        self._change("SetGroupName", group, in_c(name))

    def set_topic(self, group: str, topic: str) -> None:
        """Set the description of a group; "" removes it. whatsmeow asks for the id of the old one itself."""
        self._change("SetGroupTopic", group, b"", b"", in_c(topic))

    def set_locked(self, group: str, *, locked: bool) -> None:
        """Let only administrators change the group's name, picture and topic."""
        self._change("SetGroupLocked", group, locked)

    def set_announce(self, group: str, *, announce: bool) -> None:
        """Let only administrators write."""
        self._change("SetGroupAnnounce", group, announce)

    def set_timer(self, group: str, seconds: int) -> None:
        """Set the disappearing timer of a group."""
        self._change("SetDisappearingTimer", group, seconds * _NANOSECONDS, _SET_BEFORE)

    def set_photo(self, group: str, jpeg: bytes) -> str:
        """Set the picture of a group (empty: remove it); its id."""
        raw = self._calls.ask("SetGroupPhoto", *sized(jid_of(group)), jpeg, len(jpeg))
        reply = pb.SetGroupPhotoReturnFunction.FromString(raw)
        if reply.Error:
            raise refusals.of_picture(reply.Error)
        return str(reply.PictureID)

    def _change(self, name: str, group: str, *arguments: bytes | int) -> None:
        if text := self._calls.ask(name, *sized(jid_of(group)), *arguments):
            raise refusals.of_group(text.decode(), change=True)
