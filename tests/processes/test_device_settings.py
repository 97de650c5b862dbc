"""What a device has of its own, and what all share: their webhooks, changed while workers run."""

import pytest

from tests.harness import Endpoint, endpoint
from tests.processes.conftest import World
from wagateway.commands import sandbox

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_webhook_of_its_own_is_used_at_once_and_given_up_again(world: World) -> None:
    async with endpoint() as (own, url):
        set_ = await world.gateway.call(
            "PATCH",
            "/devices/bob/webhook",
            json={"webhook_url": url, "webhook_secret": "hush", "webhook_events": "message"},
        )
        assert (200, url, "***") == (set_.status, set_.result["webhook_url"], set_.result["webhook_secret"])
        command = sandbox.PhoneSendText(phone=world.carol_number, to=world.bob_number, text="to its own hook")
        await world.gateway.sandbox.ask(command, 10)
        await own.until(lambda sink: bool(sink.events()))
        assert ["to its own hook"] == [one["payload"]["body"] for one in own.events()]
        told = [one["payload"]["body"] for one in world.sink.events() if one["session_id"] == world.bob]
        assert "to its own hook" not in told
        await world.gateway.kill_worker(world.bob)
        await world.gateway.logged_in(world.bob)
        await world.gateway.sandbox.ask(command, 10)
        await own.until(lambda sink: len(sink.events()) == 2)
    nothing = {"webhook_url": "", "webhook_secret": "", "webhook_events": ""}
    given_up = await world.gateway.call("PATCH", "/devices/bob/webhook", json=nothing)
    assert "" == given_up.result["webhook_url"]
    seen = len(world.sink.events())
    await world.gateway.sandbox.ask(command, 10)
    await world.sink.until(lambda sink: len(sink.events()) > seen)
    missing = await world.gateway.call("GET", "/devices/nobody/webhook")
    assert (404, "DEVICE_NOT_FOUND") == (missing.status, missing.body["code"])


async def _says(world: World, text: str) -> None:
    command = sandbox.PhoneSendText(phone=world.carol_number, to=world.bob_number, text=text)
    await world.gateway.sandbox.ask(command, 10)


def _told(sink: Endpoint) -> list[str]:
    return [one["payload"]["body"] for one in sink.events()]


async def test_webhooks_come_change_and_go_while_the_worker_runs(world: World) -> None:
    call = world.gateway.call
    worker = world.gateway.table.rows["bob"].pid
    async with endpoint() as (first, url), endpoint() as (second, other):
        wanted = {"url": url, "webhook_id": "more", "events": ["message"], "headers": {"X-Key": "hush"}}
        created = await call("POST", "/devices/bob/webhooks", json=wanted)
        assert (200, True, {"X-Key": "***"}) == (
            created.status,
            created.result["own"],
            created.result["headers"],
        )
        await _says(world, "one")
        await first.until(lambda sink: "one" in _told(sink))
        changed = await call("PATCH", "/devices/bob/webhooks/more", json={"url": other})
        assert (200, ["message"]) == (changed.status, changed.result["events"])
        await _says(world, "two")
        await second.until(lambda sink: "two" in _told(sink))
        removed = await call("DELETE", "/devices/bob/webhooks/more")
        assert (200, "more") == (removed.status, removed.result["webhook_id"])
        seen = len(world.sink.events())
        await _says(world, "three")
        await world.sink.until(lambda sink: len(sink.events()) > seen)
        assert (["one"], ["two"]) == (_told(first), _told(second))
    gone = await call("PATCH", "/devices/bob/webhooks/more", json={"events": []})
    assert (404, "WEBHOOK_NOT_FOUND") == (gone.status, gone.body["code"])
    assert worker == world.gateway.table.rows["bob"].pid


async def test_a_webhook_of_the_whole_gateway_needs_no_restart(world: World) -> None:
    call = world.gateway.call
    async with endpoint() as (sink, url):
        wanted = {"url": url, "webhook_id": "all", "events": ["message"]}
        assert 200 == (await call("POST", "/webhooks", json=wanted)).status
        assert "all" in [one["webhook_id"] for one in (await call("GET", "/webhooks")).result]
        await _says(world, "to all")
        await sink.until(lambda sink: "to all" in _told(sink))
        assert 200 == (await call("DELETE", "/webhooks/all")).status
    missing = await call("DELETE", "/webhooks/all")
    assert (404, "WEBHOOK_NOT_FOUND") == (missing.status, missing.body["code"])
