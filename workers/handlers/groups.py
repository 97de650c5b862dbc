"""Answers the commands about groups."""

from functools import partial

from wagateway.commands.groups import (
    AddMembers,
    ApproveJoinRequests,
    ChangeMembers,
    CreatedGroup,
    CreateGroup,
    DemoteMembers,
    ExportMembers,
    GetGroup,
    GetGroupLink,
    GetGroupOfLink,
    GroupInfo,
    GroupLink,
    GroupPhoto,
    JoinedGroup,
    JoinGroup,
    JoinRequest,
    LeaveGroup,
    LinkedGroup,
    ListJoinRequests,
    ListMembers,
    MemberChange,
    MemberList,
    MemberTable,
    PromoteMembers,
    RejectJoinRequests,
    RemoveMembers,
    SetGroupAnnounce,
    SetGroupLocked,
    SetGroupName,
    SetGroupPhoto,
    SetGroupTopic,
)
from wagateway.contract import Problem
from wagateway.events import rfc3339
from wagateway.phone import digits
from wagateway.problems import device_unavailable, invalid
from workers.device import Device
from workers.engine import GroupNews
from workers.facts import GroupFacts, JoinRequestFacts, MemberAction
from workers.groupinfo import group_info, linked_group
from workers.jids import group_code, group_jid
from workers.membership import asked_members, changes, known, listed, named_members
from workers.membertable import table
from workers.shard.groups import keep_groups
from workers.shard.people import Person, find_people
from workers.unsupported import unsupported


async def create_group(device: Device, command: CreateGroup) -> CreatedGroup:
    """Create a group; whom WhatsApp does not let in is told beside it."""
    device.require_login()
    title = _name(command.title, "title")
    asked = await asked_members(device, command.participants)
    group = await device.engine.create_group(title, asked)
    await _keep(device, group)
    return CreatedGroup(group.jid, await changes(device, "add", asked, group.members))


async def join_group(device: Device, command: JoinGroup) -> JoinedGroup:
    """Join by invite link; the engine's answer is the same where that is only asked for."""
    device.require_login()
    jid = await device.engine.join_group(group_code(command.link, "link"))
    try:
        group = await device.engine.group(jid)
    except Problem as problem:
        if problem.code != "WHATSAPP_FORBIDDEN":
            raise device_unavailable(
                "WhatsApp took the link; whether this account is in the group now, or waits for an "
                "administrator, is not known",
                retry_after=5,
            ) from None
        return JoinedGroup(jid, "requested")
    await _keep(device, group)
    return JoinedGroup(jid, "joined")


async def get_group_of_link(device: Device, command: GetGroupOfLink) -> LinkedGroup:
    """What an invite link says of its group."""
    device.require_login()
    return linked_group(await device.engine.group_of_link(group_code(command.link, "link")))


async def get_group(device: Device, command: GetGroup) -> GroupInfo:
    """A group of the account."""
    group = await device.engine.group(_group(device, command.group_id))
    await _keep(device, group)
    return group_info(group, await known(device, group.members))


async def leave_group(device: Device, command: LeaveGroup) -> None:
    """Leave it."""
    await device.engine.leave_group(_group(device, command.group_id))


async def list_members(device: Device, command: ListMembers) -> MemberList:
    """Who is in it."""
    return await _members(device, command.group_id)


async def export_members(device: Device, command: ExportMembers) -> MemberTable:
    """Who is in it, as CSV."""
    members = await _members(device, command.group_id)
    name = members.group_id.replace("@", "_")
    return MemberTable(f"group-{name}-participants.csv", table(members.participants))


async def add_members(device: Device, command: AddMembers) -> list[MemberChange]:
    """Add people."""
    return await _change(device, command, "add")


async def remove_members(device: Device, command: RemoveMembers) -> list[MemberChange]:
    """Remove members."""
    return await _change(device, command, "remove")


async def promote_members(device: Device, command: PromoteMembers) -> list[MemberChange]:
    """Make administrators."""
    return await _change(device, command, "promote")


