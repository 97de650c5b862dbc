"""What a change of a newsletter changes in the shard: its event."""

import sqlite3

from wagateway.events.catalogue import (
    NEWSLETTER_JOINED,
    NEWSLETTER_LEFT,
    NEWSLETTER_MESSAGE,
    NEWSLETTER_MUTE,
)
from wagateway.events.newsletters import (
    NewsletterJoinedPayload,
    NewsletterLeftPayload,
    NewsletterMessagePayload,
    NewsletterMutePayload,
    PostFigures,
)
from workers.engine import NewsletterChange
from workers.shard import log as event_log


def keep_change(connection: sqlite3.Connection, own: event_log.Own, change: NewsletterChange) -> int:
    """Log the event of a change. Which stored message a post is cannot be told: its number is not stored."""
    jid = change.jid
    match change.change:
        case "joined":
            joined = NewsletterJoinedPayload(
                newsletter_id=jid, name=change.name, description=change.description
            )
            return event_log.append(connection, own, NEWSLETTER_JOINED, jid, joined)
        case "left":
            left = NewsletterLeftPayload(newsletter_id=jid, role=change.role)
            return event_log.append(connection, own, NEWSLETTER_LEFT, jid, left)
        case "mute":
            muted = NewsletterMutePayload(newsletter_id=jid, mute=change.mute)
            return event_log.append(connection, own, NEWSLETTER_MUTE, jid, muted)
        case "posts":
            figures = [
                PostFigures(server_id=post.server_id, views_count=post.views, reaction_counts=post.reactions)
                for post in change.posts
            ]
            read = NewsletterMessagePayload(newsletter_id=jid, messages=figures)
            return event_log.append(connection, own, NEWSLETTER_MESSAGE, jid, read)
