"""Before a worker ends for good its last events have a chance to be delivered."""

import asyncio

from aiohttp import web

from tests.workers.conftest import BOB
from tests.workers.delivery.conftest import NOWHERE, Sink, delivering, hook, until
from workers.delivery import Pace
from workers.shard import Shard


async def test_what_was_told_is_delivered_when_it_has_settled(shard: Shard, sink: Sink) -> None:
    async with delivering(shard, hook(sink.url)) as running:
        held = asyncio.Event()

        async def late(_: web.Request) -> web.Response:
            await held.wait()
            return web.Response()

        sink.answers = [late]
        await running.tell("one")
        settled = asyncio.create_task(running.delivery.settled(5.0))
        await running.tell("two", chat=BOB)
        await sink.until(lambda: sink.texts() == ["two"])
        assert running.delivery.behind()
        assert not settled.done()
        held.set()
        await settled
        assert ["one", "two"] == sorted(sink.texts())
        assert not running.delivery.behind()


async def test_a_hook_that_fails_as_a_whole_is_not_waited_for(shard: Shard) -> None:
    async with delivering(shard, hook(NOWHERE), pace=Pace(first=300.0)) as running:
        for number in range(6):
            await running.tell("lost", chat=f"{number}@s.whatsapp.net")
        await until(lambda: running.delivery.state("crm").down)
        async with asyncio.timeout(1):
            await running.delivery.settled(60.0)
        assert running.delivery.behind()


async def test_an_event_that_is_taken_by_nobody_is_not_waited_for_long(shard: Shard) -> None:
    async with delivering(shard, hook(NOWHERE), pace=Pace(first=300.0)) as running:
        await running.tell("lost")
        await running.delivery.settled(0.05)
        assert running.delivery.behind()


async def test_what_a_held_hook_has_not_got_is_not_waited_for(shard: Shard) -> None:
    async with delivering(shard, hook(NOWHERE)) as running:
        await running.delivery.pause("crm")
        await running.tell("held")
        await running.delivery.settled(60.0)
        assert not running.delivery.behind()
