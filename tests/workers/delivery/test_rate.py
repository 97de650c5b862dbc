"""What backlogs may take of a worker, all together."""

import asyncio

import pytest

from workers.delivery.rate import Rate


@pytest.fixture
async def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited, by a clock that stands still."""
    made: list[float] = []

    async def sleep(seconds: float) -> None:
        made.append(round(seconds, 6))

    monkeypatch.setattr(asyncio, "sleep", sleep)
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: 1000.0)
    return made


async def test_all_who_spend_share_one_rate(waits: list[float]) -> None:
    rate = Rate(1000)
    for _ in range(3):
        await rate.spend(100)
    assert [0.08, 0.18, 0.28] == waits


async def test_who_spends_little_does_not_wait(waits: list[float]) -> None:
    rate = Rate(1000)
    for _ in range(1000):
        await rate.spend(0)
    await rate.spend(19)
    assert [] == waits
