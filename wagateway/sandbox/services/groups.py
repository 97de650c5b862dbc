"""Groups (`w:g2`): what devices ask about them and change in them."""

from collections.abc import Callable

from wagateway.sandbox import groups, membership, pictures
from wagateway.sandbox.refusals import Refusal
from wagateway.sandbox.services.desk import Asked
from wagateway.sandbox.state import GROUP, Group
from wagateway.whatsapp.stanza import Jid, Node


def answer(asked: Asked) -> list[Node]:
    """A request to one group, or to all of them."""
    address = asked.iq.jid("to")
    if not address.user:
        wanted = _TO_ALL.get((asked.iq.attr("type"), asked.body.tag))
        if wanted is None:
            raise Refusal(501)
        return wanted(asked)
    group = asked.network.groups.get(address.user)
    if group is None:
        raise Refusal(404)
    asks = _TO_ONE.get((asked.iq.attr("type"), asked.body.tag))
    if asks is None:
        raise Refusal(501)
    return asks(asked, group)


# -- to `@g.us`


def _participating(asked: Asked) -> list[Node]:
    mine = [each for each in asked.network.groups.values() if asked.client.account.number in each.members]
    return [Node("groups", {}, [groups.describe(asked.network, group) for group in mine])]


def _create(asked: Asked) -> list[Node]:
    network, account, body = asked.network, asked.client.account, asked.body
    group = groups.draft(account, body.attr("subject"))
    group.locked = body.child("locked") is not None
    group.announce = body.child("announcement") is not None
    group.ephemeral = _timer(body.child("ephemeral"))
    group.approval = _approval(body.child("membership_approval_mode"))
    mode = body.child("member_add_mode")
    group.admins_add = mode is not None and mode.body() == b"admin_add"
    wanted = [each.jid("jid") for each in body.children("participant")]
    outcomes = membership.create(network, account, group, wanted)
    failed = [_told(group, each) for each in outcomes if each.error]
    made = groups.describe(network, group)
    return [Node("group", made.attrs, [*made.children(), *failed])]


def _leave(asked: Asked) -> list[Node]:
    account, left = asked.client.account, []
    for each in asked.body.children("group"):
        id_ = each.attr("id").partition("@")[0]
        group = asked.network.groups.get(id_)
        attrs: groups.Attrs = {"id": Jid(id_, GROUP)}
        if group is None or account.number not in group.members:
            attrs["error"] = "404"
        else:
            membership.leave(asked.network, account, group)
        left.append(Node("group", attrs))
    return [Node("leave", {}, left)]


def _preview(asked: Asked) -> list[Node]:
    group = groups.invited_to(asked.network, asked.body.attr("code"))
    return [groups.describe(asked.network, group)]


def _join(asked: Asked) -> list[Node]:
    group, waits = membership.join(asked.network, asked.client.account, asked.body.attr("code"))
    return [Node("membership_approval_request" if waits else "group", {"jid": group.jid})]


_TO_ALL: dict[tuple[str, str], Callable[[Asked], list[Node]]] = {
    ("get", "participating"): _participating,
    ("set", "create"): _create,
    ("set", "leave"): _leave,
    ("get", "invite"): _preview,
    ("set", "invite"): _join,
}


# -- to one group


def _query(asked: Asked, group: Group) -> list[Node]:
    account, invitation = asked.client.account, asked.body.child("add_request")
    if invitation is not None:
        membership.invited(group, account, invitation.attr("code"))
    else:
        groups.need_member(group, account)
    return [groups.describe(asked.network, group)]


def _accept(asked: Asked, group: Group) -> list[Node]:
    membership.accept(asked.network, asked.client.account, group, asked.body.attr("code"))
    return [Node("group", {"jid": group.jid})]


def _change(asked: Asked, group: Group) -> list[Node]:
    wanted = [each.jid("jid") for each in asked.body.children("participant")]
    action = asked.body.tag
    outcomes = membership.change(asked.network, asked.client.account, group, action, wanted)
    return [Node(action, {}, [_told(group, each) for each in outcomes])]


def _told(group: Group, outcome: membership.Outcome) -> Node:
    attrs: groups.Attrs = {"jid": outcome.jid}
    if outcome.account is not None:
        attrs = groups.participant(outcome.account)
    if not outcome.error:
        return Node("participant", attrs)
    attrs["error"] = str(outcome.error)
    invitation = group.invitations.get(outcome.invitation)
    if invitation is None:
        return Node("participant", attrs)
    request = {"code": outcome.invitation, "expiration": str(invitation.expiration)}
    return Node("participant", attrs, [Node("add_request", {**request})])


