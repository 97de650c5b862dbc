"""A webhook endpoint that is down gets everything, in order, when it is back."""

import pytest

from tests.processes.conftest import World
from wagateway.commands import sandbox

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_w09_events_wait_for_the_endpoint_across_a_kill(world: World) -> None:
    seen = len(world.sink.events())
    world.sink.status = 503
    texts = [f"down {n}" for n in range(6)]
    for n, text in enumerate(texts):
        if n == 3:
            await world.gateway.kill_worker(world.alice)
            await world.gateway.logged_in(world.alice)
        await world.gateway.sandbox.ask(
            sandbox.PhoneSendText(phone=world.carol_number, to=world.alice_number, text=text), 10
        )
        await stored(world, text)
    world.sink.status = 200
    await world.sink.until(lambda sink: len(sink.events()) >= seen + len(texts), within=30)
    bodies = [event["payload"]["body"] for event in world.sink.events()[seen:]]
    assert texts == list(dict.fromkeys(bodies))


async def stored(world: World, text: str) -> None:
    """Wait until the worker has committed the message; its log depth moves with every event."""

    async def there() -> bool:
        page = await world.gateway.call("GET", f"/chat/{world.carol_number}/messages?limit=5", world.alice)
        return text in [message["content"] for message in page.result["data"]]

    while not await there():
        row = world.gateway.table.rows[world.alice]
        await world.gateway.table.until(lambda rows, row=row: rows[world.alice] != row, 10)  # type: ignore[misc]
