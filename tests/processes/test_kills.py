"""kill -9 of every process: the rest goes on, and nothing that was acknowledged is lost."""

import asyncio
import os
import random
import signal

import pytest

from tests.processes.conftest import World
from wagateway.commands import sandbox

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_killed_worker_is_logged_in_again_by_itself(world: World) -> None:
    other = world.gateway.table.rows[world.bob]
    await world.gateway.kill_worker(world.alice)
    await world.gateway.logged_in(world.alice, world.bob)
    assert other.pid == world.gateway.table.rows[world.bob].pid
    assert (await world.gateway.send(world.alice, world.carol_number, "back")).status == 200


async def test_a_request_held_by_a_dying_worker_fails_at_once(world: World) -> None:
    await world.gateway.sandbox.ask(sandbox.WithholdAcks(phone=world.alice_number, count=1), 10)
    sending = asyncio.create_task(
        world.gateway.send(world.alice, world.carol_number, "held", Idempotency_Key="held-1")
    )
    await world.gateway.sandbox.ask(sandbox.AwaitWithheld(phone=world.alice_number, wait=10), 15)
    await world.gateway.kill_worker(world.alice)
    answer = await asyncio.wait_for(sending, 3)
    assert (answer.status, answer.body["code"]) == (503, "DEVICE_UNAVAILABLE")
    assert int(answer.headers["Retry-After"]) > 0
    await world.gateway.logged_in(world.alice)
    again = await world.gateway.send(world.alice, world.carol_number, "held", Idempotency_Key="held-1")
    assert (again.status, again.body["code"]) == (503, "OUTCOME_UNKNOWN")


async def test_workers_stay_logged_in_while_the_front_dies(world: World) -> None:
    pids = {name: row.pid for name, row in world.gateway.table.rows.items()}
    front = await world.gateway.pid_of("front")
    os.kill(front, signal.SIGKILL)
    answer = await world.gateway.call("GET", "/app/status", world.alice)
    assert (answer.status, answer.result["is_logged_in"]) == (200, True)
    assert front != await world.gateway.pid_of("front")
    assert pids == {name: row.pid for name, row in world.gateway.table.rows.items()}


async def test_workers_stay_logged_in_while_the_zygote_dies(world: World) -> None:
    os.kill(await world.gateway.pid_of("zygote"), signal.SIGKILL)
    await world.gateway.kill_worker(world.bob)
    await world.gateway.logged_in(world.alice, world.bob)


async def test_w19_every_acknowledged_send_survives_random_kills(world: World) -> None:
    rng = random.Random(7)
    before = await world.gateway.sandbox.ask(sandbox.Inbox(phone=world.carol_number), 10)
    acknowledged: list[str] = []
    for round_ in range(6):
        texts = [f"kill {round_}-{n}" for n in range(10)]
        victim_at = rng.randrange(10)
        for n, text in enumerate(texts):
            if n == victim_at:
                killing = asyncio.create_task(world.gateway.kill_worker(world.alice))
            answer = await world.gateway.send(world.alice, world.carol_number, text)
            if answer.status == 200:
                acknowledged.append(answer.result["message_id"])
            else:
                assert answer.status == 503, answer.body
                await killing
                await world.gateway.logged_in(world.alice)
        await killing
        await world.gateway.logged_in(world.alice)
    assert len(acknowledged) >= 40
    inbox = await world.gateway.sandbox.ask(
        sandbox.Inbox(phone=world.carol_number, after=len(before.messages)), 10
    )
    assert set(acknowledged) <= {message.id for message in inbox.messages}
    stored: set[str] = set()
    cursor = ""
    while True:
        path = f"/chat/{world.carol_number}/messages?limit=100&is_from_me=true&cursor={cursor}"
        page = await world.gateway.call("GET", path, world.alice)
        stored |= {message["id"] for message in page.result["data"]}
        cursor = page.result["pagination"]["next_cursor"]
        if not cursor:
            break
    assert set(acknowledged) <= stored
