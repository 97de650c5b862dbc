"""What a message that could not be decrypted changes in the shard: its event."""

import sqlite3

from wagateway.events.catalogue import UNDECRYPTABLE
from workers import payloads
from workers.engine import Undecryptable
from workers.identities import Own, learn
from workers.shard import log as event_log
from workers.shard import messages


def keep_undecryptable(connection: sqlite3.Connection, own: Own, message: Undecryptable) -> int | None:
    """Log the event; None for a message that is stored: then another copy of it could be read."""
    facts = learn(connection, own, message)
    if messages.find_message(connection, facts.id, facts.chat) is not None:
        return None
    payload = payloads.undecryptable_of(facts, unavailable=message.unavailable)
    return event_log.append(connection, own, UNDECRYPTABLE, facts.chat, payload)
