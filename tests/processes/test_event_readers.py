"""Readers of a real device's log: WebSocket, long poll, stream, and webhooks that fail for long."""

import asyncio
import json
import os
import signal
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from tests.harness import endpoint
from tests.processes.conftest import World, ask, get
from wagateway.commands import sandbox

pytestmark = pytest.mark.asyncio(loop_scope="session")

WAITING = 300


async def write(world: World, text: str, count: int = 1) -> None:
    """Carol writes to Alice."""
    await ask(
        world,
        sandbox.PhoneSendText(phone=world.carol_number, to=world.alice_number, text=text, count=count),
    )


async def head(world: World) -> int:
    """The number of Alice's newest event."""
    return int((await get(world, "/events", limit="1")).result["head"])


async def events_until(world: World, after: int, enough: Callable[[list[Any]], bool]) -> list[dict[str, Any]]:
    """Alice's events after a number, by long poll."""
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(30):
        while not enough(found):
            page = (await get(world, "/events", after=str(after), wait="10", limit="1000")).result
            found += page["events"]
            after = page["next"]
    return found


def texts(events: list[dict[str, Any]]) -> list[str]:
    """The texts of the messages among them."""
    return [event["payload"]["body"] for event in events if event["event"] == "message"]


async def listen(world: World, after: int, last: str) -> list[dict[str, Any]]:
    """What a WebSocket gets after a number, up to a message with this text or the end of the socket."""
    found: list[dict[str, Any]] = []
    url = f"{world.gateway.url}/ws?device_id={world.alice}&after={after}"
    async with asyncio.timeout(20), world.gateway.http.ws_connect(url) as socket:
        async for frame in socket:
            if frame.type is not aiohttp.WSMsgType.TEXT:
                break
            found.append(json.loads(frame.data)["result"])
            if found[-1]["payload"].get("body") == last:
                break
    return found


async def test_a_socket_goes_on_over_a_kill_of_the_worker_and_resumes_after_one_of_the_front(
    world: World,
) -> None:
    before = await head(world)
    listening = asyncio.create_task(listen(world, before, "never said"))
    await write(world, "socket {n}", 5)
    await events_until(world, before, lambda found: len(texts(found)) == 5)
    await world.gateway.kill_worker(world.alice)
    await world.gateway.logged_in(world.alice)
    after = await head(world)
    await write(world, "again {n}", 5)
    await events_until(world, after, lambda found: len(texts(found)) == 5)
    os.kill(await world.gateway.pid_of("front"), signal.SIGKILL)
    first = await listening
    await write(world, "the last one")
    second = await listen(world, first[-1]["seq"] if first else before, "the last one")
    seqs = [one["seq"] for one in first + second]
    assert list(range(before + 1, seqs[-1] + 1)) == seqs
    assert "worker.restarted" in [one["event"] for one in first]


async def test_a_stream_tells_what_happens_line_by_line(world: World) -> None:
    before = await head(world)
    url = f"{world.gateway.url}/devices/{world.alice}/events?after={before}&events=message"
    async with world.gateway.http.get(url, headers={"Accept": "application/x-ndjson"}) as stream:
        assert 200 == stream.status
        await write(world, "line {n}", 3)
        said: list[str] = []
        async with asyncio.timeout(10):
            while len(said) < 3:
                if line := (await stream.content.readline()).strip():
                    said.append(json.loads(line)["payload"]["body"])
    assert ["line 0", "line 1", "line 2"] == said


async def test_what_waited_while_the_device_was_away_comes_in_order_and_is_counted(world: World) -> None:
    before = await head(world)
    await ask(world, sandbox.RefuseConnections(seconds=3600, phone=world.alice_number))
    await ask(world, sandbox.DropConnection(phone=world.alice_number))
    await world.gateway.table.until(lambda rows: rows[world.alice].state != "logged_in", 10)
    await write(world, "waited {n}", WAITING)
    await ask(world, sandbox.RefuseConnections(seconds=0, phone=world.alice_number))
    found = await events_until(world, before, lambda found: "gap" in [one["event"] for one in found])
    assert [f"waited {n}" for n in range(WAITING)] == texts(found)
    gap = next(one["payload"] for one in found if one["event"] == "gap")
    assert WAITING == gap["recovered"]
    assert gap["down_ms"] >= 1000
    assert gap["from"] <= gap["to"]


async def test_a_dead_letter_says_why_and_is_delivered_again(world: World) -> None:
    async with endpoint() as (sink, url):
        sink.status = 500
        path = f"/devices/{world.alice}/webhooks"
        hook = {"url": url, "webhook_id": "dying", "events": ["message"], "give_up": 1}
        assert 200 == (await world.gateway.call("POST", path, json=hook)).status
        await write(world, "nobody takes it")
        dead: list[dict[str, Any]] = []
        async with asyncio.timeout(20):
            while not dead:
                answer = await world.gateway.call("GET", f"{path}/dying/deliveries?state=dead")
                dead = answer.result["deliveries"]
                await world.gateway.call("GET", f"/events?wait=1&after={await head(world)}", world.alice)
        assert (500, "HTTP 500", "message") == (dead[0]["status"], dead[0]["error"], dead[0]["event"])
        sink.status = 200
        assert 200 == (await world.gateway.call("POST", f"{path}/dying/resume")).status
        again = await world.gateway.call("POST", f"{path}/dying/replay", json={"dead": True})
        assert 1 == again.result["events"]
        await sink.until(lambda sink: texts(sink.events()) == ["nobody takes it"])
        assert 200 == (await world.gateway.call("DELETE", f"{path}/dying")).status
