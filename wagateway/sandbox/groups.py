"""Groups: how devices see them, who may change what in them, and telling everybody what changed."""

import secrets
import string
from collections.abc import Iterable

from wagateway.sandbox.network import Network, now
from wagateway.sandbox.refusals import Refusal
from wagateway.sandbox.state import LID, USER, Account, Endpoint, Group
from wagateway.whatsapp.stanza import Jid, Node

Attrs = dict[str, str | Jid]

MAX_SUBJECT = 100
MAX_TOPIC = 2048
TIMERS = (0, 86_400, 604_800, 7_776_000)
"""After how many seconds messages may disappear; WhatsApp takes no others."""

_SWITCHES = {
    "locked": ("locked", True),
    "unlocked": ("locked", False),
    "announcement": ("announce", True),
    "not_announcement": ("announce", False),
}
_CODE_LETTERS = string.ascii_letters + string.digits
_CODE_SIZE = 22


def draft(creator: Account, subject: str) -> Group:
    """A group that nobody is in yet and that is not kept; raises `Refusal` for a bad subject."""
    if not 0 < len(subject) <= MAX_SUBJECT:
        raise Refusal(406)
    group = Group(f"120363{secrets.randbelow(10**12):012}", subject, creator.number, now(), {})
    group.subject_by, group.subject_at, group.invite = creator.number, group.created, _new_code()
    return group


def _new_code() -> str:
    return "".join(secrets.choice(_CODE_LETTERS) for _ in range(_CODE_SIZE))


# -- how devices see them


def describe(network: Network, group: Group) -> Node:
    """The group as devices see it."""
    attrs: Attrs = {
        "id": group.id,
        "subject": group.subject,
        "creation": str(group.created),
        **addresses(network, group.creator, "creator", "creator_pn"),
        "s_t": str(group.subject_at or group.created),
        **addresses(network, group.subject_by or group.creator, "s_o", "s_o_pn"),
        "size": str(len(group.members)),
        "addressing_mode": "lid",
        "p_v_id": str(group.version),
        "a_v_id": str(group.version),
    }
    members = [
        Node("participant", {**participant(network.accounts[number]), "type": role})
        for number, role in group.members.items()
    ]
    return Node("group", attrs, [*members, *_settings(network, group)])


def _settings(network: Network, group: Group) -> list[Node]:
    found = [Node("member_add_mode", {}, _add_mode(group))]
    if group.topic:
        attrs: Attrs = {"id": group.topic_id, "t": str(group.topic_at)}
        attrs |= addresses(network, group.topic_by, "participant", "participant_pn")
        found.append(Node("description", attrs, [Node("body", {}, group.topic.encode())]))
    if group.locked:
        found.append(Node("locked"))
    if group.announce:
        found.append(Node("announcement"))
    if group.ephemeral:
        found.append(Node("ephemeral", {"expiration": str(group.ephemeral)}))
    if group.approval:
        found.append(_approval(group))
    return found


def _add_mode(group: Group) -> bytes:
    return b"admin_add" if group.admins_add else b"all_member_add"


def _approval(group: Group) -> Node:
    state = "on" if group.approval else "off"
    return Node("membership_approval_mode", {}, [Node("group_join", {"state": state})])


def addresses(network: Network, number: str, lid: str, phone: str) -> Attrs:
    """Both addresses of an account, as attributes of these names."""
    account = network.accounts[number]
    return {lid: account.jid(LID), phone: account.jid(USER)}


def participant(account: Account) -> Attrs:
    """How a `<participant>` names an account."""
    return {"jid": account.jid(LID), "phone_number": account.jid(USER)}


# -- who may do what


def need_member(group: Group, account: Account) -> None:
    """Refuse who is not in the group."""
    if account.number not in group.members:
        raise Refusal(403)


def need_admin(group: Group, account: Account, code: int = 403) -> None:
    """Refuse who is not in the group, and with `code` who is no administrator of it."""
    need_member(group, account)
    if not group.members[account.number]:
        raise Refusal(code)


def need_editor(group: Group, account: Account) -> None:
    """Refuse who may not change what the group looks like: those outside, and members of a locked one."""
    need_member(group, account)
    if group.locked:
        need_admin(group, account)


# -- what changes


