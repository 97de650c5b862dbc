"""Commands about newsletters (channels)."""

from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from wagateway.contract import Command, Route
from wagateway.phone import Phone

Invite = Annotated[
    str, Meta(min_length=1, max_length=512, description="https://whatsapp.com/channel/… or the code in it")
]


class NewsletterState(msgspec.Struct, frozen=True):
    """`active`, `suspended` or `geosuspended`."""

    type: str


class NewsletterText(msgspec.Struct, frozen=True):
    """A text of a newsletter; `update_time` is Unix microseconds, as WhatsApp has it."""

    text: str
    id: str
    update_time: str


class NewsletterPicture(msgspec.Struct, frozen=True):
    """A picture on WhatsApp's servers."""

    url: str
    id: str
    type: str
    direct_path: str


class ReactionSetting(msgspec.Struct, frozen=True):
    """Which reactions are allowed: `all`, `basic`, `none` or `blocklist`."""

    value: str


class NewsletterSettings(msgspec.Struct, frozen=True):
    """What the owner has set."""

    reaction_codes: ReactionSetting


class NewsletterThread(msgspec.Struct, frozen=True):
    """What everybody sees of a newsletter; `creation_time` is Unix seconds."""

    creation_time: str
    invite: str
    name: NewsletterText
    description: NewsletterText
    subscribers_count: str
    verification: str
    picture: NewsletterPicture | None
    preview: NewsletterPicture
    settings: NewsletterSettings


class NewsletterViewer(msgspec.Struct, frozen=True):
    """What the account is to a newsletter: `mute` is on or off, `role` subscriber, guest, admin or owner."""

    mute: str
    role: str


class Newsletter(msgspec.Struct, frozen=True):
    """A newsletter, under the real server's names."""

    id: str
    state: NewsletterState
    thread_metadata: NewsletterThread
    viewer_metadata: NewsletterViewer | None


class NewsletterList(msgspec.Struct, frozen=True):
    """The newsletters that the account follows or owns."""

    data: list[Newsletter]


class ListNewsletters(Command[NewsletterList], frozen=True, kw_only=True):
    """List the newsletters that the account follows or owns."""

    routes: ClassVar = (Route("GET", "/user/my/newsletters"),)
    done: ClassVar = "Success get list newsletter"


class GetNewsletter(Command[Newsletter], frozen=True, kw_only=True):
    """Get a newsletter by its JID or by its invite."""

    routes: ClassVar = (Route("GET", "/newsletter/info"),)
    done: ClassVar = "Success get newsletter"
    newsletter_id: Phone | None = None
    invite: Invite | None = None


class NewsletterPost(msgspec.Struct, frozen=True):
    """A post; neonize drops `message_id`, `type` and `timestamp`, which are "" unless the post is stored."""

    server_id: int
    message_id: str
    type: str
    timestamp: str
    views_count: int
    reaction_counts: dict[str, int]
    text: str


class NewsletterPosts(msgspec.Struct, frozen=True):
    """Posts, oldest first."""

    data: list[NewsletterPost]


class ListNewsletterPosts(Command[NewsletterPosts], frozen=True, kw_only=True):
    """List the newest posts of a newsletter, or those before the one numbered `before`."""

    routes: ClassVar = (Route("GET", "/newsletter/messages"),)
    done: ClassVar = "Success get newsletter messages"
    newsletter_id: Phone
    count: Annotated[int, Meta(ge=1, le=100)] = 50
    before: Annotated[int, Meta(ge=0, le=2**31)] = 0


class FollowNewsletter(Command[None], frozen=True, kw_only=True):
    """Follow a newsletter."""

    routes: ClassVar = (Route("POST", "/newsletter/follow"),)
    done: ClassVar = "Success follow newsletter"
    newsletter_id: Phone


class UnfollowNewsletter(Command[None], frozen=True, kw_only=True):
    """Unfollow a newsletter."""

    routes: ClassVar = (Route("POST", "/newsletter/unfollow"),)
    done: ClassVar = "Success unfollow newsletter"
    newsletter_id: Phone


class MuteNewsletter(Command[None], frozen=True, kw_only=True):
    """Want notice of a newsletter's posts no more, or again."""

    routes: ClassVar = (Route("POST", "/newsletter/mute"),)
    newsletter_id: Phone
    muted: bool = True

    def sentence(self, reply: None) -> str:
        """What was set."""
        return f"Success {'mute' if self.muted else 'unmute'} newsletter"
