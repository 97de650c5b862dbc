"""Histories that tests dictate, as a phone writes them: without sockets or processes."""

import zlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.sandbox.conftest import ANN, BOB
from tests.sandbox.test_phones import link, settle
from wagateway.commands import sandbox as c
from wagateway.contract import Problem
from wagateway.sandbox import history
from wagateway.sandbox.control.history import hand_history
from wagateway.sandbox.network import now
from wagateway.sandbox.state import Endpoint
from wagateway.sandbox.world import World
from wagateway.whatsapp.protos import HistorySync
from wagateway.whatsapp.stanza import decode

GROUP = "120363000000000001@g.us"
LID = "900000000000009@lid"


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path)
    world.add_phone(ANN, "Ann")
    yield world
    world.close()


def written(world: World, *chats: c.OldChat) -> HistorySync.HistorySync:
    writing = history.Writing(world.media, "full")
    for chat in chats:
        writing.chat(chat)
    return HistorySync.HistorySync.FromString(zlib.decompress(history.pack(writing.history)))


async def test_a_chat_has_the_flags_that_were_dictated(world: World) -> None:
    told = c.OldChat(
        chat=LID, number=BOB, name="Bob", archived=True, pinned=True, muted_until=-1, unread=3, timer=60
    )
    (chat,) = written(world, told).conversations
    assert (LID, f"{BOB}@s.whatsapp.net", "Bob") == (chat.ID, chat.pnJID, chat.name)
    assert (True, 2**64 - 1, 3, 60) == (
        chat.archived,
        chat.muteEndTime,
        chat.unreadCount,
        chat.ephemeralExpiration,
    )
    assert 0 < chat.pinned


async def test_a_message_in_a_group_has_its_author_age_and_reactions(world: World) -> None:
    reaction = c.OldReaction(emoji="!", sender=ANN)
    told = c.OldMessage(text="hi", id="H1", sender=BOB, age=60, push_name="Bob", reactions=[reaction])
    (chat,) = written(world, c.OldChat(chat=GROUP, messages=[told])).conversations
    info = chat.messages[0].message
    assert ("H1", f"{BOB}@s.whatsapp.net", "hi", "Bob") == (
        info.key.ID,
        info.participant,
        info.message.conversation,
        info.pushName,
    )
    assert 55 <= now() - info.messageTimestamp <= 65
    assert (f"{ANN}@s.whatsapp.net", "!") == (info.reactions[0].key.participant, info.reactions[0].text)
    assert info.messageTimestamp == chat.conversationTimestamp


async def test_a_file_is_on_the_media_host(world: World) -> None:
    told = c.OldMessage(kind="image", data=b"jpeg", text="look", from_me=True, status="read")
    (chat,) = written(world, c.OldChat(chat=BOB, messages=[told])).conversations
    info = chat.messages[0].message
    assert ("look", 4) == (info.message.imageMessage.caption, info.message.imageMessage.fileLength)
    assert info.READ == info.status


async def test_of_a_revoked_message_only_that_is_left(world: World) -> None:
    told = c.OldMessage(text="hi", revoked=True)
    (chat,) = written(world, c.OldChat(chat=BOB, messages=[told])).conversations
    info = chat.messages[0].message
    assert (info.REVOKE, False) == (info.messageStubType, info.HasField("message"))


async def test_names_and_lids_are_told(world: World) -> None:
    writing = history.Writing(world.media, "push_name")
    writing.people({BOB: "Bob"}, {LID: BOB})
    assert "Bob" == writing.history.pushnames[0].pushname
    assert LID == writing.history.phoneNumberToLidMappings[0].lidJID


async def test_without_a_linked_device_nobody_can_be_handed_a_history(world: World) -> None:
    with pytest.raises(Problem, match="no such linked device"):
        await hand_history(world, c.HandHistory(phone=ANN))


async def test_a_linked_device_is_told_where_its_history_is(world: World) -> None:
    link(world.phone(ANN))
    told = c.OldChat(chat=BOB, messages=[c.OldMessage(text="hi", id="H1")])
    handed = await hand_history(world, c.HandHistory(phone=ANN, type="full", chats=[told]))
    assert c.HistoryHanded(1, ["H1"]) == handed
    await settle(world)
    (waiting,) = world.network.waiting(Endpoint(world.phone(ANN).account, 1))
    assert "peer" == decode(waiting).attr("category")
