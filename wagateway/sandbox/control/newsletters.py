"""Handlers of the commands about newsletters."""

from wagateway.commands import sandbox as commands
from wagateway.contract import Problem
from wagateway.phone import to_jid
from wagateway.sandbox import newsletters
from wagateway.sandbox.control import refused
from wagateway.sandbox.refusals import Refusal
from wagateway.sandbox.state import NEWSLETTER, USER, Account, Newsletter
from wagateway.sandbox.world import World
from wagateway.whatsapp.stanza import Jid


async def create_newsletter(world: World, command: commands.CreateNewsletter) -> commands.NewsletterInfo:
    """A new newsletter."""
    owner = world.phone(command.phone).account
    followers = [world.phone(each, "followers").account for each in command.followers]
    made = newsletters.create(world.network, owner, command.name, command.description, followers)
    return _info(world, made)


def _info(world: World, newsletter: Newsletter) -> commands.NewsletterInfo:
    accounts = [
        world.network.accounts[number] for number, role in newsletter.roles.items() if role != "OWNER"
    ]
    followers = [str(each.jid(USER)) for each in accounts]
    return commands.NewsletterInfo(
        str(newsletter.jid), newsletter.name, newsletter.description, newsletter.invite, followers
    )


async def phone_set_newsletter(world: World, command: commands.PhoneSetNewsletter) -> commands.NewsletterInfo:
    """Follow, mute, and the contrary."""
    account = world.phone(command.phone).account
    jid = Jid.parse(to_jid(command.newsletter, "newsletter"))
    newsletter = world.network.newsletters.get(jid.user) if jid.server == NEWSLETTER else None
    if newsletter is None:
        raise Problem(404, "NEWSLETTER_NOT_FOUND", "newsletter: there is no such newsletter in the sandbox")
    with refused():
        if command.follow is not None:
            _follow(world, newsletter, account, follow=command.follow)
        if command.muted is not None:
            _need_follower(newsletter, account)
            newsletters.mute(world.network, newsletter, account, muted=command.muted)
    return _info(world, newsletter)


def _follow(world: World, newsletter: Newsletter, account: Account, *, follow: bool) -> None:
    if follow:
        newsletters.join(world.network, newsletter, account)
        return
    _need_follower(newsletter, account)
    if newsletter.roles[account.number] == "OWNER":
        raise Refusal(403)
    newsletters.leave(world.network, newsletter, account)


def _need_follower(newsletter: Newsletter, account: Account) -> None:
    if account.number not in newsletter.roles:
        raise Refusal(403)
