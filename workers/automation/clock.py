"""Time and chance as what happens by itself sees them."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import msgspec

from workers.shard.messages import now


class Clock(msgspec.Struct, frozen=True):
    """`now` is in Unix milliseconds, `sleep` takes seconds, `spread` is anything from 0 to 1."""

    now: Callable[[], int] = now
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    spread: Callable[[], float] = random.random
