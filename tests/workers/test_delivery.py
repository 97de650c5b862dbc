"""Hooks get every event, in order, signed, however often they fail."""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.workers.conftest import ALICE, OWN, incoming, rows
from wagateway.commands.internal import Hooks
from workers import delivery
from workers.delivery import Delivery, Pace, pause
from workers.inbound import Inbound
from workers.shard import Shard, hooks

SECRET = "whsec_" + base64.b64encode(b"k" * 24).decode()
FAST = Pace(first=0.001, longest=0.002, longest_asked=0.01, timeout=0.5)
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Sink:
    """A webhook endpoint: `answers` are used up first, then everything is taken with a 200."""

    def __init__(self) -> None:
        self.url = ""
        self.answers: list[int | Answer] = []
        self.attempts: list[tuple[dict[str, str], bytes]] = []
        self.taken: list[dict[str, Any]] = []
        self.connections: set[object] = set()
        self._changed = asyncio.Condition()

    async def hook(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.connections.add(request.transport)
        answer = self.answers.pop(0) if self.answers else 200
        response = await answer(request) if callable(answer) else web.Response(status=answer)
        async with self._changed:
            self.attempts.append((dict(request.headers), body))
            if response.status == 200:
                self.taken.append(json.loads(body))
            self._changed.notify_all()
        return response

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10), self._changed:
            await self._changed.wait_for(condition)

    def texts(self) -> list[str]:
        """Without repeats: who is stopped before it hears the answer delivers once more."""
        return list(dict.fromkeys(event["payload"]["body"] for event in self.taken))


@contextlib.asynccontextmanager
async def listening(sink: Sink, port: int = 0) -> AsyncIterator[int]:
    application = web.Application()
    application.router.add_post("/hook", sink.hook)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    bound: int = runner.addresses[0][1]
    sink.url = f"http://127.0.0.1:{bound}/hook"
    try:
        yield bound
    finally:
        await runner.cleanup()


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    made = Sink()
    async with listening(made):
        yield made


class Running:
    """A delivery at work, and what feeds it."""

    def __init__(self, made: Delivery, inbound: Inbound) -> None:
        self.delivery = made
        self._inbound = inbound

    async def receive(self, *texts: str, **fields: object) -> None:
        for text in texts:
            message = incoming(text, **fields)
            await asyncio.to_thread(self._inbound.message, message)


class Who:
    id = "sales"
    jid = OWN


@contextlib.asynccontextmanager
async def delivering(
    shard: Shard, *urls: str, pace: Pace = FAST, events: tuple[str, ...] = ()
) -> AsyncIterator[Running]:
    made = await Delivery.open(shard, Hooks(list(urls), SECRET, list(events)), pace)
    task = asyncio.create_task(made.run())
    try:
        yield Running(made, Inbound(shard, Who(), made.committed))
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def cursor(shard: Shard) -> int:
    return int(str(rows(shard, "SELECT cursor FROM hooks")[0][0]))


async def test_w10_events_arrive_in_order_with_the_bytes_of_the_log(shard: Shard, sink: Sink) -> None:
    async with delivering(shard, sink.url) as running:
        await running.receive(*(str(n) for n in range(20)))
        await sink.until(lambda: len(sink.taken) == 20)
    logged = [body for (body,) in rows(shard, "SELECT body FROM log ORDER BY seq")]
    assert logged == [body for _, body in sink.attempts]


async def test_w34_a_delivery_is_signed_in_both_ways(shard: Shard, sink: Sink) -> None:
    async with delivering(shard, sink.url) as running:
        await running.receive("hi")
        await sink.until(lambda: len(sink.taken) == 1)
    headers, body = sink.attempts[0]
    hub = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    assert f"sha256={hub}" == headers["X-Hub-Signature-256"]
    event_id, timestamp = headers["webhook-id"], headers["webhook-timestamp"]
    signed = f"{event_id}.{timestamp}.".encode() + body
    standard = base64.b64encode(hmac.new(b"k" * 24, signed, hashlib.sha256).digest()).decode()
    assert f"v1,{standard}" == headers["webhook-signature"]
    assert (sink.taken[0]["event_id"], "application/json") == (event_id, headers["Content-Type"])
    assert abs(time.time() - int(timestamp)) < 5
    assert headers["User-Agent"].startswith("wagateway/")


async def test_w12_one_connection_is_kept_for_many_deliveries(shard: Shard, sink: Sink) -> None:
    async with delivering(shard, sink.url) as running:
        await running.receive(*(str(n) for n in range(10)))
        await sink.until(lambda: len(sink.taken) == 10)
    assert len(sink.connections) == 1


