"""Newsletters: queries by number (`w:mex`, the text about oneself among them), and lists of posts."""

from collections.abc import Callable

import msgspec

from wagateway.sandbox import newsletters, people
from wagateway.sandbox.network import now
from wagateway.sandbox.refusals import Refusal
from wagateway.sandbox.services.desk import Asked
from wagateway.sandbox.state import Newsletter, Post
from wagateway.whatsapp.stanza import Jid, Node

_LIVE_SECONDS = 300
_PAGE = 50


class _Input(msgspec.Struct, frozen=True):
    key: str = ""
    type: str = "JID"
    text: str | None = None


class _Draft(msgspec.Struct, frozen=True):
    name: str = ""
    description: str = ""


class _Variables(msgspec.Struct, frozen=True):
    newsletter_id: str = ""
    input: _Input = _Input()
    newsletter_input: _Draft = _Draft()


class _Query(msgspec.Struct, frozen=True):
    variables: _Variables = _Variables()


def mex(asked: Asked) -> list[Node]:
    """The answer to a query; settings that change nothing here are accepted."""
    query = _QUERIES.get(asked.body.attr("query_id"))
    if query is None:
        return [_result({"data": {}})]
    try:
        variables = msgspec.json.decode(asked.body.body(), type=_Query).variables
        return [_result({"data": query(asked, variables)})]
    except msgspec.DecodeError as error:
        raise Refusal(400) from error
    except Refusal as refusal:
        extensions = {"error_code": refusal.code, "is_retryable": False, "severity": "CRITICAL"}
        error_ = {"message": refusal.text, "extensions": extensions}
        return [_result({"data": None, "errors": [error_]})]


def _result(content: dict[str, object]) -> Node:
    return Node("result", {}, msgspec.json.encode(content))


def _meant(asked: Asked, address: str) -> Newsletter:
    newsletter = asked.network.newsletters.get(address.partition("@")[0])
    if newsletter is None:
        raise Refusal(404, "Not Found")
    return newsletter


def _info(asked: Asked, variables: _Variables) -> dict[str, object]:
    wanted = variables.input
    if wanted.type == "JID":
        found = newsletters.describe(_meant(asked, wanted.key), asked.client.account)
        return {"xwa2_newsletter": found}
    for newsletter in asked.network.newsletters.values():
        if newsletter.invite == wanted.key:
            return {"xwa2_newsletter": newsletters.describe(newsletter, None)}
    raise Refusal(404, "Not Found")


def _subscribed(asked: Asked, variables: _Variables) -> dict[str, object]:
    account = asked.client.account
    mine = newsletters.followed(asked.network, account)
    return {"xwa2_newsletter_subscribed": [newsletters.describe(each, account) for each in mine]}


def _create(asked: Asked, variables: _Variables) -> dict[str, object]:
    account, draft = asked.client.account, variables.newsletter_input
    made = newsletters.create(asked.network, account, draft.name, draft.description, [])
    return {"xwa2_newsletter_create": newsletters.describe(made, account)}


def _follow(asked: Asked, variables: _Variables) -> dict[str, object]:
    newsletters.join(asked.network, _meant(asked, variables.newsletter_id), asked.client.account)
    return {"xwa2_newsletter_join_v2": {"id": variables.newsletter_id}}


def _unfollow(asked: Asked, variables: _Variables) -> dict[str, object]:
    newsletter, account = _meant(asked, variables.newsletter_id), asked.client.account
    if newsletter.roles.get(account.number) == "OWNER":
        raise Refusal(403, "Forbidden")
    newsletters.leave(asked.network, newsletter, account)
    return {"xwa2_newsletter_leave_v2": {"id": variables.newsletter_id}}


def _muted(asked: Asked, variables: _Variables, *, muted: bool) -> None:
    newsletter, account = _meant(asked, variables.newsletter_id), asked.client.account
    if account.number not in newsletter.roles:
        raise Refusal(403, "Forbidden")
    newsletters.mute(asked.network, newsletter, account, muted=muted)


def _mute(asked: Asked, variables: _Variables) -> dict[str, object]:
    _muted(asked, variables, muted=True)
    return {"xwa2_newsletter_mute_v2": {"id": variables.newsletter_id}}


def _unmute(asked: Asked, variables: _Variables) -> dict[str, object]:
    _muted(asked, variables, muted=False)
    return {"xwa2_newsletter_unmute_v2": {"id": variables.newsletter_id}}


def _about(asked: Asked, variables: _Variables) -> dict[str, object]:
    people.set_about(asked.network, asked.client.account, variables.input.text or "")
    return {"xwa2_update_text_status": {"success": True}}


_QUERIES: dict[str, Callable[[Asked, _Variables], dict[str, object]]] = {
    "6563316087068696": _info,
    "6388546374527196": _subscribed,
    "6234210096708695": _create,
    "9926858900719341": _follow,
    "6392786840836363": _unfollow,
    "6274038279359549": _mute,
    "6068417879924485": _unmute,
    "9152604461510864": _about,
}


def answer(asked: Asked) -> list[Node]:
    """Posts, what changed about them, or a subscription to such changes."""
    body = asked.body
    if body.tag == "messages":
        newsletter = _meant(asked, body.attr("jid"))
        before = _number(body, "before")
        posts = [post for post in _posts(asked, newsletter) if not before or post.number < before]
        return [_listed(newsletter, posts[-(_number(body, "count") or _PAGE) :], whole=True)]
    newsletter = _meant(asked, asked.iq.attr("to"))
    if body.tag == "live_updates":
        asked.network.live.setdefault(newsletter.id, set()).add(asked.client.key)
        return [Node("live_updates", {"duration": str(_LIVE_SECONDS)})]
    if body.tag == "message_updates":
        after = _number(body, "after")
        posts = [post for post in _posts(asked, newsletter) if post.number > after]
        listed = _listed(newsletter, posts[: _number(body, "count") or _PAGE], whole=False)
        return [Node("message_updates", {}, [listed])]
    raise Refusal(501)


def _posts(asked: Asked, newsletter: Newsletter) -> list[Post]:
    return asked.network.posts.get(newsletter.id, [])


def _listed(newsletter: Newsletter, posts: list[Post], *, whole: bool) -> Node:
    attrs: dict[str, str | Jid] = {"jid": newsletter.jid, "t": str(now())}
    return Node("messages", attrs, [newsletters.counted(post, whole=whole) for post in posts])


def _number(node: Node, name: str) -> int:
    text = node.attr(name)
    return int(text) if text.isascii() and text.isdigit() else 0
