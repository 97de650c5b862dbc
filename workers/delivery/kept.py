"""What the shard keeps of the hooks, as their readers go on from it."""

import asyncio
import sqlite3
from collections.abc import Callable
from typing import TypeVar

import msgspec

from wagateway.contract import Problem
from wagateway.database import as_problem
from workers.delivery.pace import Pace, pause_for_disk
from workers.shard import Shard
from workers.shard.hooks import HookRow, read_hooks
from workers.shard.lanes import LaneRow, count_waiting, read_lanes

T = TypeVar("T")


class Kept(msgspec.Struct, frozen=True):
    """A hook, its lanes, and how many events each of those holds up."""

    row: HookRow
    lanes: list[LaneRow] = []
    waiting: dict[str, int] = {}


def kept(connection: sqlite3.Connection) -> dict[str, Kept]:
    """Every hook of the shard by its id."""
    return {
        row.id: Kept(row, read_lanes(connection, row.id), count_waiting(connection, row.id))
        for row in read_hooks(connection)
    }


async def look(shard: Shard, read: Callable[[sqlite3.Connection], T], pace: Pace) -> T:
    """What `read` returns; a disk that fails is tried again until it works."""
    failures = 0
    while True:
        try:
            return await shard.read(read)
        except (sqlite3.Error, Problem) as error:
            if not isinstance(as_problem(error), Problem):
                raise
        failures += 1
        await asyncio.sleep(pause_for_disk(pace, failures))
