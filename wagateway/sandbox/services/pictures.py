"""Pictures (`w:profile:picture`) of accounts and groups: asked for, set and taken away."""

from wagateway.sandbox import pictures
from wagateway.sandbox.network import Network
from wagateway.sandbox.refusals import Refusal
from wagateway.sandbox.services.desk import Asked
from wagateway.sandbox.state import GROUP, Account, Group
from wagateway.whatsapp.stanza import Jid, Node


def answer(asked: Asked) -> list[Node]:
    """Where the picture is, or the id of the new one; nothing for one that is removed or still the same."""
    client, picture = asked.client, asked.body
    target = asked.iq.jid("target") if asked.iq.attr("target") else None
    if asked.iq.attr("type") == "set":
        return _set(asked, target, picture.body())
    found = seen(asked.network, client.account, target, picture.attr("invite"))
    return [] if found == picture.attr("id") else [pictures.describe(found, picture.attr("type") or "image")]


def _set(asked: Asked, target: Jid | None, data: bytes) -> list[Node]:
    """An empty picture takes the old one away, as no picture does: neonize cannot leave it out."""
    network, client = asked.network, asked.client
    subject = _subject(network, client.account, target)
    if isinstance(subject, Group):
        id_ = pictures.set_of_group(network, asked.media, client.account, subject, data)
    elif subject is client.account:
        id_ = pictures.set_own(network, asked.media, client, data)
    else:
        raise Refusal(403)
    return [Node("picture", {"id": id_})] if id_ else []


def seen(network: Network, viewer: Account, target: Jid | None, invite: str = "") -> str:
    """The id of the picture that somebody may see; raises `Refusal` 401 or 404."""
    subject = _subject(network, viewer, target)
    if isinstance(subject, Group):
        return pictures.of_group(subject, viewer, invite)
    return pictures.of_account(subject, viewer)


def _subject(network: Network, viewer: Account, target: Jid | None) -> Group | Account:
    if target is None:
        return viewer
    found = network.groups.get(target.user) if target.server == GROUP else network.account(target)
    if found is None:
        raise Refusal(404)
    return found
