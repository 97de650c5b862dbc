"""Groups' chats are called what the groups are called, and have their timers."""

import asyncio
from typing import Any

from tests.workers.conftest import ALICE, GROUP, NOON, Who, incoming, rows
from wagateway.problems import device_unavailable
from wagateway.whatsapp.protos import E2E
from workers.engine import GroupChange, GroupNews
from workers.groupnames import GroupNames
from workers.inbound import Inbound
from workers.shard import Shard


def taker(shard: Shard) -> Inbound:
    return Inbound(shard, Who(), lambda _seq: None)


class Lost:
    """An engine that fails when asked for the groups, until it is not `failing`."""

    def __init__(self) -> None:
        self.failing = True
        self.reached = asyncio.Event()

    async def group_news(self) -> list[GroupNews]:
        self.reached.set()
        if self.failing:
            raise device_unavailable("lost")
        return [GroupNews(GROUP, "Team", 86400)]


def chats(shard: Shard, jid: str = GROUP) -> list[tuple[object, ...]]:
    return rows(shard, "SELECT name, ephemeral_expiration FROM chats WHERE jid = ?", jid)


def disappearing(seconds: int | None, **changes: Any) -> Any:
    context = E2E.ContextInfo(expiration=seconds)
    text = E2E.ExtendedTextMessage(text="hello", contextInfo=context)
    return incoming(content=E2E.Message(extendedTextMessage=text), **changes)


def test_a_group_that_tells_of_itself_has_a_chat(shard: Shard) -> None:
    taker(shard).group(GroupChange(jid=GROUP, name="Team", timer=86400))
    assert [("Team", 86400)] == chats(shard)
    assert [(0, 0)] == rows(shard, "SELECT last_message_time, unread_count FROM chats")


def test_what_a_group_does_not_speak_of_stays(shard: Shard) -> None:
    inbound = taker(shard)
    inbound.group(GroupChange(jid=GROUP, timer=86400))
    assert [("Group 120363000000000001", 86400)] == chats(shard)
    inbound.group(GroupChange(jid=GROUP, name="Team"))
    assert [("Team", 86400)] == chats(shard)
    inbound.group(GroupChange(jid=GROUP, timer=0))
    assert [("Team", 0)] == chats(shard)


def test_the_name_of_a_group_replaces_the_one_of_its_first_message(shard: Shard) -> None:
    inbound = taker(shard)
    inbound.message(incoming(chat=GROUP, timestamp=NOON))
    inbound.group(GroupChange(jid=GROUP, name="Team", timer=0))
    assert [("Team", 0)] == chats(shard)
    assert [(NOON, 1)] == rows(shard, "SELECT last_message_time, unread_count FROM chats")


def test_messages_do_not_set_the_timer_of_a_group(shard: Shard) -> None:
    inbound = taker(shard)
    inbound.group(GroupChange(jid=GROUP, name="Team", timer=0))
    inbound.message(disappearing(604800, chat=GROUP))
    setting = E2E.ProtocolMessage(type=E2E.ProtocolMessage.EPHEMERAL_SETTING, ephemeralExpiration=604800)
    inbound.message(incoming(content=E2E.Message(protocolMessage=setting), chat=GROUP))
    assert [("Team", 0)] == chats(shard)


def test_between_two_a_message_that_says_that_it_stays_ends_the_timer(shard: Shard) -> None:
    inbound = taker(shard)
    inbound.message(disappearing(604800))
    inbound.message(disappearing(None))
    inbound.message(incoming("plain"))
    assert [("Alice", 604800)] == chats(shard, ALICE)
    inbound.message(disappearing(0))
    assert [("Alice", 0)] == chats(shard, ALICE)


async def test_all_groups_are_learnt_at_the_first_login_that_works(shard: Shard) -> None:
    engine = Lost()
    names = GroupNames(engine, shard)  # type: ignore[arg-type]
    names.wake()
    failing = asyncio.create_task(names.run())
    await asyncio.wait_for(engine.reached.wait(), 5)
    engine.failing = False
    names.wake()
    await asyncio.wait_for(failing, 5)
    assert [("Team", 86400)] == chats(shard)
