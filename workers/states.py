"""What is told of how far a message of ours came."""

import sqlite3

from wagateway.commands.messages import MessageStatus
from wagateway.events.catalogue import STATE
from wagateway.events.messages import StatePayload
from workers.shard import log as event_log
from workers.shard import messages
from workers.shard.log import Own


def tell(
    connection: sqlite3.Connection,
    own: Own,
    chat: str,
    message_id: str,
    status: MessageStatus,
    reason: str = "",
) -> int:
    """Log that a message of ours came so far; `chat` is a phone JID where known. Returns the event's number.

    Call it in the transaction that moves the status.
    """
    payload = StatePayload(
        id=message_id,
        chat_id=chat,
        chat_lid=messages.lid_of(connection, chat),
        status=status,
        reason=reason,
    )
    return event_log.append(connection, own, STATE, chat, payload)
