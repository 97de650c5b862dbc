"""Who is in a group, and what became of each change."""

from collections.abc import Iterable

import msgspec

from wagateway.commands.groups import Member, MemberChange, Outcome, Participant
from wagateway.contract import Problem
from wagateway.phone import digits, is_person, is_phone
from workers.device import Device
from workers.facts import GroupMember, MemberAction
from workers.jids import person_jid
from workers.shard.people import Person, find_people

_DONE: dict[MemberAction, str] = {
    "add": "was added to the group",
    "remove": "was removed from the group",
    "promote": "is an administrator now",
    "demote": "is no administrator any more",
}
_WHY_NOT_ADDED = {
    401: "has blocked this account",
    403: "only lets contacts add them; send them the invite link of the group",
    404: "is not on WhatsApp",
    408: "left the group a short while ago and cannot be added yet; send them the invite link of the group",
    409: "is a member already",
    417: "cannot be added to a community; send them the invite link of the group",
    419: "cannot be added: the group is full",
}
_WHY_NOT_CHANGED = {
    403: "cannot be changed by this account",
    404: "is not a member of the group",
    409: "is that already",
    419: "cannot be changed: the group has as many administrators as it may have",
}
_WHY_NOT = {
    400: "is not somebody whom WhatsApp knows",
    405: "cannot be changed in this group",
    406: "may not be changed by this account",
    429: "was refused because of too many changes; try again later",
    500: "was refused by WhatsApp because of a fault of its own",
}
_UNANSWERED = "WhatsApp did not say what became of this participant"


def named_members(participants: list[str]) -> list[str]:
    """The JIDs of the people that a command names, in their order; raises 400 that says which is none."""
    return [person_jid(text, f"participants[{place}]") for place, text in enumerate(participants)]


async def asked_members(device: Device, participants: list[str]) -> list[str]:
    """The JIDs that a command names, each person once, as named first; raises 400 that says which is none."""
    named = list(dict.fromkeys(named_members(participants)))
    people = await people_of(device, named)
    persons: dict[str, str] = {}
    for jid in named:
        person = people[jid].jid
        if not is_phone(person) and any(map(is_phone, named)):  # only then can it be one of the others
            person = await _phone_of(device, person)
        persons.setdefault(person, jid)
    return list(persons.values())


async def people_of(device: Device, jids: Iterable[str]) -> dict[str, Person]:
    """Who each of these is, as the shard knows; the account itself as it calls itself."""
    asked = set(jids)
    people = await device.shard.read(lambda connection: find_people(connection, asked))
    for own in {device.jid, device.lid} & people.keys():
        stored = people[own]
        people[own] = Person(device.jid, device.lid or stored.lid, device.display_name or stored.name)
    return people


async def known(device: Device, members: Iterable[GroupMember]) -> list[GroupMember]:
    """The members with what the device knows of them beside what WhatsApp told."""
    given = list(members)
    jids = {member.jid for member in given} | {member.lid for member in given}
    people = await people_of(device, jids)
    return [completed(member, people) for member in given]


def completed(member: GroupMember, people: dict[str, Person]) -> GroupMember:
    """The member with what is known of them beside what WhatsApp told."""
    person = people.get(member.jid)
    if person is None:
        return member
    other = people.get(member.lid)
    return msgspec.structs.replace(
        member,
        jid=person.jid,
        lid=member.lid or person.lid,
        display_name=member.display_name or person.name or (other.name if other else ""),
    )


async def changes(
    device: Device, action: MemberAction, asked: list[str], answered: list[GroupMember]
) -> list[MemberChange]:
    """What became of each that was asked for, in that order, told by what WhatsApp answered.

    Whom WhatsApp does not answer about is an error: that is no success.
    """
    by_jid: dict[str, GroupMember] = {}
    for member in [*answered, *await known(device, answered)]:
        by_jid |= {jid: member for jid in (member.jid, member.lid) if jid}
    people = await people_of(device, asked)
    outcomes = []
    for jid in asked:
        names = [jid, people[jid].jid, people[jid].lid]
        if not any(name in by_jid for name in names) and len(by_jid):
            names += await device.engine.identities(jid)
        found = next((by_jid[name] for name in names if name in by_jid), None)
        names += [found.jid, found.lid] if found else []
        outcomes.append(
            MemberChange(
                jid,
                *_outcome(action, jid, found),
                jid=next(filter(is_phone, names), ""),
                lid=next((name for name in names if is_person(name) and not is_phone(name)), ""),
            )
        )
    return outcomes


def _outcome(action: MemberAction, jid: str, found: GroupMember | None) -> tuple[Outcome, str, int]:
    if found is None:
        return "error", _UNANSWERED, 0
    if found.error == 0:
        return "success", f"{jid} {_DONE[action]}", 0
    special = _WHY_NOT_ADDED if action == "add" else _WHY_NOT_CHANGED
    why = special.get(found.error) or _WHY_NOT.get(found.error) or "was refused by WhatsApp"
    return "error", f"{jid} {why} (error {found.error})", found.error


async def _phone_of(device: Device, lid: str) -> str:
    """The phone JID of a LID, or the LID again where nobody tells."""
    try:
        phone, _ = await device.engine.identities(lid)
    except Problem:  # then WhatsApp counts who was named twice
        return lid
    return phone or lid


def participant(member: GroupMember) -> Participant:
    """A member under the real server's names."""
    return Participant(
        jid=member.jid,
        phone_number=member.jid if is_phone(member.jid) else "",
        lid=member.lid,
        is_admin=member.is_admin or member.is_super_admin,
        is_super_admin=member.is_super_admin,
        display_name=member.display_name,
        error=member.error,
    )


def listed(member: GroupMember) -> Member:
    """A member as a list of members has it."""
    return Member(
        jid=member.jid,
        phone_number=digits(member.jid),
        lid=member.lid,
        display_name=member.display_name,
        is_admin=member.is_admin or member.is_super_admin,
        is_super_admin=member.is_super_admin,
    )
