"""How a worker comes to its end, and what it still does before."""

import asyncio
from typing import cast

import pytest

from wagateway.exits import Exit
from workers import worker
from workers.delivery import LAST_WORDS_SECONDS
from workers.device import Device


class Delivering:
    def __init__(self) -> None:
        self.asked: list[float] = []
        self.late = 0

    async def settled(self, seconds: float) -> None:
        self.asked.append(seconds)
        await asyncio.sleep(0)

    def behind(self) -> bool:
        self.late -= 1
        return self.late >= 0


class Ending:
    """What the end of a worker asks of its device."""

    def __init__(self) -> None:
        self.over: asyncio.Future[Exit] = asyncio.get_running_loop().create_future()
        self.delivery = Delivering()
        self.left_alone = False

    async def unused(self, _seconds: float) -> None:
        if not self.left_alone:
            await asyncio.Event().wait()


async def nothing_to_do() -> None: ...


async def end(device: Ending) -> Exit:
    async with asyncio.timeout(5):
        return await worker._until_over(cast("Device", device), asyncio.Event(), [nothing_to_do])


@pytest.mark.parametrize("code", [Exit.LOGGED_OUT, Exit.BANNED, Exit.STREAM_REPLACED])
async def test_a_worker_that_nobody_starts_again_delivers_its_last_events(code: Exit) -> None:
    device = Ending()
    device.over.set_result(code)
    assert code is await end(device)
    assert {LAST_WORDS_SECONDS} == set(device.delivery.asked)


async def test_a_worker_that_is_started_again_does_not_wait() -> None:
    device = Ending()
    device.over.set_result(Exit.ENGINE_ENDED)
    assert Exit.ENGINE_ENDED is await end(device)
    assert [] == device.delivery.asked


async def test_an_unused_worker_stays_while_there_is_something_to_deliver(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker, "BEHIND_SECONDS", 0.001)
    device = Ending()
    device.left_alone, device.delivery.late = True, 3
    assert Exit.IDLE is await end(device)
    assert -1 == device.delivery.late
