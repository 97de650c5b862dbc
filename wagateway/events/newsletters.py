"""What is told of newsletters."""

import msgspec


class NewsletterJoinedPayload(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The account follows a newsletter from now on."""

    newsletter_id: str
    name: str = ""
    description: str = ""


class NewsletterLeftPayload(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The account follows a newsletter no more."""

    newsletter_id: str
    role: str


class NewsletterMutePayload(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Notice of a newsletter's posts was switched off or on: `mute` is `on` or `off`."""

    newsletter_id: str
    mute: str


class PostFigures(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a post is doing. Its id, type and time are not told: the engine drops them."""

    server_id: int
    views_count: int = 0
    reaction_counts: dict[str, int] = {}


class NewsletterMessagePayload(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Views and reactions of posts; the posts themselves are told as `message`.

    WhatsApp tells them only to those who asked for it lately, which the gateway does not do by itself.
    """

    newsletter_id: str
    messages: list[PostFigures]
