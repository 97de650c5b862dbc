"""A log with events that its webhook has not got, as an outage of the endpoint leaves it."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import msgspec

from wagateway.events.catalogue import MESSAGE
from wagateway.events.messages import MessagePayload
from workers.shard import Shard
from workers.shard import log as event_log

_BATCH = 1000


class Account(msgspec.Struct, frozen=True):
    """Whose log it is."""

    id: str
    jid: str


def fill_log(path: Path, account: Account, count: int, chats: int) -> None:
    """Append message events to the shard at `path`, which nobody else has open, in turn to each chat.

    The text of an event is its number, from 0.
    """
    shard = Shard.open(path)
    for first in range(0, count, _BATCH):
        numbers = range(first, min(first + _BATCH, count))
        shard.write(_appending(account, numbers, chats)).result()
    shard.close()


def _appending(account: Account, numbers: range, chats: int) -> Callable[[sqlite3.Connection], None]:
    def append(connection: sqlite3.Connection) -> None:
        for number in numbers:
            chat = f"62812{number % chats:08}@s.whatsapp.net"
            event_log.append(connection, account, MESSAGE, chat, _payload(number, chat))

    return append


def _payload(number: int, chat: str) -> MessagePayload:
    return MessagePayload(
        id=f"BACKLOG{number:08}",
        chat_id=chat,
        sender=chat,
        sender_display_name="Somebody",
        timestamp="2026-11-24T12:00:00Z",
        is_from_me=False,
        kind="text",
        message_id=f"BACKLOG{number:08}",
        chat_jid=chat,
        sender_jid=chat,
        content=str(number),
        body=str(number),
    )