def rename(network: Network, actor: Account, group: Group, subject: str) -> None:
    """Change the subject."""
    need_editor(group, actor)
    if not 0 < len(subject) <= MAX_SUBJECT:
        raise Refusal(406)
    group.subject, group.subject_by, group.subject_at = subject, actor.number, now()
    attrs: Attrs = {"subject": subject, "s_t": str(group.subject_at)}
    attrs |= addresses(network, actor.number, "s_o", "s_o_pn")
    changed(network, actor, group, Node("subject", attrs))


def set_topic(network: Network, actor: Account, group: Group, topic: str, id_: str, previous: str) -> None:
    """Change the description, or take it away with ""; `previous` must be the id of the one there is."""
    need_editor(group, actor)
    if len(topic) > MAX_TOPIC:
        raise Refusal(406)
    if previous != group.topic_id:
        raise Refusal(409)
    group.topic, group.topic_id = topic, id_ or secrets.token_hex(8).upper()
    group.topic_by, group.topic_at = actor.number, now()
    content = Node("body", {}, topic.encode()) if topic else Node("delete")
    changed(network, actor, group, Node("description", {"id": group.topic_id}, [content]))
    if not topic:
        group.topic_id = ""  # devices see no description, so they can name no id


def switch(network: Network, actor: Account, group: Group, tag: str) -> None:
    """`locked`, `unlocked`, `announcement` or `not_announcement`."""
    need_admin(group, actor)
    field, value = _SWITCHES[tag]
    setattr(group, field, value)
    changed(network, actor, group, Node(tag, {"v_id": str(group.version)}))


def set_timer(network: Network, actor: Account, group: Group, seconds: int) -> None:
    """Let messages disappear after so many seconds, 0 for never."""
    need_editor(group, actor)
    if seconds not in TIMERS:
        raise Refusal(400)
    group.ephemeral = seconds
    attrs = {"expiration": str(seconds), "trigger": "1"}
    changed(network, actor, group, Node("ephemeral", {**attrs}) if seconds else Node("not_ephemeral"))


def set_approval(network: Network, actor: Account, group: Group, *, needed: bool) -> None:
    """Let administrators decide who joins by the link, or nobody."""
    need_admin(group, actor)
    group.approval = needed
    changed(network, actor, group, _approval(group))


def set_add_mode(network: Network, actor: Account, group: Group, *, admins_only: bool) -> None:
    """Let administrators add people, or every member."""
    need_admin(group, actor)
    group.admins_add = admins_only
    changed(network, actor, group, Node("member_add_mode", {}, _add_mode(group)))


def invite_code(network: Network, actor: Account, group: Group) -> str:
    """The code in the group's link, for its administrators."""
    need_admin(group, actor, 401)
    if not group.invite:
        group.invite = _new_code()
        network.save_group(group)
    return group.invite


def reset_invite(network: Network, actor: Account, group: Group) -> str:
    """A new code; the old one is revoked."""
    group.revoked.append(invite_code(network, actor, group))
    group.invite = _new_code()
    changed(network, actor, group, Node("invite", {"code": group.invite}))
    return group.invite


def invited_to(network: Network, code: str) -> Group:
    """The group of a code; raises `Refusal` 410 for one that was revoked and 406 for one that never was."""
    for group in network.groups.values():
        if code and code == group.invite:
            return group
        if code in group.revoked:
            raise Refusal(410)
    raise Refusal(406)


# -- telling


def changed(network: Network, actor: Account, group: Group, content: Node) -> None:
    """Keep a changed group and tell all its members."""
    group.version += 1
    network.save_group(group)
    tell(network, actor, group, content, group.members)


def tell(network: Network, actor: Account, group: Group, content: Node, numbers: Iterable[str]) -> None:
    """Tell the companions of these accounts what somebody changed."""
    attrs: Attrs = {
        "from": group.jid,
        "type": "w:gp2",
        "participant": actor.jid(LID),
        "participant_pn": actor.jid(USER),
        "addressing_mode": "lid",
        "notify": actor.name,
    }
    for number in sorted(numbers):
        account = network.accounts[number]
        for device in account.companions:
            each = {**attrs, "id": network.next_id(), "t": str(now())}
            network.deliver(Endpoint(account, device), Node("notification", each, [content]))
