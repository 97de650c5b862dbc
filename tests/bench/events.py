"""What is measured of the readers of the log: webhooks with a backlog or bad neighbours, idle WebSockets."""

import asyncio
import contextlib
import itertools
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

from tests.backlog import Account, fill_log
from tests.bench import load, memory
from tests.bench.report import Row, at_least, at_most, compared
from tests.bench.rows import quantile
from tests.bench.sink import Sink, sink
from tests.harness import Gateway
from wagateway.commands import sandbox
from wagateway.spec import device_folder

BACKLOG, CHATS = 20_000, 500
SOCKETS = 500
RATE, COUNT = 50, 500
ROUNDS = 3
_SEND_SECONDS = 4.0
_SETTLE_SECONDS = 3.0


def prepare(storage: Path, device: str, number: str) -> None:
    """Give a device of a gateway that does not run a backlog of events, which its webhooks have not got."""
    account = Account(device, f"{number}@s.whatsapp.net")
    fill_log(device_folder(storage, device) / "shard.db", account, BACKLOG, CHATS)


async def paused(running: Gateway, device: str, url: str) -> None:
    """Give a device a webhook that waits."""
    await _hook(running, device, "drain", url)
    answer = await running.call("POST", f"/devices/{device}/webhooks/drain/pause")
    assert answer.status == 200, answer.body


async def draining(running: Gateway, port: int, device: str, to: str, good: Sink) -> AsyncIterator[Row]:
    """The backlog to one fast endpoint, and what sends on the same device feel of it."""
    turn = itertools.count()

    def make() -> bytes:
        body = {"phone": to, "message": f"drain {next(turn)}"}
        return load.request("POST", "/send/message", device, json.dumps(body).encode())

    calm = await load.run(port, 1, seconds=_SEND_SECONDS, make=make)
    begin = time.monotonic()
    assert (await running.call("POST", f"/devices/{device}/webhooks/drain/resume")).status == 200
    got = len(good.bodies)
    busy: list[load.Load] = []
    while len(good.bodies) < BACKLOG:
        assert len(good.bodies) > got or not busy, "nothing is delivered"
        got = len(good.bodies)
        busy.append(await load.run(port, 1, seconds=1, make=make))
    seconds = good.bodies[BACKLOG - 1][0] - begin
    assert calm.failed == sum(each.failed for each in busy) == 0
    spent = [one for each in busy for one in each.latencies]
    yield at_least(f"drain of {BACKLOG:,} events to one endpoint", BACKLOG / seconds, "ev/s", 1000)
    yield compared(
        "  meanwhile POST /send/message p99", quantile(spent, 0.99) * 1000, "ms", calm.at(0.99), most=2
    )
    await running.call("DELETE", f"/devices/{device}/webhooks/drain")


async def neighbours(running: Gateway, device: str, number: str, phone: str) -> AsyncIterator[Row]:
    """The delay to a good endpoint, alone and beside a hanging, a slow and an endless one."""
    async with contextlib.AsyncExitStack() as stack:
        good, url = await stack.enter_async_context(sink())
        await _hook(running, device, "good", url)
        alone: list[float] = []
        beside: list[float] = []
        for _ in range(ROUNDS):
            alone += await _delays(running, good, phone, number)
            async with contextlib.AsyncExitStack() as bad:
                for manner in ("hanging", "slow", "endless"):
                    _, its = await bad.enter_async_context(sink(manner))  # type: ignore[arg-type]
                    await _hook(running, device, manner, its)
                beside += await _delays(running, good, phone, number)
                for manner in ("hanging", "slow", "endless"):
                    await running.call("DELETE", f"/devices/{device}/webhooks/{manner}")
        await running.call("DELETE", f"/devices/{device}/webhooks/good")
    for at in (0.5, 0.99):
        name = f"webhook p{at * 100:.0f} beside a hanging, a slow, an endless one"
        yield compared(name, quantile(beside, at), "ms", quantile(alone, at), most=1.1)


async def sockets(running: Gateway, device: str) -> AsyncIterator[Row]:
    """What idle WebSocket clients cost the front."""
    front = await running.pid_of("front")
    await running.call("GET", "/app/status", device)
    before = memory.pss(front)
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(SOCKETS):
            await stack.enter_async_context(running.http.ws_connect(f"{running.url}/ws?device_id={device}"))
        await asyncio.sleep(_SETTLE_SECONDS)  # what they cost is what they cost after a while
        assert front == await running.pid_of("front")
        yield at_most(f"{SOCKETS} idle WebSocket clients, front", memory.pss(front) - before, "MB", 15)


async def _hook(running: Gateway, device: str, name: str, url: str) -> None:
    hook = {"url": url, "webhook_id": name, "events": ["message"]}
    added = await running.call("POST", f"/devices/{device}/webhooks", json=hook)
    assert added.status == 200, added.body


async def _delays(running: Gateway, good: Sink, phone: str, number: str) -> list[float]:
    """Milliseconds from the phone's send to the endpoint's receipt; the text carries the time of sending."""
    first = len(good.bodies)
    sending = sandbox.PhoneSendText(phone=phone, to=number, text="bench {monotonic}", count=COUNT, rate=RATE)
    await running.sandbox.ask(sending, 120)
    await good.until(first + COUNT, 60)
    texts = [(at, json.loads(body)["payload"]["body"]) for at, body in good.bodies[first:]]
    return [(at - float(text.split()[1])) * 1000 for at, text in texts]
