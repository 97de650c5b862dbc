"""Answers the commands about people, and about the account itself."""

from functools import partial

from wagateway.commands.users import (
    Avatar,
    BlockList,
    BlockUser,
    BusinessProfile,
    CheckUser,
    ContactList,
    GetAvatar,
    GetBlocked,
    GetBusinessProfile,
    GetIdentities,
    GetPrivacy,
    GetUserInfo,
    GroupList,
    Identities,
    ListContacts,
    ListGroups,
    PrivacySettings,
    Registration,
    SetAvatar,
    SetPrivacy,
    SetPushName,
    UnblockUser,
    UserDevice,
    UserInfo,
    UserInfos,
)
from wagateway.contract import Problem
from wagateway.phone import digits, is_group, is_person, is_phone, to_jid
from wagateway.problems import invalid
from workers.contacts import best_name, contact_list
from workers.device import Device
from workers.facts import PrivacyFacts, UserFacts
from workers.groupinfo import group_info
from workers.jids import person_jid
from workers.membership import completed, people_of
from workers.shard.people import find_people, named_people
from workers.unsupported import unsupported

_EVERYBODY_OR_SOME = frozenset({"all", "contacts", "contact_blacklist", "none"})
_PRIVACY = {
    "group_add": _EVERYBODY_OR_SOME,
    "last_seen": _EVERYBODY_OR_SOME,
    "status": _EVERYBODY_OR_SOME,
    "profile": _EVERYBODY_OR_SOME,
    "read_receipts": frozenset({"all", "none"}),
    "online": frozenset({"all", "match_last_seen"}),
    "call_add": frozenset({"all", "known"}),
}
"""What WhatsApp takes for each setting."""


async def get_user_info(device: Device, command: GetUserInfo) -> UserInfos:
    """What WhatsApp tells of somebody."""
    asked = _person(device, command.phone)
    phone, lid = await device.engine.identities(asked)
    found = await device.engine.users([phone or asked])
    if not found:
        raise _nobody(asked)
    facts = found[0]
    devices = [_device(jid) for jid in facts.devices]
    phone = phone or (facts.jid if is_phone(facts.jid) else "")
    name = await _name(device, phone or asked)
    verified = await _verified_name(device, facts, phone)
    info = UserInfo(
        name=name,
        verified_name=verified,
        status=facts.status,
        picture_id=facts.picture_id,
        devices=devices,
    )
    return UserInfos(
        data=[info],
        resolved_phone=phone,
        resolved_lid=lid or facts.lid,
        verified_name=verified,
        status=facts.status,
        picture_id=facts.picture_id,
        devices=devices,
    )


async def _verified_name(device: Device, facts: UserFacts, phone: str) -> str:
    """The name of a business, which neonize drops from what is told of somebody and keeps in a check."""
    if facts.verified_name or not phone:
        return facts.verified_name
    return (await device.engine.registered(digits(phone))).verified_name


async def get_avatar(device: Device, command: GetAvatar) -> Avatar:
    """The picture of somebody or of a group."""
    device.require_login()
    jid = to_jid(command.phone)
    if not (is_person(jid) or is_group(jid)):
        raise invalid("phone", "must be a person or a group")
    picture = await device.engine.picture(jid, preview=command.is_preview, community=command.is_community)
    if picture is None:
        raise Problem(404, "AVATAR_NOT_FOUND", f"{jid} has no picture, or does not show it to this account")
    return Avatar(picture.url, picture.id, picture.type)


async def set_avatar(device: Device, command: SetAvatar) -> None:
    """Set the account's own picture."""
    device.require_login()
    await device.engine.set_picture(await device.attachments.avatar("avatar", command.avatar))


async def set_push_name(device: Device, command: SetPushName) -> None:
    """Set the account's own name."""
    device.require_login()
    name = command.push_name.strip()
    if not name:
        raise invalid("push_name", "must not be blank")
    await device.engine.set_push_name(name)
    device.renamed(name)


async def get_privacy(device: Device, _command: GetPrivacy) -> PrivacySettings:
    """Who may see or do what."""
    device.require_login()
    return _privacy(await device.engine.privacy())


async def set_privacy(device: Device, command: SetPrivacy) -> PrivacySettings:
    """Change who may see or do something."""
    device.require_login()
    if command.value not in (taken := _PRIVACY[command.name]):
        raise invalid("value", f"{command.name} can only be {', '.join(sorted(taken))}")
    return _privacy(await device.engine.set_privacy(command.name, command.value))


