"""What the sandbox does wrong on demand, as the real neonize client sees it."""

import pytest
import pytest_asyncio

from tests.sandbox.conftest import NewClient, RealClient, Sandbox
from wagateway.commands import sandbox as c

pytestmark = pytest.mark.asyncio(loop_scope="session")

EVE, FAY = "628222000001", "628222000002"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def eve(sandbox: Sandbox, new_client: NewClient) -> RealClient:
    await sandbox.ask(c.AddPhone(phone=FAY, name="Fay"))
    return await new_client("eve", EVE)


async def test_a_withheld_ack_holds_the_send_and_the_message_arrives(
    sandbox: Sandbox, eve: RealClient
) -> None:
    after = (await sandbox.ask(c.Inbox(phone=FAY))).total
    await sandbox.ask(c.WithholdAcks(phone=EVE, count=1))
    order = await eve.begin("send", to=FAY, text="unanswered")
    assert 1 == (await sandbox.ask(c.AwaitWithheld(phone=EVE, wait=10))).count
    page = await sandbox.ask(c.Inbox(phone=FAY, after=after, wait=10))
    assert ["unanswered"] == [message.text for message in page.messages]
    # The client sends it again on its next connection, and is answered then.
    await sandbox.ask(c.DropConnection(phone=EVE))
    assert "id" in await eve.hears("done", order=order)
    assert after + 1 == (await sandbox.ask(c.Inbox(phone=FAY))).total


async def test_a_rejected_send_fails_with_the_code(sandbox: Sandbox, eve: RealClient) -> None:
    await sandbox.ask(c.RejectSends(phone=EVE, count=1, error=463))
    assert "463" in (await eve.does("send", to=FAY, text="too much"))["error"]
    assert "id" in await eve.does("send", to=FAY, text="fine again")


async def test_a_delayed_ack_delays_the_send(sandbox: Sandbox, eve: RealClient) -> None:
    await sandbox.ask(c.DelayAcks(phone=EVE, milliseconds=200))
    order = await eve.begin("send", to=FAY, text="slow")
    assert 1 == (await sandbox.ask(c.AwaitWithheld(phone=EVE, wait=10))).count
    assert "id" in await eve.hears("done", order=order)
    await sandbox.ask(c.DelayAcks(phone=EVE, milliseconds=0))


async def test_a_refused_client_comes_back_when_it_may(sandbox: Sandbox, eve: RealClient) -> None:
    await sandbox.ask(c.RefuseConnections(seconds=1))
    eve.said.clear()
    await sandbox.ask(c.DropConnection(phone=EVE))
    await eve.hears("disconnected")
    await eve.hears("connected")


async def test_a_replaced_client_stays_away(sandbox: Sandbox, eve: RealClient) -> None:
    await sandbox.ask(c.ReplaceStream(phone=EVE))
    await eve.hears("replaced")
    await eve.kill()
    await eve.start()
    await eve.hears("connected")


async def test_a_banned_client_is_told_how_long(sandbox: Sandbox, eve: RealClient) -> None:
    await eve.kill()
    await sandbox.ask(c.FailLogins(phone=EVE, reason=402, ban_code=102, expire=60))
    await eve.start()
    assert 60 == (await eve.hears("banned"))["expire"]


async def test_an_outdated_client_is_told(sandbox: Sandbox, eve: RealClient) -> None:
    await eve.kill()
    await sandbox.ask(c.FailLogins(phone=EVE, reason=405))
    await eve.start()
    await eve.hears("outdated")


async def test_a_passing_failure_is_retried_by_the_client(sandbox: Sandbox, eve: RealClient) -> None:
    await eve.kill()
    await sandbox.ask(c.FailLogins(phone=EVE, reason=503))
    await eve.start()
    await eve.hears("connected")


async def test_an_unlinked_client_is_logged_out(sandbox: Sandbox, eve: RealClient) -> None:
    assert 1 == (await sandbox.ask(c.UnlinkCompanion(phone=EVE))).count
    assert not (await eve.hears("logged_out"))["on_connect"]
    assert [] == await sandbox.ask(c.Companions(phone=EVE))


async def test_a_client_that_logs_out_is_unlinked(sandbox: Sandbox, new_client: NewClient) -> None:
    client = await new_client("gus", "628222000003")
    assert "error" not in await client.does("logout")
    assert [] == await sandbox.ask(c.Companions(phone="628222000003"))
