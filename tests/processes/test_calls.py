"""Calls where nothing rejects them by itself."""

import pytest

from tests.processes.conftest import World
from wagateway.commands import sandbox

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_call_rings_until_it_is_rejected(world: World) -> None:
    call = await world.gateway.sandbox.ask(
        sandbox.PhoneCall(phone=world.carol_number, to=world.alice_number), 10
    )
    await world.sink.until(lambda sink: bool(sink.events("call.offer")))
    (event,) = world.sink.events("call.offer")
    assert (call.id, False) == (event["payload"]["call_id"], event["payload"]["auto_rejected"])
    body = {"caller_jid": event["payload"]["from"], "call_id": call.id}
    answer = await world.gateway.call("POST", "/call/reject", world.alice, json=body)
    assert 200 == answer.status, answer.body
    (rejected,) = await world.gateway.sandbox.ask(
        sandbox.Calls(phone=world.carol_number, rejected=1, wait=10), 15
    )
    assert (call.id, "rejected") == (rejected.id, rejected.state)
