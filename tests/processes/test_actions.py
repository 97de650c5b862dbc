"""Actions on messages through everything: HTTP, worker, neonize, the sandbox, another device and a phone."""

from typing import Any

import pytest

from tests.harness import Answer
from tests.processes.conftest import World
from wagateway.commands import sandbox
from wagateway.commands.sandbox import InboxMessage

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def act(world: World, device: str, message_id: str, action: str, **body: Any) -> Answer:
    return await world.gateway.call("POST", f"/message/{message_id}/{action}", device, json=body)


async def said(world: World, device: str, to: str, text: str) -> str:
    sent = await world.gateway.send(device, to, text)
    assert 200 == sent.status, sent.body
    return str(sent.result["message_id"])


async def told(world: World, kind: str, message_id: str) -> dict[str, Any]:
    """The payload of the event of this kind that is about the message, as the other device's hook got it."""

    def found() -> list[dict[str, Any]]:
        return [event["payload"] for event in world.sink.events(kind) if message_id in str(event["payload"])]

    await world.sink.until(lambda _: bool(found()))
    return found()[-1]


async def seen(world: World, after: int, kind: str) -> InboxMessage:
    """The first message of that kind that Carol's phone got after so many."""
    while True:
        page = await world.gateway.sandbox.ask(
            sandbox.Inbox(phone=world.carol_number, after=after, wait=10), 15
        )
        assert page.messages, f"no {kind}"
        for message in page.messages:
            if kind == message.kind:
                return message
        after = page.total


async def inbox_size(world: World) -> int:
    return (await world.gateway.sandbox.ask(sandbox.Inbox(phone=world.carol_number), 10)).total


async def team(world: World) -> str:
    group = await world.gateway.sandbox.ask(
        sandbox.PhoneCreateGroup(
            phone=world.alice_number, subject="Acting", members=[world.bob_number, world.carol_number]
        ),
        10,
    )
    return group.jid


async def row(world: World, device: str, chat: str, message_id: str) -> dict[str, Any]:
    page = await world.gateway.call("GET", f"/chat/{chat}/messages", device)
    return next(one for one in page.result["data"] if one["id"] == message_id)


async def test_in_a_group_a_reaction_and_a_revoke_name_the_author(world: World) -> None:
    group = await team(world)
    before = await inbox_size(world)
    bobs = await said(world, world.bob, group, "from bob")
    await told(world, "message", bobs)
    reacted = await act(world, world.alice, bobs, "reaction", phone=group, emoji="🎉")
    assert 200 == reacted.status, reacted.body
    reaction = (await seen(world, before, "reactionMessage")).message["reactionMessage"]
    assert ("🎉", bobs, False) == (
        reaction["text"],
        reaction["key"]["ID"],
        reaction["key"].get("fromMe", False),
    )
    assert reaction["key"]["participant"].endswith("@lid")  # as the sandbox's groups name their members
    assert bobs == (await told(world, "message.reaction", bobs))["reacted_message_id"]
    revoked = await act(world, world.alice, bobs, "revoke", phone=group)
    assert 200 == revoked.status, revoked.body
    payload = await told(world, "message.revoked", bobs)
    assert f"{world.bob_number}@s.whatsapp.net" == payload["revoked_sender"]
    for device in (world.alice, world.bob):
        assert (await row(world, device, group, bobs))["is_revoked"]


async def test_an_edit_reaches_the_phone_and_the_page(world: World) -> None:
    before = await inbox_size(world)
    message_id = await said(world, world.alice, world.carol_number, "a tpyo")
    updated = await act(world, world.alice, message_id, "update", phone=world.carol_number, message="a typo")
    assert updated.body["message"].startswith("Update message success")
    assert "a typo" == (await seen(world, before, "editedMessage")).text
    kept = await row(world, world.alice, world.carol_number, message_id)
    assert ("a typo", True) == (kept["content"], kept["is_edited"])


async def test_w22_reading_in_a_group_tells_the_author(world: World) -> None:
    group = await team(world)
    bobs = await said(world, world.bob, group, "read this")
    await told(world, "message", bobs)
    read = await act(world, world.alice, bobs, "read", phone=group)
    assert (200, f"Mark as read success {bobs}") == (read.status, read.body["message"])
    await world.sink.until(
        lambda sink: any(
            bobs in event["payload"]["ids"] and "read" == event["payload"]["receipt_type"]
            for event in sink.events("message.ack")
        )
    )


async def test_what_neonize_cannot_do_is_said(world: World) -> None:
    message_id = await said(world, world.alice, world.carol_number, "star me")
    for action in ("star", "unstar", "delete"):
        answer = await act(world, world.alice, message_id, action, phone=world.carol_number)
        assert (501, "ENGINE_UNSUPPORTED") == (answer.status, answer.body["code"])
    pinned = await world.gateway.call(
        "POST", f"/chat/{world.carol_number}/pin", world.alice, json={"pinned": True}
    )
    assert (501, "ENGINE_UNSUPPORTED") == (pinned.status, pinned.body["code"])
