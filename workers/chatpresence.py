"""What somebody who types changes in the shard: an event, and nothing that is kept."""

import sqlite3

from wagateway.events.catalogue import CHAT_PRESENCE
from wagateway.events.people import ChatPresencePayload
from wagateway.phone import is_group, user_of
from workers.engine import ChatPresence
from workers.identities import Own, parties
from workers.shard import log as event_log
from workers.shard import messages


def keep_presence(connection: sqlite3.Connection, own: Own, presence: ChatPresence) -> int | None:
    """Log the event; None for the account itself."""
    chat, chat_lid, sender, sender_lid = parties(connection, own, presence)
    if sender == own.jid:
        return None
    payload = ChatPresencePayload(
        chat_id=chat,
        chat_lid=chat_lid,
        sender=sender,
        from_lid=sender_lid,
        sender_display_name=messages.name_of(connection, sender) or user_of(sender),
        state=presence.state,
        media=presence.media,
        is_group=is_group(chat),
    )
    return event_log.append(connection, own, CHAT_PRESENCE, chat, payload)
