"""Pictures of accounts and groups: who may see and set them, and telling those who know of them."""

import secrets
from collections.abc import Iterable

from wagateway.sandbox import groups, privacy
from wagateway.sandbox.media import MediaHost, direct_path
from wagateway.sandbox.network import Network, now
from wagateway.sandbox.refusals import Refusal
from wagateway.sandbox.state import LID, USER, Account, Endpoint, Group
from wagateway.whatsapp.stanza import Jid, Node

HOST = "pps.whatsapp.net"
MAX_BYTES = 1_000_000

_JPEG = b"\xff\xd8\xff"


def set_own(network: Network, media: MediaHost | None, author: Endpoint, data: bytes) -> str:
    """Give the account this picture (JPEG), or none with empty bytes; its id.

    The bytes are on the media host, when there is one. Raises `Refusal` 406 for what is no JPEG.
    """
    account = author.account
    account.picture = _keep(media, account.picture, data)
    network.save(account)
    friends = [each for each in network.accounts.values() if account.number in each.contacts]
    everybody = {each.number for each in friends if not privacy.apart(account, each)} | {account.number}
    _tell(network, account.jid(USER), account, account.picture, everybody)
    return account.picture


def set_of_group(network: Network, media: MediaHost | None, actor: Account, group: Group, data: bytes) -> str:
    """The same for a group."""
    groups.need_editor(group, actor)
    group.picture = _keep(media, group.picture, data)
    network.save_group(group)
    _tell(network, group.jid, actor, group.picture, group.members)
    return group.picture


def _keep(media: MediaHost | None, before: str, data: bytes) -> str:
    if data and (not data.startswith(_JPEG) or len(data) > MAX_BYTES):
        raise Refusal(406)
    id_ = f"{now()}{secrets.randbelow(1000):03}" if data else ""
    if media is not None:
        media.delete(_token(before))
        if id_:
            media.put(_token(id_), data)
    return id_


def _token(id_: str) -> str:
    return f"picture {id_}"


def _tell(network: Network, of: Jid, author: Account, id_: str, numbers: Iterable[str]) -> None:
    about: groups.Attrs = {"jid": of, "author": author.jid(LID), "id": id_}
    content = Node("set" if id_ else "delete", about)
    for number in sorted(numbers):
        account = network.accounts[number]
        for device in account.companions:
            attrs: groups.Attrs = {"from": of, "type": "picture", "id": network.next_id(), "t": str(now())}
            network.deliver(Endpoint(account, device), Node("notification", attrs, [content]))


def of_account(account: Account, viewer: Account) -> str:
    """The id of an account's picture; raises `Refusal` 401 when it is hidden and 404 when there is none."""
    if not privacy.allows(account, "profile", viewer):
        raise Refusal(401)
    return _there(account.picture)


def of_group(group: Group, viewer: Account, invite: str) -> str:
    """The id of a group's picture, for its members and those who have its link; the same refusals."""
    if viewer.number not in group.members and invite != group.invite:
        raise Refusal(401)
    return _there(group.picture)


def _there(id_: str) -> str:
    if not id_:
        raise Refusal(404)
    return id_


def describe(id_: str, kind: str) -> Node:
    """A picture as devices see it, with where it can be downloaded; `kind` is `image` or `preview`."""
    path = direct_path(_token(id_))
    attrs = {"id": id_, "type": kind, "url": f"https://{HOST}{path}", "direct_path": path}
    return Node("picture", {**attrs})