async def list_groups(device: Device, _command: ListGroups) -> GroupList:
    """The groups of the account."""
    device.require_login()
    groups = await device.engine.groups()
    jids = {jid for group in groups for member in group.members for jid in (member.jid, member.lid)}
    people = await people_of(device, jids)
    return GroupList(
        [group_info(group, [completed(member, people) for member in group.members]) for group in groups]
    )


async def list_contacts(device: Device, _command: ListContacts) -> ContactList:
    """Whom the session and the shard know."""
    device.require_login()
    facts = await device.engine.contacts()
    jids = {jid for contact in facts for jid in (contact.jid, contact.lid)}
    people = await device.shard.read(partial(find_people, jids=jids))
    return ContactList(contact_list(facts, people, await device.shard.read(named_people)))


async def check_user(device: Device, command: CheckUser) -> Registration:
    """Whether a number is on WhatsApp."""
    asked = _person(device, command.phone)
    phone = asked if is_phone(asked) else (await device.engine.identities(asked))[0]
    if not phone:
        raise Problem(404, "USER_NOT_FOUND", f"WhatsApp does not tell the phone number of {asked}")
    facts = await device.engine.registered(digits(phone))
    if not facts.is_in:
        return Registration(is_on_whatsapp=False, jid="", lid="", verified_name="")
    jid = facts.jid or phone
    lid = facts.lid or (await device.engine.identities(jid))[1]
    return Registration(is_on_whatsapp=True, jid=jid, lid=lid, verified_name=facts.verified_name)


async def get_identities(device: Device, command: GetIdentities) -> Identities:
    """Both JIDs of somebody."""
    asked = _person(device, command.phone)
    phone, lid = await device.engine.identities(asked)
    return Identities(phone or asked, lid) if is_phone(asked) else Identities(phone, lid or asked)


async def get_blocked(device: Device, _command: GetBlocked) -> BlockList:
    """Whom the account has blocked."""
    device.require_login()
    return await _blocked(device, await device.engine.blocked())


async def block_user(device: Device, command: BlockUser) -> BlockList:
    """Block somebody."""
    jid = _person(device, command.phone)
    if jid in (device.jid, device.lid):
        raise invalid("phone", "is this account itself, which cannot be blocked")
    return await _blocked(device, await device.engine.set_blocked(jid, blocked=True))


async def unblock_user(device: Device, command: UnblockUser) -> BlockList:
    """Unblock somebody."""
    jid = _person(device, command.phone)
    return await _blocked(device, await device.engine.set_blocked(jid, blocked=False))


async def get_business_profile(device: Device, command: GetBusinessProfile) -> BusinessProfile:
    """501: the engine has no call for it."""
    _person(device, command.phone)
    raise unsupported("business_profile")


def _person(device: Device, phone: str) -> str:
    device.require_login()
    return person_jid(phone, "phone")


def _nobody(jid: str) -> Problem:
    return Problem(404, "USER_NOT_FOUND", f"{jid} is not on WhatsApp")


async def _name(device: Device, jid: str) -> str:
    """What somebody is called: as the address book has it, else as they call themselves."""
    person = (await people_of(device, [jid]))[jid]
    contact = None if person.jid == device.jid else await device.engine.contact(person.jid)
    if contact is None:
        return person.name
    return contact.full_name or person.name or best_name(contact)


def _device(jid: str) -> UserDevice:
    """A full JID (`user:device@server`) taken apart."""
    name, _, server = jid.partition("@")
    user, _, number = name.partition(":")
    user, _, agent = user.partition(".")
    return UserDevice(
        user=user, agent=int(agent or 0), device=int(number or 0), server=server, ad=bool(number)
    )


def _privacy(facts: PrivacyFacts) -> PrivacySettings:
    return PrivacySettings(**{name: facts.get(name, "") for name in PrivacySettings.__struct_fields__})


async def _blocked(device: Device, blocked: list[tuple[str, str]]) -> BlockList:
    people = await device.shard.read(partial(find_people, jids={jid for jid, _ in blocked}))
    found = [(people[jid].jid, lid or people[jid].lid) for jid, lid in blocked]
    return BlockList([Identities(jid if is_phone(jid) else "", lid) for jid, lid in found])
