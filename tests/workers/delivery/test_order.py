"""Events of a chat come one after the other, whatever fails; a poison event stops its chat only."""

import asyncio
import random
from collections import defaultdict

from aiohttp import web

from tests.workers.conftest import ALICE, BOB, Who, rows
from tests.workers.delivery.conftest import FAST, Sink, delivering, hook, listening, tell, until
from workers.delivery import Delivery
from workers.head import Head
from workers.shard import Shard

CHATS = [f"{n}@s.whatsapp.net" for n in range(7)]


async def test_w10_events_arrive_with_the_bytes_of_the_log(shard: Shard, sink: Sink) -> None:
    async with delivering(shard, hook(sink.url)) as running:
        await running.tell(*(str(n) for n in range(20)))
        await sink.until(lambda: len(sink.taken) == 20)
    logged = [body for (body,) in rows(shard, "SELECT body FROM log ORDER BY seq")]
    assert logged == [body for _, body in sink.attempts]


async def test_order_of_each_chat_survives_random_failures(shard: Shard, sink: Sink) -> None:
    chance = random.Random(5)
    sink.judge = lambda _: 200 if chance.random() < 0.6 else 500
    async with delivering(shard, hook(sink.url)) as running:
        expected = defaultdict(list)
        for n in range(300):
            chat = chance.choice(CHATS)
            expected[chat].append(str(n))
            await running.tell(str(n), chat=chat)
        await sink.until(lambda: len(sink.taken) == 300)
        await until(lambda: running.delivery.lag() == 0)
    assert expected == {chat: sink.texts(chat) for chat in CHATS}
    assert [] == rows(shard, "SELECT * FROM lanes")
    assert [(300,)] == rows(shard, "SELECT cursor FROM hooks")


async def test_a_poison_event_stops_its_chat_only_even_on_a_quiet_device(shard: Shard, sink: Sink) -> None:
    sink.judge = lambda event: 500 if event["payload"]["body"] == "poison" else 200
    async with delivering(shard, hook(sink.url)) as running:
        await running.tell("poison", "behind it")
        await sink.until(lambda: len(sink.attempts) > 8)
        await running.tell("other", chat=BOB)
        await sink.until(lambda: len(sink.taken) == 1)
        await until(lambda: running.delivery.lag() == 2)
        assert (["other"], 1) == (sink.texts(), running.delivery.state("crm").blocked_chats)
        sink.judge = lambda _: 200
        await sink.until(lambda: len(sink.taken) == 3)
    assert ["poison", "behind it"] == sink.texts(ALICE)


async def test_lanes_survive_a_kill(shard: Shard, sink: Sink) -> None:
    sink.judge = lambda event: 500 if event["payload"]["chat_id"] == ALICE else 200
    killed = await Delivery.open(shard, [hook(sink.url)], Who(), Head(), FAST)
    task = asyncio.create_task(killed.run())
    await tell(shard, "a1", "a2", head=killed._head)
    await tell(shard, "b1", "b2", chat=BOB, head=killed._head)
    await sink.until(lambda: len(sink.taken) == 2)
    await until(lambda: [(4,)] == rows(shard, "SELECT cursor FROM hooks"))
    held = rows(shard, "SELECT chat, cursor FROM lanes")
    killed._readers["crm"]._dispatch.progress.at_last = lambda: None  # type: ignore[method-assign]
    task.cancel()
    await asyncio.wait([task])
    sink.judge = lambda _: 200
    async with delivering(shard, hook(sink.url)) as running:
        await running.tell("a3")
        await sink.until(lambda: len(sink.texts(ALICE)) == 3)
    assert [(ALICE, 0)] == held
    assert (["a1", "a2", "a3"], ["b1", "b2"]) == (sink.texts(ALICE), sink.texts(BOB))


async def test_an_orderly_end_leads_to_no_repeats(shard: Shard, sink: Sink) -> None:
    await Delivery.open(shard, [hook(sink.url)], Who(), Head())
    for n in range(150):
        await tell(shard, str(n), chat=CHATS[n % 7])
    while len(sink.texts()) < 150:
        async with delivering(shard, hook(sink.url, concurrency=1)):
            texts = len(sink.texts())
            await sink.until(lambda: len(sink.texts()) >= min(texts + 20, 150))
    assert 160 > len(sink.taken)


async def test_no_more_posts_than_allowed_are_under_way(shard: Shard, sink: Sink) -> None:
    full = asyncio.Event()

    async def slow(_: web.Request) -> web.Response:
        if sink.busy == 3:
            full.set()
        await full.wait()
        return web.Response()

    sink.answers = [slow] * 100
    await Delivery.open(shard, [hook(sink.url)], Who(), Head())
    for n in range(100):
        await tell(shard, str(n), chat=f"{n}@s.whatsapp.net")
    async with delivering(shard, hook(sink.url, concurrency=3)):
        await sink.until(lambda: len(sink.taken) == 100)
    assert 3 == sink.busiest
    assert 3 >= len(sink.connections)


async def test_an_endpoint_that_was_down_gets_everything_in_order_when_it_is_back(shard: Shard) -> None:
    sink = Sink()
    async with listening(sink) as port:
        url = sink.url
    async with delivering(shard, hook(url)) as running:
        await running.tell(*(f"down {n}" for n in range(5)))
        await until(lambda: running.delivery.state("crm").down)
        async with listening(sink, port):
            await sink.until(lambda: "down 4" in sink.texts())
    assert [f"down {n}" for n in range(5)] == sink.texts()
