"""Hooks come, go and change while events are delivered."""

import pytest

from tests.workers.conftest import BOB, rows
from tests.workers.delivery.conftest import NOWHERE, Sink, delivering, hook, tell, until
from wagateway.contract import Problem
from workers.delivery import Pace
from workers.shard import Shard


async def test_a_new_hook_starts_at_the_end_of_the_log(shard: Shard, sink: Sink) -> None:
    await tell(shard, "before")
    async with delivering(shard, hook(sink.url)) as running:
        await running.tell("after")
        await sink.until(lambda: len(sink.taken) == 1)
    assert ["after"] == sink.texts()


async def test_nothing_is_kept_of_a_removed_hook(shard: Shard) -> None:
    async with delivering(shard, hook(NOWHERE)) as running:
        await running.tell("one")
        await until(lambda: running.delivery.state("crm").blocked_chats == 1)
        await running.delivery.change([])
        assert 0 == running.delivery.lag()
        with pytest.raises(Problem):
            running.delivery.state("crm")
    for table in ("hooks", "lanes", "deliveries", "replays"):
        assert [] == rows(shard, f"SELECT * FROM {table}")


async def test_a_hook_that_takes_the_place_of_another_gets_what_that_has_not_got(
    shard: Shard, sink: Sink
) -> None:
    async with delivering(shard, hook(NOWHERE)) as running:
        await running.tell("for the dead hook")
        await until(lambda: running.delivery.state("crm").cursor == 1)
        await running.delivery.change([hook(sink.url, id="other")])
        await running.tell("for the new hook")
        await sink.until(lambda: len(sink.taken) == 2)
    assert ["for the dead hook", "for the new hook"] == sink.texts()


async def test_a_hook_beside_another_starts_at_the_end_of_the_log(shard: Shard, sink: Sink) -> None:
    async with delivering(shard, hook(NOWHERE)) as running:
        await running.tell("for the dead hook")
        await running.delivery.change([hook(NOWHERE), hook(sink.url, id="other")])
        await running.tell("for both")
        await sink.until(lambda: len(sink.taken) == 1)
    assert ["for both"] == sink.texts()


async def test_a_changed_hook_goes_on_at_once_where_it_was(shard: Shard, sink: Sink) -> None:
    async with delivering(shard, hook(NOWHERE), pace=Pace(first=300.0)) as running:
        await running.tell("one", "two")
        await until(lambda: running.delivery.state("crm").blocked_chats == 1)
        await running.delivery.change([hook(sink.url, events=["message"])])
        await running.tell("three", chat=BOB)
        await sink.until(lambda: len(sink.taken) == 3)
    assert {"one", "two", "three"} == set(sink.texts())


async def test_a_hook_that_stays_is_not_disturbed(shard: Shard, sink: Sink) -> None:
    async with delivering(shard, hook(sink.url)) as running:
        await until(lambda: "crm" in running.delivery._tasks)
        task = running.delivery._tasks["crm"]
        await running.delivery.change([hook(sink.url), hook(NOWHERE, id="other")])
        assert task is running.delivery._tasks["crm"]
        assert ["crm", "other"] == running.delivery.hook_ids()


async def test_a_restart_goes_on_where_it_was(shard: Shard, sink: Sink) -> None:
    async with delivering(shard, hook(sink.url)) as running:
        await running.tell("one", "two")
        await sink.until(lambda: len(sink.taken) == 2)
    await tell(shard, "while nobody delivered")
    async with delivering(shard, hook(sink.url)):
        await sink.until(lambda: "while nobody delivered" in sink.texts())
    assert ["one", "two", "while nobody delivered"] == sink.texts()
