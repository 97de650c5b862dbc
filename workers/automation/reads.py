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


def together(batch: Iterable[Arrived]) -> dict[str, list[Arrived]]:
    """The messages by chat."""
    found: dict[str, list[Arrived]] = {}
    for message in batch:
        found.setdefault(message.chat, []).append(message)
    return found


async def read(device: Device, chat: str, unread: list[Arrived]) -> None:
    """Tell the senders, and count the messages as read; raises `Problem`."""
    lids = await device.shard.read(partial(_lids, unread=unread))
    await acting.tell_read(device.engine, chat, [(one.id, one.sender, lids[one.sender]) for one in unread])

    def keep(connection: sqlite3.Connection) -> None:
        messages.mark_read(connection, messages.phone_of(connection, chat), [one.id for one in unread])

    await asyncio.wrap_future(device.shard.write(keep))


def _lids(connection: sqlite3.Connection, unread: list[Arrived]) -> dict[str, str]:
    return {one.sender: messages.lid_of(connection, one.sender) for one in unread}
