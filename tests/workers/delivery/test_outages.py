"""An endpoint that fails as a whole is left alone but for one attempt at a time, and may be given up."""

import asyncio
import time

import msgspec
import pytest
from aiohttp import web

from tests.workers.conftest import ALICE, BOB, Who, rows
from tests.workers.delivery.conftest import NOWHERE, Sink, delivering, hook, tell, until
from workers.delivery import Delivery, Pace, pause
from workers.delivery.replays import add
from workers.head import Head
from workers.shard import Shard, hooks, lanes, messages
from workers.shard.hooks import HookRow
from workers.shard.lanes import LaneRow
from workers.shard.replays import Bounds

CHATS = [f"{n}@s.whatsapp.net" for n in range(30)]
PATIENT = Pace(first=0.25, longest=300.0)


async def test_an_endpoint_that_fails_is_down_after_five_failures(shard: Shard, sink: Sink) -> None:
    sink.judge = lambda _: 500
    async with delivering(shard, hook(sink.url), pace=PATIENT) as running:
        for chat in CHATS:
            await running.tell("x", chat=chat)
        await until(lambda: running.delivery.state("crm").down)
        await until(lambda: running.delivery.state("crm").failures >= 5)
        await until(lambda: running.delivery.lag() == 30)
        view = running.delivery.state("crm")
        assert (500, "HTTP 500") == (view.last_status, view.last_error)
        assert 0 < view.retry_in <= 0.3
        assert len(sink.attempts) <= 8  # those that were under way may end


async def test_the_first_success_lets_all_go_on(shard: Shard, sink: Sink) -> None:
    sink.judge = lambda _: 500
    async with delivering(shard, hook(sink.url)) as running:
        for chat in CHATS:
            await running.tell("one", "two", chat=chat)
        await until(lambda: running.delivery.state("crm").down)
        sink.judge = lambda _: 200
        await sink.until(lambda: len(sink.taken) == 60)
        await until(lambda: running.delivery.lag() == 0)
        assert not running.delivery.state("crm").down
    assert [["one", "two"]] * 30 == [sink.texts(chat) for chat in CHATS]


async def test_a_retry_after_takes_the_endpoint_down_at_once(shard: Shard, sink: Sink) -> None:
    async def busy(_: web.Request) -> web.Response:
        return web.Response(status=429, headers={"Retry-After": "7200"})

    sink.answers = [busy]
    slow = Pace(first=0.001, longest_asked=0.1)
    async with delivering(shard, hook(sink.url), pace=slow) as running:
        await running.tell("one")
        await sink.until(lambda: len(sink.attempts) == 1)
        began = asyncio.get_running_loop().time()
        await running.tell("two", chat=BOB)
        await sink.until(lambda: len(sink.taken) == 2)
    assert asyncio.get_running_loop().time() - began >= 0.08


async def test_a_410_stops_a_hook_until_it_is_resumed(shard: Shard, sink: Sink) -> None:
    sink.answers = [410]
    async with delivering(shard, hook(sink.url)) as running:
        await running.tell("one", "two")
        await until(lambda: running.delivery.state("crm").state == "gone")
    async with delivering(shard, hook(sink.url)) as running:
        assert "gone" == running.delivery.state("crm").state
        await running.delivery.resume("crm")
        await sink.until(lambda: len(sink.taken) == 2)
    assert ["one", "two"] == sink.texts()
    assert 3 == len(sink.attempts)


async def test_a_paused_hook_gets_what_waited_once_it_is_resumed(shard: Shard, sink: Sink) -> None:
    async with delivering(shard, hook(sink.url)) as running:
        await running.delivery.pause("crm")
        await running.tell("one", "two")
        await until(lambda: running.delivery.lag() == 2)
        assert "paused" == running.delivery.state("crm").state
        assert (await running.delivery.test("crm")).delivered
        await running.delivery.resume("crm")
        await sink.until(lambda: len(sink.taken) == 3)
    assert [0, 1, 2] == [event["seq"] for event in sink.taken]


async def test_resuming_ends_a_wait(shard: Shard, sink: Sink) -> None:
    sink.answers = [500]
    async with delivering(shard, hook(sink.url), pace=Pace(first=300.0)) as running:
        await running.tell("one")
        await until(lambda: running.delivery.state("crm").blocked_chats == 1)
        await running.delivery.resume("crm")
        await sink.until(lambda: len(sink.taken) == 1)


async def test_an_event_that_waited_long_enough_is_a_dead_letter(shard: Shard, sink: Sink) -> None:
    sink.judge = lambda event: 500 if event["payload"]["body"] == "poison" else 200
    wanted = msgspec.structs.replace(hook(sink.url), give_up=0)
    async with delivering(shard, wanted) as running:
        await running.tell("poison", "after it")
        await sink.until(lambda: len(sink.taken) == 1)
        await until(lambda: running.delivery.lag() == 0)
    assert [(1, "dead", 500), (2, "delivered", 200)] == rows(
        shard, "SELECT seq, state, status FROM deliveries ORDER BY seq"
    )


