"""Who is in a group: adding and removing, roles, joining by link, and those who wait to be let in."""

import secrets

import msgspec

from wagateway.sandbox import groups, privacy
from wagateway.sandbox.network import Network, now
from wagateway.sandbox.refusals import Refusal
from wagateway.sandbox.state import Account, Group, Invitation
from wagateway.whatsapp.stanza import Jid, Node

_INVITATION_SECONDS = 3 * 86_400


class Outcome(msgspec.Struct, frozen=True):
    """What became of one participant: `error` is 0 or WhatsApp's code.

    `invitation` is the code that lets in somebody who may not be added.
    """

    jid: Jid
    account: Account | None = None
    error: int = 0
    invitation: str = ""


def create(network: Network, creator: Account, group: Group, wanted: list[Jid]) -> list[Outcome]:
    """Make a drafted group one that is there, with those of `wanted` who can be added."""
    group.members[creator.number] = "superadmin"
    others = [jid for jid in wanted if network.account(jid) is not creator]
    outcomes = [_admit(network, creator, group, jid) for jid in others]
    group.members |= {each.account.number: "" for each in outcomes if each.account and not each.error}
    network.save_group(group)
    attrs = {"type": "new", "key": secrets.token_hex(8)}
    content = Node("create", {**attrs}, [groups.describe(network, group)])
    groups.tell(network, creator, group, content, group.members)
    return outcomes


def _admit(network: Network, adder: Account, group: Group, jid: Jid) -> Outcome:
    account = network.account(jid)
    if account is None:
        return Outcome(jid, error=404)
    if account.number in group.members:
        return Outcome(jid, account, 409)
    if privacy.blocks(account, adder):
        return Outcome(jid, account, 401)
    if privacy.allows(account, "groupadd", adder):
        return Outcome(jid, account)
    code = secrets.token_urlsafe(12)
    group.invitations[code] = Invitation(account.number, now() + _INVITATION_SECONDS)
    return Outcome(jid, account, 403, code)


def change(network: Network, actor: Account, group: Group, action: str, wanted: list[Jid]) -> list[Outcome]:
    """`add`, `remove`, `promote` or `demote`; each participant succeeds or fails alone."""
    if action == "add" and not group.admins_add:
        groups.need_member(group, actor)
    else:
        groups.need_admin(group, actor)
    if action == "add":
        outcomes = [_admit(network, actor, group, jid) for jid in wanted]
        _let_in(network, actor, group, _succeeded(outcomes))
        return outcomes
    outcomes = [_touch(network, group, action, jid) for jid in wanted]
    done = _succeeded(outcomes)
    if done:
        removed = [account.number for account in done] if action == "remove" else []
        groups.changed(network, actor, group, _about(group, action, done))
        groups.tell(network, actor, group, _about(group, action, done), removed)
    return outcomes


def _succeeded(outcomes: list[Outcome]) -> list[Account]:
    return [each.account for each in outcomes if each.account is not None and not each.error]


def _touch(network: Network, group: Group, action: str, jid: Jid) -> Outcome:
    account = network.account(jid)
    if account is None or account.number not in group.members:
        return Outcome(jid, account, 404)
    role = group.members[account.number]
    if action == "promote":
        if role:
            return Outcome(jid, account, 409)
        group.members[account.number] = "admin"
    elif role == "superadmin" or (action == "demote" and not role):
        return Outcome(jid, account, 406)
    elif action == "demote":
        group.members[account.number] = ""
    else:
        del group.members[account.number]
    return Outcome(jid, account)


def _about(group: Group, action: str, accounts: list[Account], reason: str = "") -> Node:
    attrs = {"v_id": str(group.version + 1), "prev_v_id": str(group.version), "reason": reason}
    return Node(action, {**attrs}, [Node("participant", groups.participant(each)) for each in accounts])


def _let_in(network: Network, actor: Account, group: Group, new: list[Account], reason: str = "") -> None:
    """Who is new hears of the whole group, the others of who is new."""
    for account in new:
        group.requests.pop(account.number, None)
    if not new:
        network.save_group(group)
        return
    groups.changed(network, actor, group, _about(group, "add", new, reason))
    group.members |= {account.number: "" for account in new}
    network.save_group(group)
    content = Node("create", {"reason": reason}, [groups.describe(network, group)])
    groups.tell(network, actor, group, content, [account.number for account in new])


def leave(network: Network, account: Account, group: Group) -> None:
    """Take oneself out; a group whose last administrator leaves gets its oldest member for one."""
    groups.need_member(group, account)
    del group.members[account.number]
    content = _about(group, "remove", [account])
    groups.changed(network, account, group, content)
    groups.tell(network, account, group, content, [account.number])
    if group.members and not group.admins:
        heir = network.accounts[next(iter(group.members))]
        group.members[heir.number] = "admin"
        groups.changed(network, account, group, _about(group, "promote", [heir]))


def join(network: Network, account: Account, code: str) -> tuple[Group, bool]:
    """Come in by the code of a link; whether one must wait to be let in instead."""
    group = groups.invited_to(network, code)
    if account.number in group.members:
        raise Refusal(409)
    if not group.approval:
        _let_in(network, account, group, [account], "invite")
        return group, False
    group.requests.setdefault(account.number, now())
    network.save_group(group)
    requested = Node("requested_user", groups.participant(account))
    content = Node("created_membership_requests", {"request_method": "invite_link"}, [requested])
    groups.tell(network, account, group, content, group.admins)
    return group, True


def accept(network: Network, account: Account, group: Group, code: str) -> None:
    """Come in by the code of an invitation that was sent to the account alone."""
    invited(group, account, code)
    if account.number in group.members:
        raise Refusal(409)
    del group.invitations[code]
    _let_in(network, account, group, [account], "invite")


def invited(group: Group, account: Account, code: str) -> None:
    """Refuse who has no such invitation: 406 when there is none, 410 when it has ended."""
    invitation = group.invitations.get(code)
    if invitation is None or invitation.number != account.number:
        raise Refusal(406)
    if invitation.expiration < now():
        raise Refusal(410)


def decide(network: Network, actor: Account, group: Group, action: str, wanted: list[Jid]) -> list[Outcome]:
    """`approve` or `reject` those who wait to be let in."""
    groups.need_admin(group, actor)
    outcomes = [_waits(network, group, jid) for jid in wanted]
    done = _succeeded(outcomes)
    if action == "approve":
        _let_in(network, actor, group, done)
    elif done:
        for account in done:
            del group.requests[account.number]
        network.save_group(group)
        people = [Node("participant", groups.participant(each)) for each in done]
        groups.tell(network, actor, group, Node("revoked_membership_requests", {}, people), group.admins)
    return outcomes


def _waits(network: Network, group: Group, jid: Jid) -> Outcome:
    account = network.account(jid)
    waits = account is not None and account.number in group.requests
    return Outcome(jid, account, 0 if waits else 404)
