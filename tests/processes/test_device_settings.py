"""What a device has of its own: its webhook."""

import pytest

from tests.harness import endpoint
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
