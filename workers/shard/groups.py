"""Groups of a shard: their chats have the name and the disappearing timer that WhatsApp tells of them."""

import sqlite3
from collections.abc import Iterable

from workers.engine import GroupNews
from workers.shard.messages import fallback_name, now

_KEEP = """
INSERT INTO chats (jid, name, ephemeral_expiration, created_at, updated_at)
VALUES (:jid, coalesce(:name, :fallback), coalesce(:timer, 0), :now, :now)
ON CONFLICT (jid) DO UPDATE SET name = coalesce(:name, name),
    ephemeral_expiration = coalesce(:timer, ephemeral_expiration), updated_at = :now
WHERE name != coalesce(:name, name) OR ephemeral_expiration != coalesce(:timer, ephemeral_expiration)
"""


def keep_groups(connection: sqlite3.Connection, told: Iterable[GroupNews]) -> None:
    """Keep what is told of groups that the account is in; one without a chat gets it, without messages."""
    moment = now()
    for news in told:
        values = {
            "jid": news.jid,
            "name": news.name or None,
            "timer": news.timer,
            "fallback": fallback_name(news.jid),
            "now": moment,
        }
        connection.execute(_KEEP, values)
