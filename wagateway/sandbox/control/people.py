"""Handlers of the commands about what phones show of themselves, whom they block, and groups."""

from wagateway.commands import sandbox as commands
from wagateway.contract import Problem
from wagateway.phone import to_jid
from wagateway.sandbox import groups, membership, people, pictures, privacy
from wagateway.sandbox.control import refused
from wagateway.sandbox.state import GROUP, USER, Account, Group
from wagateway.sandbox.world import World
from wagateway.whatsapp.stanza import Jid


async def show_profile(world: World, command: commands.ShowProfile) -> commands.PhoneProfile:
    """What WhatsApp knows of an account."""
    return _profile(world, world.phone(command.phone).account)


def _profile(world: World, account: Account) -> commands.PhoneProfile:
    return commands.PhoneProfile(
        account.name,
        account.about,
        account.picture,
        account.business,
        privacy.settings(account),
        _jids(world, account.blocked),
    )


def _jids(world: World, numbers: list[str]) -> list[str]:
    return [str(world.network.accounts[number].jid(USER)) for number in numbers]


async def set_profile(world: World, command: commands.SetProfile) -> commands.PhoneProfile:
    """Change what the account shows."""
    network, phone = world.network, world.phone(command.phone)
    blocked = {each: world.phone(each, "block").account for each in command.block}
    unblocked = {each: world.phone(each, "unblock").account for each in command.unblock}
    with refused():
        if command.privacy:
            privacy.change(network, phone.me, command.privacy)
        if command.picture is not None:
            pictures.set_own(network, world.media, phone.me, command.picture)
    if command.about is not None:
        people.set_about(network, phone.account, command.about)
    if command.business is not None:
        phone.account.business = command.business
        network.save(phone.account)
    for other in blocked.values():
        privacy.block(network, phone.me, other, blocked=True)
    for other in unblocked.values():
        privacy.block(network, phone.me, other, blocked=False)
    return _profile(world, phone.account)


def _group(world: World, text: str) -> Group:
    jid = Jid.parse(to_jid(text, "group"))
    group = world.network.groups.get(jid.user) if jid.server == GROUP else None
    if group is None:
        raise Problem(404, "GROUP_NOT_FOUND", "group: there is no such group in the sandbox")
    return group


async def show_group(world: World, command: commands.ShowGroup) -> commands.GroupFacts:
    """A group as WhatsApp has it."""
    return _facts(world, _group(world, command.group))


def _facts(world: World, group: Group) -> commands.GroupFacts:
    roles = [role or "member" for role in group.members.values()]
    return commands.GroupFacts(
        str(group.jid),
        group.subject,
        group.topic,
        group.locked,
        group.announce,
        group.approval,
        group.ephemeral,
        dict(zip(_jids(world, list(group.members)), roles, strict=True)),
        group.invite,
        group.picture,
        _jids(world, list(group.requests)),
    )


async def phone_set_group(world: World, command: commands.PhoneSetGroup) -> commands.GroupFacts:
    """Change a group."""
    group, account = _group(world, command.group), world.phone(command.phone).account
    with refused():
        _set_group(world, account, group, command)
    return _facts(world, group)


def _set_group(world: World, account: Account, group: Group, command: commands.PhoneSetGroup) -> None:
    network = world.network
    if command.subject is not None:
        groups.rename(network, account, group, command.subject)
    if command.topic is not None:
        groups.set_topic(network, account, group, command.topic, "", group.topic_id)
    if command.locked is not None:
        groups.switch(network, account, group, "locked" if command.locked else "unlocked")
    if command.announce is not None:
        groups.switch(network, account, group, "announcement" if command.announce else "not_announcement")
    if command.approval is not None:
        groups.set_approval(network, account, group, needed=command.approval)
    if command.ephemeral is not None:
        groups.set_timer(network, account, group, command.ephemeral)
    if command.picture is not None:
        pictures.set_of_group(network, world.media, account, group, command.picture)
    if command.reset:
        groups.reset_invite(network, account, group)


async def phone_set_members(world: World, command: commands.PhoneSetMembers) -> list[commands.MemberOutcome]:
    """Change who is in a group."""
    group, account = _group(world, command.group), world.phone(command.phone).account
    wanted = [Jid.parse(to_jid(member, "members")) for member in command.members]
    act = membership.decide if command.action in ("approve", "reject") else membership.change
    with refused():
        outcomes = act(world.network, account, group, command.action, wanted)
    return [commands.MemberOutcome(str(each.jid), each.error) for each in outcomes]


async def phone_join_group(world: World, command: commands.PhoneJoinGroup) -> commands.GroupFacts:
    """Come in by the link."""
    code = command.invite.rpartition("/")[2]
    with refused():
        group, _ = membership.join(world.network, world.phone(command.phone).account, code)
    return _facts(world, group)


async def phone_leave_group(world: World, command: commands.PhoneLeaveGroup) -> commands.Done:
    """Go."""
    group, account = _group(world, command.group), world.phone(command.phone).account
    with refused():
        membership.leave(world.network, account, group)
    return commands.Done(1)
