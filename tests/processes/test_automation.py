"""What devices do by themselves, through everything, where all of it is switched on."""

import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.harness import endpoint, gateway
from tests.processes.conftest import World, ask
from wagateway.commands import sandbox

pytestmark = pytest.mark.asyncio(loop_scope="session")

ANSWER = "We are away and will answer you."
FLAGS = (
    "--auto-mark-read",
    f"--autoreply={ANSWER}",
    "--auto-reject-call",
    "--presence-on-connect=available",
)

_numbers = itertools.count(628222000010)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def eager(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """Two devices that do everything by themselves."""
    folder: Path = tmp_path_factory.mktemp("eager")
    async with endpoint() as (sink, url), gateway(folder, f"--webhook={url}", *FLAGS) as running:
        await running.pair("alice", "628222000001")
        await running.pair("bob", "628222000002")
        yield World(running, sink, "alice", "bob", "628222000001", "628222000002", "", 0)


async def person(world: World) -> str:
    """Somebody whom no device has answered yet."""
    number = str(next(_numbers))
    await ask(world, sandbox.AddPhone(phone=number, name=f"Person {number[-2:]}"))
    return number


async def write(world: World, sender: str, text: str, to: str = "") -> str:
    """Somebody writes to Alice; the message's id."""
    command = sandbox.PhoneSendText(phone=sender, to=to or world.alice_number, text=text)
    sent: str = (await ask(world, command)).ids[0]
    return sent


async def inbox(world: World, phone: str, count: int) -> list[str]:
    """The texts that the phone has got, once there are so many."""
    page = await ask(world, sandbox.Inbox(phone=phone, after=count - 1, wait=10))
    assert page.total >= count, f"{page.total} of {count}"
    return [one.text for one in (await ask(world, sandbox.Inbox(phone=phone))).messages]


async def read(world: World, phone: str, message_id: str) -> set[str]:
    """The ids of all messages of the phone that were read, once this one was."""
    seen: set[str] = set()
    after = 0
    while message_id not in seen:
        page = await ask(world, sandbox.Receipts(phone=phone, after=after, wait=10))
        assert page.total > after, "it was not read"
        after = page.total
        seen |= {one.id for one in page.receipts if one.type == "read"}
    return seen


async def told(world: World, device: str, kind: str, count: int, **facts: str) -> list[dict[str, Any]]:
    """The payloads of the device's events with these facts, once there are so many."""

    def found() -> list[dict[str, Any]]:
        return [
            one["payload"]
            for one in world.sink.events(kind)
            if one["session_id"] == device and facts.items() <= one["payload"].items()
        ]

    await world.sink.until(lambda _: len(found()) >= count)
    return found()


async def test_a_call_is_told_stored_and_rejected(eager: World) -> None:
    carol = await person(eager)
    call = await ask(eager, sandbox.PhoneCall(phone=carol, to=eager.alice_number))
    (rejected,) = await ask(eager, sandbox.Calls(phone=carol, rejected=1, wait=10))
    assert ("rejected", call.id) == (rejected.state, rejected.id)
    (payload,) = await told(eager, eager.alice, "call.offer", 1, call_id=call.id)
    assert payload["auto_rejected"]
    assert f"{carol}@s.whatsapp.net" == payload["from"] == payload["chat_id"]
    page = await eager.gateway.call("GET", f"/chat/{carol}/messages", eager.alice)
    assert [(f"call:{call.id}", "call")] == [(one["id"], one["kind"]) for one in page.result["data"]]


async def test_a_call_in_a_group_is_rejected_towards_whoever_began_it(eager: World) -> None:
    carol = await person(eager)
    create = sandbox.PhoneCreateGroup(phone=carol, subject="Calling", members=[eager.alice_number])
    group = await ask(eager, create)
    call = await ask(eager, sandbox.PhoneCall(phone=carol, to=group.jid))
    (rejected,) = await ask(eager, sandbox.Calls(phone=carol, rejected=1, wait=10))
    assert 1 == len(rejected.rejected)
    (payload,) = await told(eager, eager.alice, "call.offer", 1, call_id=call.id)
    assert (group.jid, f"{carol}@s.whatsapp.net") == (payload["group_jid"], payload["from"])


async def test_a_message_is_read_and_answered_once(eager: World) -> None:
    carol = await person(eager)
    first = await write(eager, carol, "anybody there?")
    assert [ANSWER] == await inbox(eager, carol, 1)
    second = await write(eager, carol, "I said, anybody there?")
    assert {first, second} <= await read(eager, carol, second)
    # Alice takes messages in their order: who comes after is answered after.
    dave = await person(eager)
    await write(eager, dave, "me too")
    await inbox(eager, dave, 1)
    assert [ANSWER] == await inbox(eager, carol, 1)
    chats = (await eager.gateway.call("GET", "/chats", eager.alice)).result["data"]
    assert [0] == [one["unread_count"] for one in chats if one["jid"].startswith(carol)]


async def test_a_message_in_a_group_is_read_and_not_answered(eager: World) -> None:
    carol = await person(eager)
    create = sandbox.PhoneCreateGroup(phone=carol, subject="Talking", members=[eager.alice_number])
    group = await ask(eager, create)
    message = await write(eager, carol, "hello all", group.jid)
    await read(eager, carol, message)
    await write(eager, carol, "hello Alice")
    (answer,) = (await ask(eager, sandbox.Inbox(phone=carol, wait=10))).messages
    assert f"{eager.alice_number}@s.whatsapp.net" == answer.chat


async def test_w42_status_posts_are_not_read(eager: World) -> None:
    carol = await person(eager)
    book = [sandbox.Contact(eager.alice_number, "Alice")]
    await ask(eager, sandbox.AddContacts(phone=carol, contacts=book))
    post = await write(eager, carol, "my day", "status@broadcast")
    message = await write(eager, carol, "seen my day?")
    assert post not in await read(eager, carol, message)
    posts = await eager.gateway.call("GET", "/chat/status@broadcast/messages", eager.alice)
    assert [post] == [one["id"] for one in posts.result["data"]]


async def test_w42_two_that_answer_by_themselves_stop_after_one_answer_each(eager: World) -> None:
    sent = await eager.gateway.send(eager.alice, eager.bob_number, "hello Bob")
    assert 200 == sent.status, sent.body
    by_bob = {"from": f"{eager.bob_number}@s.whatsapp.net", "body": ANSWER}
    by_alice = {"from": f"{eager.alice_number}@s.whatsapp.net", "body": ANSWER}
    await told(eager, eager.alice, "message", 1, **by_bob)
    await told(eager, eager.bob, "message", 1, **by_alice)
    # Both take messages in their order: who comes after is answered after.
    carol = await person(eager)
    await write(eager, carol, "you there?", eager.alice_number)
    await write(eager, carol, "or you?", eager.bob_number)
    await inbox(eager, carol, 2)
    from_bob = await told(eager, eager.alice, "message", 1, **by_bob)
    from_alice = await told(eager, eager.bob, "message", 1, **by_alice)
    assert (1, 1) == (len(from_bob), len(from_alice))


async def test_the_account_shows_as_online_after_each_login(eager: World) -> None:
    show = sandbox.ShowPresence(phone=eager.alice_number, available=True, wait=10)
    assert (await ask(eager, show)).available
    await eager.gateway.kill_worker(eager.alice)
    gone = sandbox.ShowPresence(phone=eager.alice_number, available=False, wait=10)
    assert (await ask(eager, gone)).last_seen > 0
    await eager.gateway.logged_in(eager.alice)
    assert (await ask(eager, show)).available
