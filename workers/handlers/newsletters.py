"""Answers the commands about newsletters."""

from functools import partial

from google.protobuf.message import DecodeError

from wagateway.commands.newsletters import (
    FollowNewsletter,
    GetNewsletter,
    ListNewsletterPosts,
    ListNewsletters,
    MuteNewsletter,
    Newsletter,
    NewsletterList,
    NewsletterPicture,
    NewsletterPost,
    NewsletterPosts,
    NewsletterSettings,
    NewsletterState,
    NewsletterText,
    NewsletterThread,
    NewsletterViewer,
    ReactionSetting,
    UnfollowNewsletter,
)
from wagateway.events import rfc3339
from wagateway.problems import invalid
from wagateway.whatsapp.protos import E2E
from workers import content
from workers.device import Device
from workers.facts import NewsletterFacts, PictureFacts, PostFacts
from workers.jids import channel_code, newsletter_jid
from workers.shard.posts import StoredPost, find_posts


async def list_newsletters(device: Device, _command: ListNewsletters) -> NewsletterList:
    """Those that the account follows or owns."""
    device.require_login()
    return NewsletterList([_newsletter(facts) for facts in await device.engine.newsletters()])


async def get_newsletter(device: Device, command: GetNewsletter) -> Newsletter:
    """One, by its JID or its invite."""
    device.require_login()
    if (command.newsletter_id is None) == (command.invite is None):
        raise invalid("newsletter_id", "exactly one of newsletter_id and invite must be given")
    if command.newsletter_id is not None:
        jid = newsletter_jid(command.newsletter_id, "newsletter_id")
        return _newsletter(await device.engine.newsletter(jid))
    code = channel_code(command.invite or "", "invite")
    return _newsletter(await device.engine.newsletter_of_invite(code))


async def list_newsletter_posts(device: Device, command: ListNewsletterPosts) -> NewsletterPosts:
    """Posts, completed by what is stored of them."""
    newsletter = _named(device, command.newsletter_id)
    posts = await device.engine.newsletter_posts(newsletter, command.count, command.before)
    stored = await device.shard.read(partial(find_posts, newsletter=newsletter))
    return NewsletterPosts([_post(post, stored.get(post.content)) for post in posts])


async def follow_newsletter(device: Device, command: FollowNewsletter) -> None:
    """Follow."""
    await device.engine.follow_newsletter(_named(device, command.newsletter_id), follow=True)


async def unfollow_newsletter(device: Device, command: UnfollowNewsletter) -> None:
    """Follow no more."""
    await device.engine.follow_newsletter(_named(device, command.newsletter_id), follow=False)


async def mute_newsletter(device: Device, command: MuteNewsletter) -> None:
    """Want notice no more, or again."""
    await device.engine.mute_newsletter(_named(device, command.newsletter_id), muted=command.muted)


def _named(device: Device, newsletter_id: str) -> str:
    device.require_login()
    return newsletter_jid(newsletter_id, "newsletter_id")


def _newsletter(facts: NewsletterFacts) -> Newsletter:
    thread = NewsletterThread(
        creation_time=str(facts.created_at or ""),
        invite=facts.invite,
        name=NewsletterText(facts.name, facts.name_id, str(facts.name_updated or "")),
        description=NewsletterText(
            facts.description, facts.description_id, str(facts.description_updated or "")
        ),
        subscribers_count=str(facts.subscribers),
        verification=facts.verification,
        picture=_picture(facts.picture, facts.picture_path) if facts.picture else None,
        preview=_picture(facts.preview or PictureFacts("", "", ""), facts.preview_path),
        settings=NewsletterSettings(ReactionSetting(facts.reactions)),
    )
    viewer = NewsletterViewer(facts.mute, facts.role) if facts.mute or facts.role else None
    return Newsletter(facts.jid, NewsletterState(facts.state), thread, viewer)


def _picture(picture: PictureFacts, path: str) -> NewsletterPicture:
    return NewsletterPicture(picture.url, picture.id, picture.type, path)


def _post(post: PostFacts, stored: StoredPost | None) -> NewsletterPost:
    return NewsletterPost(
        server_id=post.server_id,
        message_id=stored.id if stored else "",
        type=_type(stored) if stored else "",
        timestamp=rfc3339(stored.timestamp) if stored else "",
        views_count=post.views,
        reaction_counts=post.reactions,
        text=_text(post.content),
    )


def _type(stored: StoredPost) -> str:
    """WhatsApp's word for what a post is."""
    if stored.kind == "poll":
        return "poll"
    return "media" if stored.media_type else "text"


def _text(raw: bytes) -> str:
    try:
        return content.text_of(E2E.Message.FromString(raw))
    except DecodeError:  # a post that cannot be read is a post all the same
        return ""