def _subject(asked: Asked, group: Group) -> list[Node]:
    subject = asked.body.body().decode(errors="replace")
    groups.rename(asked.network, asked.client.account, group, subject)
    return []


def _topic(asked: Asked, group: Group) -> list[Node]:
    body = asked.body.child("body")
    topic = body.body().decode(errors="replace") if body else ""
    id_, previous = asked.body.attr("id"), asked.body.attr("prev")
    groups.set_topic(asked.network, asked.client.account, group, topic, id_, previous)
    return []


def _switch(asked: Asked, group: Group) -> list[Node]:
    groups.switch(asked.network, asked.client.account, group, asked.body.tag)
    return []


def _ephemeral(asked: Asked, group: Group) -> list[Node]:
    seconds = _timer(asked.body if asked.body.tag == "ephemeral" else None)
    groups.set_timer(asked.network, asked.client.account, group, seconds)
    return []


def _timer(node: Node | None) -> int:
    text = node.attr("expiration") if node else ""
    seconds = int(text) if text.isascii() and text.isdigit() else 0
    if seconds not in groups.TIMERS:
        raise Refusal(400)
    return seconds


def _set_approval(asked: Asked, group: Group) -> list[Node]:
    groups.set_approval(asked.network, asked.client.account, group, needed=_approval(asked.body))
    return []


def _approval(node: Node | None) -> bool:
    mode = node.child("group_join") if node else None
    return mode is not None and mode.attr("state") == "on"


def _add_mode(asked: Asked, group: Group) -> list[Node]:
    admins_only = asked.body.body() == b"admin_add"
    groups.set_add_mode(asked.network, asked.client.account, group, admins_only=admins_only)
    return []


def _invite(asked: Asked, group: Group) -> list[Node]:
    code = groups.invite_code(asked.network, asked.client.account, group)
    return [Node("invite", {"code": code})]


def _reset(asked: Asked, group: Group) -> list[Node]:
    code = groups.reset_invite(asked.network, asked.client.account, group)
    return [Node("invite", {"code": code})]


def _requests(asked: Asked, group: Group) -> list[Node]:
    groups.need_admin(group, asked.client.account)
    waiting = [
        Node(
            "membership_approval_request",
            {**groups.participant(asked.network.accounts[number]), "request_time": str(since)},
        )
        for number, since in group.requests.items()
    ]
    return [Node("membership_approval_requests", {}, waiting)]


def _decide(asked: Asked, group: Group) -> list[Node]:
    told = []
    for decision in asked.body.children():
        if decision.tag not in ("approve", "reject"):
            raise Refusal(400)
        wanted = [each.jid("jid") for each in decision.children("participant")]
        outcomes = membership.decide(asked.network, asked.client.account, group, decision.tag, wanted)
        told.append(Node(decision.tag, {}, [_told(group, each) for each in outcomes]))
    return [Node(asked.body.tag, {}, told)]


def _pictures(asked: Asked, group: Group) -> list[Node]:
    """How a community is asked for its picture."""
    wanted = asked.body.child("picture") or Node("picture")
    groups.need_member(group, asked.client.account)
    if not group.picture:
        return [Node("pictures", {}, [Node("picture", {"status": "204"})])]
    if group.picture == wanted.attr("id"):
        return [Node("pictures", {}, [Node("picture", {"status": "304"})])]
    return [Node("pictures", {}, [pictures.describe(group.picture, wanted.attr("type") or "image")])]


_TO_ONE: dict[tuple[str, str], Callable[[Asked, Group], list[Node]]] = {
    ("get", "query"): _query,
    ("set", "accept"): _accept,
    ("set", "add"): _change,
    ("set", "remove"): _change,
    ("set", "promote"): _change,
    ("set", "demote"): _change,
    ("set", "subject"): _subject,
    ("set", "description"): _topic,
    ("set", "locked"): _switch,
    ("set", "unlocked"): _switch,
    ("set", "announcement"): _switch,
    ("set", "not_announcement"): _switch,
    ("set", "ephemeral"): _ephemeral,
    ("set", "not_ephemeral"): _ephemeral,
    ("set", "membership_approval_mode"): _set_approval,
    ("set", "member_add_mode"): _add_mode,
    ("get", "invite"): _invite,
    ("set", "invite"): _reset,
    ("get", "membership_approval_requests"): _requests,
    ("set", "membership_requests_action"): _decide,
    ("get", "pictures"): _pictures,
}
