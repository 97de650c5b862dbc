"""Telling senders by itself that their messages were read."""

import asyncio
from collections.abc import Iterable
from functools import partial

from wagateway.phone import BROADCAST, NEWSLETTER
from workers import acting
from workers.arrivals import Arrived
from workers.device import Device
from workers.shard import chats
from workers.shard.people import find_people

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
    people = await device.shard.read(partial(find_people, jids={one.sender for one in unread}))
    told = [(one.id, one.sender, people[one.sender].lid) for one in unread]
    await acting.tell_read(device.engine, chat, told)
    ids = [one.id for one in unread]
    await asyncio.wrap_future(device.shard.write(partial(chats.read, chat=chat, ids=ids)))
