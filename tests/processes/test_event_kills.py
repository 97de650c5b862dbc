"""kill -9 of everything over 10,000 events to an endpoint that fails at random: all arrive, in order."""

import asyncio
import contextlib
import json
import os
import random
import signal
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.backlog import Account, fill_log
from tests.harness import Gateway, gateway
from wagateway.commands import sandbox
from wagateway.spec import device_folder

pytestmark = pytest.mark.asyncio(loop_scope="session")

DEVICE, NUMBER, DORA = "one", "628555000001", "628555000002"
EVENTS, CHATS = 10_000, 80
LIVES, KILLS = 3, 7
FAILING, CUT = 0.04, 0.01


class Flaky:
    """Refuses some deliveries, and takes some without saying so; keeps what it acknowledged."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        self.seqs: set[int] = set()
        self._rng = random.Random(11)
        self._more = asyncio.Condition()

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        chance = self._rng.random()
        if chance < FAILING:
            return web.Response(status=503 if chance < FAILING / 2 else 400)
        if chance < FAILING + CUT:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        async with self._more:
            event = json.loads(body)
            self.taken.append(event)
            self.seqs.add(event["seq"])
            self._more.notify_all()
        return web.Response()

    async def until(self, condition: Callable[[], bool], within: float) -> None:
        async with asyncio.timeout(within), self._more:
            await self._more.wait_for(condition)


@contextlib.asynccontextmanager
async def flaky() -> AsyncIterator[tuple[Flaky, str]]:
    made = Flaky()
    application = web.Application()
    application.router.add_post("/hook", made.answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    try:
        yield made, f"http://127.0.0.1:{port}/hook"
    finally:
        await runner.cleanup()


async def committed(running: Gateway) -> list[dict[str, Any]]:
    """All events of the device, by asking for them."""
    events: list[dict[str, Any]] = []
    page: dict[str, Any] = {"next": 0, "head": 1}
    while page["next"] < page["head"]:
        answer = await running.call("GET", f"/events?after={page['next']}&limit=1000", DEVICE)
        page = answer.result
        events += page["events"]
    return events


async def kill_at_random(running: Gateway, endpoint: Flaky, rng: random.Random) -> None:
    """Kill -9 of a worker or the front, each after some more events."""
    for _ in range(KILLS):
        before = len(endpoint.taken)
        more = rng.randrange(20, 250)
        with contextlib.suppress(TimeoutError):  # little is left
            await endpoint.until(lambda before=before, more=more: len(endpoint.taken) >= before + more, 5)  # type: ignore[misc]
        if rng.random() < 0.7:
            await running.kill_worker(DEVICE)
            await running.logged_in(DEVICE)
        else:
            await kill_front(running)


async def kill_front(running: Gateway) -> None:
    """Kill -9 of the front; returns when there is a new one that answers."""
    pid = await running.pid_of("front")
    assert pid > 0
    os.kill(pid, signal.SIGKILL)
    assert 200 == (await running.call("GET", "/app/status", DEVICE)).status  # its socket is the supervisor's


async def test_every_committed_event_arrives_in_order_whatever_is_killed(tmp_path: Path) -> None:
    rng = random.Random(7)
    async with flaky() as (endpoint, url):
        async with gateway(tmp_path) as running:
            await running.pair(DEVICE, NUMBER)
            await running.sandbox.ask(sandbox.AddPhone(phone=DORA, name="Dora"), 10)
            hook = {"url": url, "webhook_id": "flaky", "concurrency": 8}
            answer = await running.call("POST", f"/devices/{DEVICE}/webhooks", json=hook)
            assert 200 == answer.status, answer.body
            answer = await running.call("POST", f"/devices/{DEVICE}/webhooks/flaky/pause")
            assert 200 == answer.status, answer.body
            before = answer.result["cursor"]
        shard = device_folder(tmp_path / "storages", DEVICE) / "shard.db"
        fill_log(shard, Account(DEVICE, f"{NUMBER}@s.whatsapp.net"), EVENTS, CHATS)
        for life in range(LIVES):
            async with gateway(tmp_path) as running:
                await running.logged_in(DEVICE)
                await running.call("POST", f"/devices/{DEVICE}/webhooks/flaky/resume")
                text = sandbox.PhoneSendText(phone=DORA, to=NUMBER, text="live {n}", count=20, rate=20)
                sending = asyncio.create_task(running.sandbox.ask(text, 60))
                await kill_at_random(running, endpoint, rng)
                await sending
                if life < LIVES - 1:
                    running.process.kill()
                    await running.process.wait()
        async with gateway(tmp_path) as running:
            await running.logged_in(DEVICE)
            events = {event["seq"] for event in await committed(running) if event["seq"] > before}
            assert len(events) >= EVENTS
            await endpoint.until(lambda: events <= endpoint.seqs, 60)
    in_order(endpoint)


def in_order(endpoint: Flaky) -> None:
    """Leaving out repeats, what was acknowledged of each chat is in the order in which it happened."""
    seen: dict[str, list[int]] = defaultdict(list)
    for event in endpoint.taken:
        chat = event["payload"].get("chat_id", "")
        if event["seq"] not in seen[chat]:
            seen[chat].append(event["seq"])
    for chat, seqs in seen.items():
        assert sorted(seqs) == seqs, chat
