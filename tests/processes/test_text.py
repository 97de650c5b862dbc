"""Text through everything: HTTP, worker, neonize, the sandbox, and back to a webhook."""

import hashlib
import hmac
import json
from pathlib import Path

import pytest

from tests.processes.conftest import World
from wagateway.commands import sandbox

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_sent_text_reaches_the_phone(world: World) -> None:
    before = await world.gateway.sandbox.ask(sandbox.Inbox(phone=world.carol_number), 10)
    sent = await world.gateway.send(world.alice, world.carol_number, "hello carol")
    assert sent.status == 200
    assert sent.result["status"] == sent.body["message"]
    inbox = await world.gateway.sandbox.ask(
        sandbox.Inbox(phone=world.carol_number, after=len(before.messages), wait=10), 15
    )
    assert [("hello carol", sent.result["message_id"])] == [(m.text, m.id) for m in inbox.messages]


async def test_an_incoming_text_is_stored_and_delivered_signed(world: World) -> None:
    seen = len(world.sink.events())
    await world.gateway.sandbox.ask(
        sandbox.PhoneSendText(phone=world.carol_number, to=world.alice_number, text="hello alice"), 10
    )
    await world.sink.until(lambda sink: len(sink.events()) > seen)
    event = world.sink.events()[-1]
    assert "hello alice" == event["payload"]["body"] == event["payload"]["content"]
    assert world.alice == event["session_id"]
    assert f"{world.carol_number}@s.whatsapp.net" == event["payload"]["from"]
    _, headers, body = world.sink.received[-1]
    secret = (world.gateway.storage / "webhook.secret").read_text().strip()
    expected = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    assert expected == headers["X-Hub-Signature-256"]
    page = await world.gateway.call("GET", f"/chat/{world.carol_number}/messages", world.alice)
    assert "hello alice" in [message["content"] for message in page.result["data"]]


async def test_two_devices_talk_to_each_other(world: World) -> None:
    seen = len(world.sink.events())
    sent = await world.gateway.send(world.alice, world.bob_number, "from one device to another")
    assert sent.status == 200
    await world.sink.until(lambda sink: len(sink.events()) > seen)
    event = world.sink.events()[-1]
    assert (world.bob, sent.result["message_id"]) == (event["session_id"], event["payload"]["id"])


async def test_mentions_and_replies_reach_a_group(world: World) -> None:
    group = await world.gateway.sandbox.ask(
        sandbox.PhoneCreateGroup(
            phone=world.carol_number, subject="Team", members=[world.alice_number, world.bob_number]
        ),
        10,
    )
    before = await world.gateway.sandbox.ask(sandbox.Inbox(phone=world.carol_number), 10)
    body = {"phone": group.jid, "message": "all hands", "mentions": ["@everyone"]}
    sent = await world.gateway.call("POST", "/send/message", world.alice, json=body)
    assert sent.status == 200, sent.body
    inbox = await world.gateway.sandbox.ask(
        sandbox.Inbox(phone=world.carol_number, after=len(before.messages), wait=10), 15
    )
    assert [message.text for message in inbox.messages] == ["all hands"]


async def test_a_number_unknown_to_whatsapp_is_refused(world: World) -> None:
    sent = await world.gateway.send(world.alice, "628999999999", "anyone there?")
    assert (sent.status, sent.body["code"]) == (400, "INVALID_JID")


async def test_w39_the_same_key_sends_once(world: World) -> None:
    before = await world.gateway.sandbox.ask(sandbox.Inbox(phone=world.carol_number), 10)
    answers = [
        await world.gateway.send(world.alice, world.carol_number, "only once", Idempotency_Key="key-1")
        for _ in range(3)
    ]
    assert [answer.status for answer in answers] == [200] * 3
    assert len({json.dumps(answer.body) for answer in answers}) == 1
    await world.gateway.send(world.alice, world.carol_number, "a later one")
    inbox = await world.gateway.sandbox.ask(
        sandbox.Inbox(phone=world.carol_number, after=len(before.messages), wait=10), 15
    )
    assert [message.text for message in inbox.messages] == ["only once", "a later one"]


async def test_w31_no_text_and_no_secret_is_in_a_log_or_a_process_title(world: World) -> None:
    canary = "canary-5f1c"
    assert 200 == (await world.gateway.send(world.alice, world.bob_number, canary)).status
    await world.sink.until(lambda sink: canary in str(sink.events()[-1:]))
    storage = world.gateway.storage
    secret = (storage / "webhook.secret").read_text().strip()
    overview = await world.gateway.processes()
    titles = [
        Path(f"/proc/{row.pid}/cmdline").read_bytes() for row in (*overview.processes, *overview.devices)
    ]
    written = [path.read_bytes() for path in (storage / "logs").iterdir()]
    written += [path.read_bytes() for path in world.gateway.runtime.glob("*.out")]
    for words in (canary, secret, secret.removeprefix("whsec_")):
        assert not any(words.encode() in text for text in (*titles, *written))
