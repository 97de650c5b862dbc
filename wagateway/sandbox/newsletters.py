"""Newsletters: who follows them, and how a post reaches the followers' devices, in the clear."""

import secrets
from collections.abc import Iterator

import msgspec

from wagateway.sandbox.network import Network, now
from wagateway.sandbox.state import SERVER, Account, Endpoint, Newsletter, Post
from wagateway.whatsapp.stanza import Jid, Node

AUTHORS = ("OWNER", "ADMIN")
FIRST_NUMBER = 100

_NOT_FOUND = {"error": "404"}
_FORBIDDEN = {"error": "403"}


def create(
    network: Network, owner: Account, name: str, description: str, followers: list[Account]
) -> Newsletter:
    """A new newsletter; the devices of its owner and of those who follow it hear that they joined."""
    id_ = f"120363{secrets.randbelow(10**12):012}"
    newsletter = Newsletter(id_, name, description, f"0029Va{secrets.token_hex(8)}", now(), {})
    network.posts[newsletter.id] = []
    join(network, newsletter, owner, "OWNER")
    for follower in followers:
        if follower is not owner:
            join(network, newsletter, follower)
    return newsletter


def join(network: Network, newsletter: Newsletter, account: Account, role: str = "SUBSCRIBER") -> None:
    """Follow a newsletter; who does already keeps the role."""
    newsletter.roles.setdefault(account.number, role)
    network.save_newsletter(newsletter)
    tell(network, account, "on_join", describe(newsletter, account))


def leave(network: Network, newsletter: Newsletter, account: Account) -> None:
    """Follow it no more."""
    newsletter.roles.pop(account.number, None)
    newsletter.muted.discard(account.number)
    network.save_newsletter(newsletter)
    tell(network, account, "on_leave", {"id": str(newsletter.jid), "role": "GUEST"})


def mute(network: Network, newsletter: Newsletter, account: Account, *, muted: bool) -> None:
    """Want no notice of posts, or want it again."""
    if muted:
        newsletter.muted.add(account.number)
    else:
        newsletter.muted.discard(account.number)
    network.save_newsletter(newsletter)
    tell(network, account, "on_mute_change", {"id": str(newsletter.jid), "mute": _mute(newsletter, account)})


def _mute(newsletter: Newsletter, account: Account) -> str:
    return "ON" if account.number in newsletter.muted else "OFF"


def tell(network: Network, account: Account, event: str, content: dict[str, object]) -> None:
    """Tell an account's companions what became of its place in a newsletter."""
    body = msgspec.json.encode({"data": {f"xwa2_notify_newsletter_{event}": content}})
    for device in account.companions:
        attrs = {"type": "mex", "id": network.next_id(), "t": str(now())}
        update = Node("update", {"op_name": "NotificationNewsletter"}, body)
        network.deliver(Endpoint(account, device), Node("notification", {"from": SERVER, **attrs}, [update]))


def describe(newsletter: Newsletter, viewer: Account | None) -> dict[str, object]:
    """What `w:mex` says of a newsletter; numbers are text there. Without a viewer, what anybody may see."""
    created = str(newsletter.created)
    micros = f"{created}000000"
    described: dict[str, object] = {
        "id": str(newsletter.jid),
        "state": {"type": "ACTIVE"},
        "thread_metadata": {
            "creation_time": created,
            "invite": newsletter.invite,
            "name": {"text": newsletter.name, "id": created, "update_time": micros},
            "description": {"text": newsletter.description, "id": created, "update_time": micros},
            "subscribers_count": str(len(newsletter.roles)),
            "verification": "UNVERIFIED",
            "picture": None,
            "preview": {"id": "", "type": "PREVIEW", "direct_path": ""},
            # The client knows these four words in lower case only.
            "settings": {"reaction_codes": {"value": "all"}},
        },
    }
    if viewer is not None:
        role = newsletter.roles.get(viewer.number, "GUEST")
        described["viewer_metadata"] = {"mute": _mute(newsletter, viewer), "role": role}
    return described


def take(network: Network, sender: Endpoint, stanza: Node) -> dict[str, str]:
    """A device posts, changes a post or reacts to one; what the acknowledgement says."""
    newsletter = network.newsletters.get(stanza.jid("to").user)
    if newsletter is None:
        return _NOT_FOUND
    role = newsletter.roles.get(sender.account.number)
    if stanza.attr("type") == "reaction":
        return _react(network, newsletter, sender, stanza) if role else _FORBIDDEN
    if role not in AUTHORS:
        return _FORBIDDEN
    posts = network.posts.setdefault(newsletter.id, [])
    post = next((each for each in reversed(posts) if each.id == stanza.attr("id")), None)
    if stanza.attr("edit"):
        if post is None:
            return _NOT_FOUND
        _fill(post, stanza)
    elif post is not None:
        return {"server_id": str(post.number)}  # sent again, because the acknowledgement was lost
    else:
        author = sender.account.number
        post = Post(FIRST_NUMBER + len(posts), stanza.attr("id"), author, "", "", b"", now())
        _fill(post, stanza)
        posts.append(post)
    network.save_post(newsletter, post)
    _deliver(network, sender, newsletter, post, stanza.attr("edit"))
    return {"server_id": str(post.number)}


