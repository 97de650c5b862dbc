"""Telling senders by itself that their messages were read."""

import asyncio
import sqlite3
from collections.abc import Iterable
from functools import partial

from wagateway.phone import BROADCAST, NEWSLETTER
from workers import acting
from workers.arrivals import Arrived
from workers.device import Device
from workers.shard import messages

_NOT_READ = (f"@{BROADCAST}", f"@{NEWSLETTER}")


def readable(message: Arrived) -> bool:
    """Whether its sender may be told: not of status posts, which would show us among their viewers."""
    return message.kind != "call" and not message.chat.endswith(_NOT_READ)


def together(batch: Iterable[Arrived]) -> dict[tuple[str, str], list[str]]:
    """The ids of messages by chat and sender: so many receipts there will be."""
    found: dict[tuple[str, str], list[str]] = {}
    for message in batch:
        found.setdefault((message.chat, message.sender), []).append(message.id)
    return found


async def read(device: Device, chat: str, sender: str, ids: list[str]) -> None:
    """Tell the sender, and count the messages as read; raises `Problem`."""
    lid = await device.shard.read(partial(messages.lid_of, jid=sender))
    authors = await acting.addressed(device.engine, chat, [(sender, lid)])
    await device.engine.mark_read(chat, authors[sender], ids)

    def keep(connection: sqlite3.Connection) -> None:
        messages.mark_read(connection, messages.phone_of(connection, chat), ids)

    await asyncio.wrap_future(device.shard.write(keep))
