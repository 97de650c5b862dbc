"""Groups (`w:g2`): what devices ask about them and change in them."""

from wagateway.sandbox import groups
from wagateway.sandbox.services.desk import Asked, Refusal
from wagateway.sandbox.state import LID, USER, Group
from wagateway.whatsapp.stanza import Node

_CHANGES = ("add", "remove", "promote", "demote")


def answer(asked: Asked) -> list[Node]:
    """A request to one group, or to all of them."""
    body, number = asked.body, asked.client.account.number
    if not asked.iq.jid("to").user:
        return _to_all(asked)
    group = asked.network.groups.get(asked.iq.jid("to").user)
    if group is None:
        raise Refusal(404, "item-not-found")
    if number not in group.members:
        raise Refusal(403, "forbidden")
    if body.tag == "query":
        return [groups.describe(asked.network, group)]
    if body.tag == "subject":
        groups.rename(asked.network, asked.client.account, group, body.body().decode(errors="replace"))
        return []
    if body.tag in _CHANGES:
        return [_change(asked, group)]
    raise Refusal(501, "feature-not-implemented")


def _to_all(asked: Asked) -> list[Node]:
    network, account, body = asked.network, asked.client.account, asked.body
    if body.tag == "participating":
        mine = [group for group in network.groups.values() if account.number in group.members]
        return [Node("groups", {}, [groups.describe(network, group) for group in mine])]
    if body.tag == "create":
        members = [network.account(each.jid("jid")) for each in body.children("participant")]
        known = [member for member in members if member is not None]
        group = groups.create(network, account, body.attr("subject"), known)
        return [groups.describe(network, group)]
    if body.tag == "leave":
        left = [each.attr("id").partition("@")[0] for each in body.children("group")]
        for id_ in left:
            if group_ := network.groups.get(id_):
                groups.change(network, account, group_, "remove", [account])
        return [Node("leave", {}, [Node("group", {"id": f"{id_}@g.us"}) for id_ in left])]
    raise Refusal(501, "feature-not-implemented")


def _change(asked: Asked, group: Group) -> Node:
    network, actor, body = asked.network, asked.client.account, asked.body
    if not group.members[actor.number]:
        raise Refusal(403, "forbidden")
    answers, changed = [], []
    for participant in body.children("participant"):
        account = network.account(participant.jid("jid"))
        if account is None:
            answers.append(Node("participant", {"jid": participant.jid("jid"), "error": "404"}))
            continue
        changed.append(account)
        answers.append(Node("participant", {"jid": account.jid(LID), "phone_number": account.jid(USER)}))
    groups.change(network, actor, group, body.tag, changed)
    return Node(body.tag, {}, answers)