@pytest.mark.parametrize("status", [301, 307, 400, 410, 500, 503])
async def test_whatever_is_not_2xx_is_tried_again_with_the_same_id(
    shard: Shard, sink: Sink, status: int
) -> None:
    sink.answers = [status, status]
    async with delivering(shard, sink.url) as running:
        await running.receive("one", "two")
        await sink.until(lambda: len(sink.taken) == 2)
    assert sink.texts() == ["one", "two"]
    assert len(sink.attempts) == 4
    assert len({headers["webhook-id"] for headers, _ in sink.attempts[:3]}) == 1


async def test_an_endpoint_that_hangs_is_given_up_and_tried_again(shard: Shard, sink: Sink) -> None:
    entered, forever = asyncio.Event(), asyncio.Event()

    async def hang(_: web.Request) -> web.Response:
        entered.set()
        await forever.wait()
        return web.Response(status=500)

    sink.answers = [hang]
    async with delivering(shard, sink.url, pace=Pace(first=0.001, timeout=0.05)) as running:
        await running.receive("one")
        await entered.wait()
        await sink.until(lambda: sink.texts() == ["one"])
    forever.set()


async def test_a_body_without_end_does_not_undo_a_delivery(shard: Shard, sink: Sink) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=202)
        await response.prepare(request)
        await response.write(b"x" * 100)
        return response

    sink.answers = [endless]
    async with delivering(shard, sink.url) as running:
        await running.receive("one", "two")
        await sink.until(lambda: sink.texts() == ["two"])
    assert len(sink.attempts) == 2


async def test_w11_a_dead_hook_slows_no_other(shard: Shard, sink: Sink) -> None:
    dead = "http://127.0.0.1:1/hook"
    async with delivering(shard, dead, sink.url, pace=Pace()) as running:
        await running.receive(*(str(n) for n in range(5)))
        await sink.until(lambda: len(sink.taken) == 5)
        assert running.delivery.lag() == 5


async def test_an_endpoint_that_was_down_gets_everything_in_order_when_it_is_back(shard: Shard) -> None:
    sink = Sink()
    async with listening(sink) as port, delivering(shard, sink.url) as running:
        await running.receive("before")
        await sink.until(lambda: len(sink.taken) == 1)
    async with delivering(shard, sink.url) as running:
        await running.receive(*(f"down {n}" for n in range(5)))
        async with listening(sink, port):
            await sink.until(lambda: "down 4" in sink.texts())
    assert ["before", *(f"down {n}" for n in range(5))] == sink.texts()


async def test_a_restart_goes_on_where_it_was(shard: Shard, sink: Sink, path: Path) -> None:
    async with delivering(shard, sink.url) as running:
        await running.receive("one", "two")
        await sink.until(lambda: len(sink.taken) == 2)
    Inbound(shard, Who(), lambda _: None).message(incoming("while nobody delivered"))
    shard.close()
    again = Shard.open(path)
    async with delivering(again, sink.url):
        await sink.until(lambda: "while nobody delivered" in sink.texts())
    assert sink.texts() == ["one", "two", "while nobody delivered"]
    assert len(sink.taken) <= 4
    again.close()


async def test_a_new_hook_starts_at_the_end_of_the_log_and_a_removed_one_is_forgotten(
    shard: Shard, sink: Sink
) -> None:
    Inbound(shard, Who(), lambda _: None).message(incoming("before the hook"))
    async with delivering(shard, sink.url) as running:
        await running.receive("after")
        await sink.until(lambda: len(sink.taken) == 1)
    assert sink.texts() == ["after"]
    async with delivering(shard):
        assert rows(shard, "SELECT url FROM hooks") == []


async def test_an_event_that_was_not_asked_for_is_passed_over(shard: Shard, sink: Sink) -> None:
    Inbound(shard, Who(), lambda _: None).unread(1, b"x")
    async with delivering(shard, sink.url, events=("MESSAGE",)) as running:
        await asyncio.to_thread(running._inbound.unread, 2, b"y")
        await running.receive("one")
        await sink.until(lambda: len(sink.taken) == 1)
    assert cursor(shard) >= 2
    assert [event["event"] for event in sink.taken] == ["message"]


async def test_status_posts_are_logged_and_not_delivered(shard: Shard, sink: Sink) -> None:
    async with delivering(shard, sink.url) as running:
        await running.receive("status", chat="status@broadcast")
        await running.receive("one")
        await sink.until(lambda: len(sink.taken) == 1)
    assert sink.texts() == ["one"]
    assert rows(shard, "SELECT count(*) FROM log") == [(2,)]


async def test_depth_and_lag_count_events(shard: Shard, sink: Sink) -> None:
    async with delivering(shard, "http://127.0.0.1:1/hook") as running:
        await running.receive("one", "two")
        assert (running.delivery.depth(), running.delivery.lag()) == (2, 2)
    async with delivering(shard) as running:
        assert (running.delivery.depth(), running.delivery.lag()) == (2, 0)


