"""How far one stored message came, and with whom."""

import sqlite3

import msgspec

from wagateway.problems import invalid, message_not_found
from workers.shard import messages, receipts
from workers.shard.messages import StoredRow
from workers.shard.receipts import ReceiptRow


class MessageStanding(msgspec.Struct, frozen=True):
    """A message, and its receipts where it is one of ours."""

    message: StoredRow
    receipts: list[ReceiptRow]


def find_standing(connection: sqlite3.Connection, message_id: str, chat: str | None) -> MessageStanding:
    """The message with this id, in the chat (a phone JID or LID) where one is given.

    Raises 404 `MESSAGE_NOT_FOUND`, and 400 without a chat for an id that is in several.
    """
    if chat is None and len(messages.chats_with(connection, message_id)) > 1:
        raise invalid("phone", "must name the chat, because this id is in several")
    known = None if chat is None else messages.phone_of(connection, chat)
    found = messages.find_message(connection, message_id, known)
    if found is None:
        raise message_not_found(message_id)
    got = receipts.find_receipts(connection, found.chat, found.id) if found.from_me else []
    return MessageStanding(found, got)
