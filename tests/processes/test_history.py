"""A history that the phone hands over, through WhatsApp, the real engine and the worker, to the API."""

import asyncio
from typing import Any

import pytest

from tests.harness import WAIT_SECONDS
from tests.processes.conftest import World
from wagateway.commands import sandbox

pytestmark = pytest.mark.asyncio(loop_scope="session")

DAVE, DAVE_LID = "628999000004", "900000000000444@lid"


async def listed(world: World, name: str) -> dict[str, Any]:
    """The chat of this name, once it is there."""
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            page = await world.gateway.call("GET", "/chats", world.alice, params={"search": name})
            if page.result["data"]:
                chat: dict[str, Any] = page.result["data"][0]
                return chat


async def test_a_handed_history_fills_the_chats_and_no_hook_hears_of_it(world: World) -> None:
    said = [
        sandbox.OldMessage(text="see you", id="OLD1", age=3600),
        sandbox.OldMessage(text="look", id="OLD2", age=7200, kind="image", data=b"jpeg", from_me=True),
    ]
    chat = sandbox.OldChat(
        chat=DAVE_LID, number=DAVE, name="Old Dave", archived=True, unread=2, messages=said
    )
    handed = await world.gateway.sandbox.ask(
        sandbox.HandHistory(phone=world.alice_number, type="initial_bootstrap", chats=[chat]), WAIT_SECONDS
    )
    assert (1, ["OLD1", "OLD2"]) == (handed.devices, handed.ids)
    shown = await listed(world, "Old Dave")
    assert (f"{DAVE}@s.whatsapp.net", True) == (shown["jid"], shown["archived"])
    page = await world.gateway.call("GET", f"/chat/{DAVE}@s.whatsapp.net/messages", world.alice)
    assert ["OLD1", "OLD2"] == [message["id"] for message in page.result["data"]]
    file = await world.gateway.call(
        "GET", "/message/OLD2/download", world.alice, params={"phone": f"{DAVE}@s.whatsapp.net"}
    )
    assert 200 == file.status
    assert [] == [event for event in world.sink.events() if event["payload"]["id"] in handed.ids]


async def test_a_worker_that_is_killed_takes_the_history_after_its_restart(world: World) -> None:
    said = [sandbox.OldMessage(text=f"number {number}", age=10_000 + number) for number in range(3000)]
    chat = sandbox.OldChat(chat="628999000005", name="Old Erin", messages=said)
    await world.gateway.sandbox.ask(sandbox.HandHistory(phone=world.alice_number, chats=[chat]), WAIT_SECONDS)
    shown = await listed(world, "Old Erin")
    await world.gateway.kill_worker(world.alice)
    await world.gateway.logged_in(world.alice)
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            page = await world.gateway.call("GET", f"/chat/{shown['jid']}/messages", world.alice)
            if page.result["pagination"]["total"] == 3000:
                break