async def test_a_wait_goes_on_after_a_restart_and_no_clock_makes_it_longer(
    shard: Shard, monkeypatch: pytest.MonkeyPatch
) -> None:
    await asyncio.wrap_future(shard.write(lambda c: hooks.sync_hooks(c, ["http://a/"])))
    failed = hooks.HookRow("http://a/", 0, 3, 4.0)
    await asyncio.wrap_future(shard.write(lambda c: hooks.save_failure(c, failed, "HTTP 500")))
    real = hooks.now()
    for clock, least, most in (
        (real, 3.0, 4.0),
        (real - 86_400_000, 4.0, 4.0),
        (real + 86_400_000, 0.0, 0.0),
    ):
        monkeypatch.setattr(hooks, "now", lambda clock=clock: clock)
        (row,) = await asyncio.wrap_future(shard.write(lambda c: hooks.sync_hooks(c, ["http://a/"])))
        assert least <= row.wait <= most
        assert row.attempts == 3


def test_waits_double_up_to_a_minute_with_some_jitter() -> None:
    for attempts, middle in ((1, 1), (2, 2), (3, 4), (7, 60), (5000, 60)):
        waits = [pause(Pace(), attempts, 0) for _ in range(200)]
        assert middle * 0.8 <= min(waits) < max(waits) <= middle * 1.2


def test_what_the_receiver_asks_for_is_heeded_up_to_an_hour() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    assert pause(Pace(), 1, delivery._retry_after("120")) == 120.0
    assert pause(Pace(), 1, delivery._retry_after("9" * 30)) == 3600.0
    assert 25 <= delivery._retry_after(soon) <= 30
    for nonsense in (None, "", "-5", "soon", "1e3", "Wed, 21 Oct 2015 07:28:00 GMT"):
        assert delivery._retry_after(nonsense) == 0.0


async def test_a_retry_after_holds_the_next_attempt_back(shard: Shard, sink: Sink) -> None:
    async def busy(_: web.Request) -> web.Response:
        return web.Response(status=429, headers={"Retry-After": "7200"})

    sink.answers = [busy]
    slow = Pace(first=0.001, longest_asked=0.2)
    async with delivering(shard, sink.url, pace=slow) as running:
        await running.receive("one")
        await sink.until(lambda: len(sink.attempts) == 1)
        began = asyncio.get_running_loop().time()
        await sink.until(lambda: len(sink.taken) == 1)
    assert asyncio.get_running_loop().time() - began >= 0.15


async def test_many_waiting_events_drain_fast(shard: Shard, sink: Sink) -> None:
    async with delivering(shard, sink.url):
        pass
    inbound = Inbound(shard, Who(), lambda _: None)
    for n in range(300):
        inbound.message(incoming(str(n), chat=ALICE))
    began = time.monotonic()
    async with delivering(shard, sink.url):
        await sink.until(lambda: len(sink.taken) == 300)
    assert [str(n) for n in range(300)] == sink.texts()
    assert time.monotonic() - began < 5


async def test_a_hook_that_takes_the_place_of_another_gets_what_that_has_not_got(
    shard: Shard, sink: Sink
) -> None:
    async with delivering(shard, "http://127.0.0.1:1/hook") as running:
        await running.receive("for the dead hook")
        await running.delivery.change(Hooks([sink.url], "another secret"))
        await running.receive("for the new hook")
        await sink.until(lambda: "for the new hook" in sink.texts())
        await running.delivery.change(Hooks([], "another secret"))
        await running.receive("for nobody")
        assert 0 == running.delivery.lag()
    assert ["for the dead hook", "for the new hook"] == sink.texts()


async def test_a_hook_beside_another_starts_at_the_end_of_the_log(shard: Shard, sink: Sink) -> None:
    dead = "http://127.0.0.1:1/hook"
    async with delivering(shard, dead) as running:
        await running.receive("for the dead hook")
        await running.delivery.change(Hooks([dead, sink.url], SECRET))
        await running.receive("for both")
        await sink.until(lambda: len(sink.taken) == 1)
    assert ["for both"] == sink.texts()


async def test_a_hook_that_is_kept_goes_on_where_it_was(shard: Shard, sink: Sink) -> None:
    async with delivering(shard, sink.url, events=("nothing.like.it",)) as running:
        await running.receive("filtered")
        await running.delivery.change(Hooks([sink.url], SECRET))
        await running.receive("wanted")
        await sink.until(lambda: "wanted" in sink.texts())
    assert sink.texts() in (["wanted"], ["filtered", "wanted"])