async def demote_members(device: Device, command: DemoteMembers) -> list[MemberChange]:
    """Make administrators members."""
    return await _change(device, command, "demote")


async def list_join_requests(device: Device, command: ListJoinRequests) -> list[JoinRequest]:
    """Who asks to join."""
    requests = await device.engine.join_requests(_group(device, command.group_id))
    jids = {request.jid for request in requests}
    people = await device.shard.read(partial(find_people, jids=jids))
    return [_request(request, people[request.jid]) for request in requests]


async def approve_join_requests(device: Device, command: ApproveJoinRequests) -> list[MemberChange]:
    """501: the engine has no call for it."""
    return _answer_requests(device, command)


async def reject_join_requests(device: Device, command: RejectJoinRequests) -> list[MemberChange]:
    """501: the engine has no call for it."""
    return _answer_requests(device, command)


async def set_group_photo(device: Device, command: SetGroupPhoto) -> GroupPhoto:
    """Set the picture, or remove it."""
    group = _group(device, command.group_id)
    if command.photo is None:
        await device.engine.set_group_photo(group, b"")
        return GroupPhoto("", "Success remove group photo")
    try:
        jpeg = await device.attachments.avatar("photo", command.photo)
    except Problem as problem:
        if problem.code != "VALIDATION_ERROR":
            raise
        raise Problem(400, "INVALID_IMAGE_FORMAT", problem.message) from None
    return GroupPhoto(await device.engine.set_group_photo(group, jpeg), "Success update group photo")


async def set_group_name(device: Device, command: SetGroupName) -> None:
    """Rename it."""
    await device.engine.set_group_name(_group(device, command.group_id), _name(command.name, "name"))


async def set_group_locked(device: Device, command: SetGroupLocked) -> None:
    """Who may change what it looks like."""
    await device.engine.set_group_locked(_group(device, command.group_id), locked=command.locked)


async def set_group_announce(device: Device, command: SetGroupAnnounce) -> None:
    """Who may write."""
    await device.engine.set_group_announce(_group(device, command.group_id), announce=command.announce)


async def set_group_topic(device: Device, command: SetGroupTopic) -> None:
    """Describe it."""
    topic = command.topic if command.topic.strip() else ""
    await device.engine.set_group_topic(_group(device, command.group_id), topic)


async def get_group_link(device: Device, command: GetGroupLink) -> GroupLink:
    """Its invite link."""
    group = _group(device, command.group_id)
    return GroupLink(await device.engine.group_link(group, reset=command.reset), group)


def _group(device: Device, group_id: str) -> str:
    device.require_login()
    return group_jid(group_id, "group_id")


async def _keep(device: Device, group: GroupFacts) -> None:
    if not group.is_parent:  # in a community itself nobody can write
        news = GroupNews(group.jid, group.name, group.timer)
        await device.outbox.keep(partial(keep_groups, told=[news]))


def _name(text: str, field: str) -> str:
    if not text.strip():
        raise invalid(field, "must not be blank")
    return text.strip()


async def _members(device: Device, group_id: str) -> MemberList:
    group = await device.engine.group(_group(device, group_id))
    members = await known(device, group.members)
    return MemberList(group.jid, group.name, [listed(member) for member in members])


async def _change(device: Device, command: ChangeMembers, action: MemberAction) -> list[MemberChange]:
    group = _group(device, command.group_id)
    asked = await asked_members(device, command.participants)
    answered = await device.engine.change_members(group, action, asked)
    return await changes(device, action, asked, answered)


def _answer_requests(device: Device, command: ChangeMembers) -> list[MemberChange]:
    _group(device, command.group_id)
    named_members(command.participants)
    raise unsupported("join_request_answers")


def _request(request: JoinRequestFacts, person: Person) -> JoinRequest:
    return JoinRequest(
        jid=person.jid,
        phone_number=digits(person.jid),
        lid=request.lid or person.lid,
        display_name=person.name,
        requested_at=rfc3339(request.requested_at * 1000),
    )