def _fill(post: Post, stanza: Node) -> None:
    plaintext = stanza.child("plaintext") or Node("plaintext")
    post.type, post.mediatype = stanza.attr("type") or "text", plaintext.attr("mediatype")
    post.plaintext = plaintext.body()


def _deliver(network: Network, sender: Endpoint, newsletter: Newsletter, post: Post, edit: str) -> None:
    for number in list(newsletter.roles):
        account = network.accounts[number]
        for receiver in (Endpoint(account, device) for device in account.devices()):
            if receiver.key == sender.key:
                continue
            own = "true" if account is sender.account else ""
            attrs: dict[str, str | Jid] = {"from": newsletter.jid, "is_sender": own, "edit": edit}
            content = [_plaintext(post)]
            if edit:
                times = {"msg_edit_t": f"{now()}000", "original_msg_t": str(post.posted)}
                content.append(Node("meta", {**times}))
            network.deliver(receiver, Node("message", attrs | _attrs(post), content))
    _update(network, newsletter, post)


def _attrs(post: Post) -> dict[str, str | Jid]:
    return {"id": post.id, "server_id": str(post.number), "t": str(post.posted), "type": post.type}


def _plaintext(post: Post) -> Node:
    return Node("plaintext", {"mediatype": post.mediatype}, post.plaintext)


def _find(network: Network, newsletter: Newsletter, number: str) -> Post | None:
    posts = network.posts.get(newsletter.id, [])
    place = int(number) - FIRST_NUMBER if number.isascii() and number.isdigit() else -1
    return posts[place] if 0 <= place < len(posts) else None


def _react(network: Network, newsletter: Newsletter, sender: Endpoint, stanza: Node) -> dict[str, str]:
    post, reaction = _find(network, newsletter, stanza.attr("server_id")), stanza.child("reaction")
    if post is None or reaction is None:
        return _NOT_FOUND
    if code := reaction.attr("code"):
        post.reactions[sender.account.number] = code
    else:
        post.reactions.pop(sender.account.number, None)
    network.save_post(newsletter, post)
    _update(network, newsletter, post)
    return {"server_id": str(post.number)}


def view(network: Network, viewer: Endpoint, receipt: Node) -> None:
    """A device has shown posts to somebody; it waits for the answer to its receipt."""
    newsletter = network.newsletters.get(receipt.jid("to").user)
    shown = receipt.child("list")
    for item in shown.children("item") if newsletter and shown else ():
        assert newsletter is not None
        post = _find(network, newsletter, item.attr("server_id"))
        if post is not None:
            post.views += 1
            network.save_post(newsletter, post)
            _update(network, newsletter, post)
    attrs = {"class": "receipt", "type": "view", "id": receipt.attr("id")}
    network.mention(viewer, Node("ack", {"from": receipt.jid("to"), **attrs}))


def _update(network: Network, newsletter: Newsletter, post: Post) -> None:
    """Show the counts of a post to the devices that asked for live updates and are connected."""
    for number, device in network.live.get(newsletter.id, set()):
        account = network.accounts[number]
        if device in account.companions:
            attrs = {"type": "newsletter", "id": network.next_id(), "t": str(now())}
            update = Node("live_updates", {}, [counted(post)])
            notification = Node("notification", {"from": newsletter.jid, **attrs}, [update])
            network.mention(Endpoint(account, device), notification)


def counted(post: Post, *, whole: bool = False) -> Node:
    """A post in a list: its counts, and its content when it is wanted `whole`."""
    codes = sorted(set(post.reactions.values()))
    numbers = list(post.reactions.values())
    reactions = [Node("reaction", {"code": code, "count": str(numbers.count(code))}) for code in codes]
    content = [Node("views_count", {"count": str(post.views)}), Node("reactions", {}, reactions)]
    return Node("message", _attrs(post), [_plaintext(post), *content] if whole else content)


def followed(network: Network, account: Account) -> Iterator[Newsletter]:
    """The newsletters that an account follows or owns."""
    return (each for each in network.newsletters.values() if account.number in each.roles)
