"""What backlogs may take of a worker, all together."""

import asyncio
import time

from workers.delivery.rate import Rate


async def test_all_who_spend_share_one_rate() -> None:
    rate = Rate(20_000)
    began = time.monotonic()
    await asyncio.gather(*(rate.spend(100) for _ in range(20)))
    assert 0.08 <= time.monotonic() - began < 1


async def test_who_spends_little_does_not_wait() -> None:
    rate = Rate(1000)
    async with asyncio.timeout(0.5):
        for _ in range(1000):
            await rate.spend(0)
