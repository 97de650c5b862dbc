"""What happens beside messages, through everything: the sandbox, neonize, the shard and the webhook."""

from typing import Any

import pytest
import pytest_asyncio

from tests.processes.conftest import World, ask, post
from wagateway.commands import sandbox

pytestmark = pytest.mark.asyncio(loop_scope="session")


def jid(number: str) -> str:
    """The JID of a phone number."""
    return f"{number}@s.whatsapp.net"


async def told(world: World, kind: str, **facts: object) -> dict[str, Any]:
    """The payload of Alice's first event of the kind with these facts."""

    def found() -> list[dict[str, Any]]:
        payloads = [
            event["payload"] for event in world.sink.events(kind) if event["session_id"] == world.alice
        ]
        return [each for each in payloads if facts.items() <= each.items()]

    await world.sink.until(lambda _: bool(found()))
    return found()[0]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def group(world: World) -> str:
    """A group that Carol made with Alice in it."""
    made = await ask(
        world,
        sandbox.PhoneCreateGroup(
            phone=world.carol_number, subject="Events", members=[world.alice_number, world.bob_number]
        ),
    )
    return str(made.jid)


async def test_a_new_group_is_told_with_who_added_the_account(world: World, group: str) -> None:
    joined = await told(world, "group.joined", chat_id=group)
    assert ("join", [jid(world.alice_number)], "Events", jid(world.carol_number)) == (
        joined["type"],
        joined["jids"],
        joined["group_name"],
        joined["actor"],
    )


async def test_a_changed_group_is_told_with_who_changed_it(world: World, group: str) -> None:
    command = sandbox.PhoneSetGroup(
        phone=world.carol_number, group=group, subject="Events 2", topic="All of them"
    )
    await ask(world, command)
    for told_as, value in (("name", "Events 2"), ("topic", "All of them")):
        changed = await told(world, "group.updated", chat_id=group, **{told_as: value})
        assert ([told_as], jid(world.carol_number)) == (changed["changed"], changed["actor"])
        assert changed["actor_lid"].endswith("@lid")


async def test_changed_members_are_told_one_kind_after_the_other(world: World, group: str) -> None:
    for action, kind in (("promote", "promote"), ("demote", "demote"), ("remove", "leave"), ("add", "join")):
        command = sandbox.PhoneSetMembers(
            phone=world.carol_number,
            group=group,
            action=action,  # type: ignore[arg-type]
            members=[world.bob_number],
        )
        await ask(world, command)
        members = await told(world, "group.participants", chat_id=group, type=kind)
        assert ([jid(world.bob_number)], jid(world.carol_number)) == (members["jids"], members["actor"])
        assert members["lids"][0].endswith("@lid")


async def test_who_types_is_told_while_the_account_is_online(world: World) -> None:
    command = sandbox.SetPresence(phone=world.carol_number, state="composing", to=world.alice_number)
    await ask(world, command)
    assert 200 == (await post(world, "/send/presence", type="available")).status
    await ask(world, sandbox.ShowPresence(phone=world.alice_number, available=True, wait=5))
    command = sandbox.SetPresence(phone=world.carol_number, state="recording", to=world.alice_number)
    await ask(world, command)
    typing = await told(world, "chat_presence", chat_id=jid(world.carol_number))
    assert ("composing", "audio", False) == (typing["state"], typing["media"], typing["is_group"])
    assert 200 == (await post(world, "/send/presence", type="unavailable")).status


async def test_a_newsletter_is_told_of_from_its_first_day_to_its_last(world: World) -> None:
    made = await ask(
        world, sandbox.CreateNewsletter(phone=world.carol_number, name="News", followers=[world.alice_number])
    )
    assert "News" == (await told(world, "newsletter.joined", newsletter_id=made.jid))["name"]
    number = world.alice_number
    await ask(world, sandbox.PhoneSetNewsletter(phone=number, newsletter=made.jid, muted=True))
    assert "on" == (await told(world, "newsletter.mute", newsletter_id=made.jid))["mute"]
    await ask(world, sandbox.PhoneSetNewsletter(phone=number, newsletter=made.jid, follow=False))
    assert "guest" == (await told(world, "newsletter.left", newsletter_id=made.jid))["role"]


async def test_a_damaged_message_is_told_before_its_whole_copy(world: World) -> None:
    await ask(world, sandbox.GarbleMessages(phone=world.alice_number))
    command = sandbox.PhoneSendText(phone=world.carol_number, to=world.alice_number, text="damaged")
    [id_] = (await ask(world, command)).ids
    assert jid(world.carol_number) == (await told(world, "message.undecryptable", id=id_))["from"]
    assert "damaged" == (await told(world, "message", id=id_))["body"]


async def test_a_vote_is_an_event_of_its_own(world: World) -> None:
    poll = sandbox.PhonePoll(
        phone=world.carol_number, to=world.alice_number, question="Tea?", options=["yes", "no"]
    )
    [id_] = (await ask(world, poll)).ids
    vote = sandbox.PhoneVote(
        phone=world.carol_number, chat=world.alice_number, message_id=id_, options=["yes"]
    )
    [vote_id] = (await ask(world, vote)).ids
    voted = (await told(world, "poll.vote", id=vote_id))["poll_vote"]
    assert (id_, jid(world.carol_number), ["yes"]) == (
        voted["poll_message_id"],
        voted["voter"],
        voted["options"],
    )