async def test_a_replay_that_is_delivered_shows_that_the_endpoint_works(shard: Shard, sink: Sink) -> None:
    sink.judge = lambda _: 500
    wanted = msgspec.structs.replace(hook(sink.url), give_up=0)
    async with delivering(shard, wanted) as running:
        await running.tell("one")
        await until(lambda: running.delivery.state("crm").last_error == "HTTP 500")
        assert 1 == running.delivery.state("crm").failures
        sink.judge = lambda _: 200
        await until(lambda: rows(shard, "SELECT 1 FROM deliveries WHERE state = 'dead'") != [])
        await add(shard, wanted, Bounds(dead=True))
        running.delivery.replay_added()
        await until(lambda: running.delivery.state("crm").delivered_at > 0)
        view = running.delivery.state("crm")
        assert (0, 200, "") == (view.failures, view.last_status, view.last_error)
    assert [(0, 200, "", 1)] == rows(
        shard, "SELECT attempts, last_status, last_error, delivered_at > 0 FROM hooks"
    )


async def test_old_events_of_an_endpoint_that_is_down_are_given_up_together(shard: Shard) -> None:
    await Delivery.open(shard, [hook(NOWHERE)], Who(), Head())
    for n in range(600):
        await tell(shard, "old", chat=CHATS[n % 30])
    long_ago = "UPDATE log SET time = time - 3600000"
    await asyncio.wrap_future(shard.write(lambda c: c.execute(long_ago).rowcount))
    down = HookRow(id="crm", cursor=0, attempts=40, pause=0.001, down=1000.0)
    await asyncio.wrap_future(shard.write(lambda c: hooks.save_hook(c, down)))
    async with delivering(shard, hook(NOWHERE, give_up=900)) as running:
        await running.tell("young")
        await until(lambda: running.delivery.lag() == 1)
    assert [(600,)] == rows(shard, "SELECT count(*) FROM deliveries WHERE state = 'dead'")
    assert [] == rows(shard, "SELECT * FROM deliveries WHERE seq = 601 AND state = 'dead'")


@pytest.mark.parametrize("jump", [10**7, -(10**7)])
async def test_no_jump_of_the_clock_kills_an_event_or_stalls_it(
    shard: Shard, sink: Sink, monkeypatch: pytest.MonkeyPatch, jump: int
) -> None:
    sink.answers = [500] * 7
    real = time.time_ns
    async with delivering(shard, hook(sink.url, give_up=3600)) as running:
        await running.tell("one", "two")
        await sink.until(lambda: len(sink.attempts) >= 2)
        monkeypatch.setattr(time, "time_ns", lambda: real() + jump * 10**9)
        await sink.until(lambda: len(sink.taken) == 2)
        await until(lambda: running.delivery.lag() == 0)
    assert [("delivered",)] == rows(shard, "SELECT DISTINCT state FROM deliveries")


async def test_a_wait_goes_on_after_a_restart_and_no_clock_makes_it_longer(
    shard: Shard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def prepare(connection: object) -> None:
        hooks.sync_hooks(connection, ["crm"])  # type: ignore[arg-type]
        hooks.save_hook(connection, HookRow(id="crm", cursor=0, attempts=9, pause=4.0, left=4.0))  # type: ignore[arg-type]
        lanes.save_lanes(connection, "crm", [LaneRow(ALICE, 0, 3, 4.0, 4.0, 7.0)])  # type: ignore[arg-type]

    await asyncio.wrap_future(shard.write(prepare))
    real = messages.now()
    for clock, least, most in (
        (real, 3.0, 4.0),
        (real - 86_400_000, 4.0, 4.0),
        (real + 86_400_000, 0.0, 0.0),
    ):
        monkeypatch.setattr(hooks, "now", lambda clock=clock: clock)
        monkeypatch.setattr(lanes, "now", lambda clock=clock: clock)
        (row,) = await shard.read(hooks.read_hooks)
        (lane,) = await shard.read(lambda c: lanes.read_lanes(c, "crm"))
        assert least <= row.left <= most
        assert least <= lane.left <= most
        assert (9, 3, 7.0) == (row.attempts, lane.attempts, lane.waited)


def test_waits_double_up_to_five_minutes_with_some_jitter() -> None:
    for attempts, middle in ((1, 0.25), (2, 0.5), (3, 1), (12, 300), (5000, 300)):
        waits = [pause(Pace(), attempts, 0) for _ in range(200)]
        assert middle * 0.8 <= min(waits) < max(waits) <= middle * 1.2
    assert 120.0 == pause(Pace(), 1, 120.0)
