"""Lists of chats and messages: every filter, true totals, and pages that hold still."""

import contextlib
import sqlite3
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path

import msgspec
import pytest
from sqlite_utils import Database

from tests.workers.conftest import ALICE, ALICE_LID, BOB, GROUP, NOON, OWN, OWN_LID, incoming, rows
from wagateway.commands.chats import ChatInfo, ChatList, ListChats, ListMessages, MessageList
from wagateway.contract import Problem
from wagateway.whatsapp.protos import E2E
from workers.device import Device
from workers.handlers.chats import list_chats, list_messages
from workers.inbound import Inbound
from workers.shard import Shard, chats, messages
from workers.shard.imports import OldChat, standing, tell_chat
from workers.shard.schema import SCHEMA

IMAGE = E2E.Message(imageMessage=E2E.ImageMessage(mimetype="image/jpeg"))


def person(number: int) -> str:
    return f"4915200{number:06}@s.whatsapp.net"


def texts(page: MessageList) -> list[str]:
    return [message.content for message in page.data]


def jids(page: ChatList) -> list[str]:
    return [chat.jid for chat in page.data]


async def test_messages_are_latest_first_and_the_newest_of_a_second_leads(
    device: Device, inbox: Inbound
) -> None:
    for text, timestamp in (("b", NOON), ("c", NOON), ("a", NOON - 1000), ("d", NOON + 1000)):
        inbox.message(incoming(text, timestamp=timestamp))
    page = await list_messages(device, ListMessages(chat_jid=ALICE))
    assert texts(page) == ["d", "c", "b", "a"]


async def test_a_message_looks_as_on_the_real_server(device: Device, inbox: Inbound) -> None:
    inbox.message(incoming("hi", id="A1", timestamp=NOON))
    (message,) = (await list_messages(device, ListMessages(chat_jid="+49 151 00000002"))).data
    assert (
        message.id,
        message.chat_jid,
        message.sender_jid,
        message.sender_display_name,
        message.content,
    ) == ("A1", ALICE, ALICE, "Alice", "hi")
    assert (message.timestamp, message.is_from_me, message.media_type) == ("2027-01-15T08:00:00Z", False, "")


async def test_all_message_filters_combine_and_the_total_is_what_matches(
    device: Device, inbox: Inbound
) -> None:
    for number in range(20):
        mine = number % 2 == 0
        inbox.message(
            incoming(
                f"offer {number}" if number % 3 == 0 else f"news {number}",
                timestamp=NOON + number * 1000,
                is_from_me=mine,
                sender=OWN if mine else ALICE,
            )
        )
    page = await list_messages(
        device,
        ListMessages(
            chat_jid=ALICE,
            search="OFFER",
            is_from_me=True,
            start_time=datetime.fromisoformat("2027-01-15T08:00:01Z"),
            end_time=datetime.fromisoformat("2027-01-15T08:00:18Z"),
            limit=2,
        ),
    )
    assert (texts(page), page.pagination.total) == (["offer 18", "offer 12"], 3)


async def test_w38_times_without_an_offset_are_utc_and_others_are_compared_as_moments(
    device: Device, inbox: Inbound
) -> None:
    inbox.message(incoming("at eight UTC", timestamp=NOON))
    naive = datetime(2027, 1, 15, 8, 0)  # noqa: DTZ001  what a caller without an offset sends
    shifted = datetime(2027, 1, 15, 10, 0, tzinfo=timezone(timedelta(hours=2)))
    for moment in (naive, shifted):
        page = await list_messages(device, ListMessages(chat_jid=ALICE, start_time=moment, end_time=moment))
        assert texts(page) == ["at eight UTC"]


async def test_media_only_shows_files(device: Device, inbox: Inbound) -> None:
    inbox.message(incoming("text"))
    inbox.message(incoming(content=IMAGE))
    page = await list_messages(device, ListMessages(chat_jid=ALICE, media_only=True))
    assert ([message.media_type for message in page.data], page.pagination.total) == (["image"], 1)


async def test_pages_of_messages_neither_skip_nor_repeat_while_new_ones_arrive(
    device: Device, inbox: Inbound
) -> None:
    for number in range(25):
        inbox.message(incoming(str(number), timestamp=NOON + number // 4 * 1000))
    seen: list[str] = []
    cursor = ""
    while True:
        page = await list_messages(device, ListMessages(chat_jid=ALICE, limit=4, cursor=cursor))
        seen += texts(page)
        inbox.message(incoming("new", timestamp=NOON + 60_000))
        cursor = page.pagination.next_cursor
        if not cursor:
            break
    assert [str(number) for number in reversed(range(25))] == seen


async def test_an_offset_skips(device: Device, inbox: Inbound) -> None:
    for number in range(5):
        inbox.message(incoming(str(number), timestamp=NOON + number))
    page = await list_messages(device, ListMessages(chat_jid=ALICE, limit=2, offset=2))
    assert (texts(page), page.pagination.total, page.pagination.offset) == (["2", "1"], 5, 2)


async def test_limit_0_is_the_default(device: Device) -> None:
    assert (await list_messages(device, ListMessages(chat_jid=ALICE, limit=0))).pagination.limit == 50
    assert (await list_chats(device, ListChats(limit=0))).pagination.limit == 25


@pytest.mark.parametrize("cursor", ["x", "!!!", "AAAA", "gaFh", "kwECAw", "žž", "ks__________AQ"])
async def test_a_cursor_that_was_not_given_is_refused(device: Device, cursor: str) -> None:
    with pytest.raises(Problem, match="cursor") as caught:
        await list_messages(device, ListMessages(chat_jid=ALICE, cursor=cursor))
    assert caught.value.status == 400


async def test_a_chat_is_found_by_its_lid(device: Device, inbox: Inbound) -> None:
    inbox.message(incoming("hi", chat_lid=ALICE_LID, sender_lid=ALICE_LID))
    page = await list_messages(device, ListMessages(chat_jid=ALICE_LID))
    assert (texts(page), page.chat_info.jid) == (["hi"], ALICE)


async def test_a_chat_stored_by_its_lid_is_found_by_the_phone_once_known(
    device: Device, inbox: Inbound
) -> None:
    inbox.message(incoming("early", chat=ALICE_LID, chat_lid=ALICE_LID, sender=ALICE_LID, push_name=""))
    inbox.message(incoming("x", chat=GROUP, sender_lid=ALICE_LID))
    page = await list_messages(device, ListMessages(chat_jid=ALICE))
    assert (texts(page), page.data[0].sender_jid, page.chat_info.name) == (["early"], ALICE, "4915100000002")


async def test_an_unknown_chat_is_empty_and_named(device: Device) -> None:
    page = await list_messages(device, ListMessages(chat_jid=BOB))
    assert ([], 0) == (page.data, page.pagination.total)
    assert {"jid": BOB, "name": "4915100000003"} == told(page.chat_info)


def told(info: ChatInfo) -> dict[str, object]:
    """What a caller gets."""
    found: dict[str, object] = msgspec.json.decode(msgspec.json.encode(info))
    return found


async def test_a_known_chat_is_told_of_in_full(device: Device, inbox: Inbound) -> None:
    inbox.message(incoming("hi", chat_lid=ALICE_LID, sender_lid=ALICE_LID))
    info = told((await list_messages(device, ListMessages(chat_jid=ALICE))).chat_info)
    expected = {"last_message_time", "ephemeral_expiration", "created_at", "updated_at", "archived", "lid"}
    assert {"jid", "name"} | expected == info.keys()
    assert (0, False, ALICE_LID) == (info["ephemeral_expiration"], info["archived"], info["lid"])


async def test_chats_are_latest_first_with_what_is_unread(device: Device, inbox: Inbound) -> None:
    inbox.message(incoming("one", timestamp=NOON))
    inbox.message(incoming("two", timestamp=NOON + 1000, chat=BOB, sender=BOB, push_name="Bob"))
    inbox.message(incoming("three", timestamp=NOON + 2000, chat=BOB, sender=BOB, push_name="Bob"))
    page = await list_chats(device, ListChats())
    assert [(chat.name, chat.unread_count) for chat in page.data] == [("Bob", 2), ("Alice", 1)]
    assert page.data[0].last_message_time == "2027-01-15T08:00:02Z"


async def test_all_chat_filters_combine_and_the_total_is_what_matches(device: Device, inbox: Inbound) -> None:
    for number in range(6):
        content = IMAGE if number % 2 else E2E.Message(conversation="x")
        who = person(number)
        name = "Shop" if number > 1 else "Person"
        inbox.message(
            incoming(content=content, chat=who, sender=who, push_name=name, timestamp=NOON + number)
        )
    device.shard.write(
        lambda c: c.execute("UPDATE chats SET archived = 1 WHERE jid = ?", (person(5),)) and None
    ).result()
    page = await list_chats(device, ListChats(search="sho", has_media=True, archived=False))
    assert ([person(3)], 1) == (jids(page), page.pagination.total)


async def test_pages_of_chats_neither_skip_nor_repeat_while_chats_move(
    device: Device, inbox: Inbound
) -> None:
    people = [person(number) for number in range(12)]
    for number, who in enumerate(people):
        inbox.message(incoming(chat=who, sender=who, timestamp=NOON + number // 3 * 1000))
    seen: list[str] = []
    cursor = ""
    moved = 0
    while True:
        page = await list_chats(device, ListChats(limit=3, cursor=cursor))
        seen += jids(page)
        for who in (people[moved], people[11 - moved]):
            inbox.message(incoming(chat=who, sender=who, timestamp=NOON + 60_000 + moved))
        inbox.message(incoming(chat=person(100 + moved), sender=person(100 + moved)))
        moved += 1
        cursor = page.pagination.next_cursor
        if not cursor:
            break
    assert list(reversed(people)) == seen


async def test_a_reaction_moves_no_chat_on_any_page(device: Device, inbox: Inbound) -> None:
    people = [person(number) for number in range(4)]
    for number, who in enumerate(people):
        inbox.message(incoming(id=f"M{number}", chat=who, sender=who, timestamp=NOON + number * 1000))
    emoji = E2E.ReactionMessage(text="👍")
    emoji.key.ID = "M0"
    thumb = E2E.Message(reactionMessage=emoji)
    inbox.message(incoming(content=thumb, chat=people[0], sender=people[0], timestamp=NOON + 60_000))
    first = await list_chats(device, ListChats(limit=2))
    for number in (0, 1):  # chats that have moved are listed where they were
        inbox.message(incoming(chat=people[number], sender=people[number], timestamp=NOON + 90_000))
    second = await list_chats(device, ListChats(limit=2, cursor=first.pagination.next_cursor))
    assert list(reversed(people)) == jids(first) + jids(second)


async def test_a_list_of_messages_tells_what_was_edited_and_what_is_about_another(
    device: Device, inbox: Inbound
) -> None:
    inbox.message(incoming("helo", id="A1", timestamp=NOON))
    inbox.message(incoming("hello", id="A1", timestamp=NOON + 1000, edit=True))
    page = await list_messages(device, ListMessages(chat_jid=ALICE))
    told = [(one.kind, one.content, one.target_id, one.is_edited) for one in page.data]
    assert [("edit", "hello", "A1", False), ("text", "hello", "", True)] == told


def reaction(emoji: str, to: str) -> E2E.Message:
    made = E2E.ReactionMessage(text=emoji)
    made.key.ID = to
    return E2E.Message(reactionMessage=made)


async def test_a_message_shows_the_last_reaction_of_everybody(device: Device, inbox: Inbound) -> None:
    inbox.message(incoming("hi", id="M1", chat=GROUP))
    said = [(ALICE, "👍"), (BOB, "😀"), (ALICE, "🎉"), (OWN, "❤"), (BOB, "")]
    for at, (who, emoji) in enumerate(said):
        inbox.message(
            incoming(
                content=reaction(emoji, "M1"),
                chat=GROUP,
                sender=who,
                sender_lid=ALICE_LID if who == ALICE else "",
                is_from_me=who == OWN,
                push_name="" if who == OWN else "Name",
                timestamp=NOON + 60_000 + at * 1000,
            )
        )
    inbox.message(incoming(content=reaction("👀", "M1")))  # about a message of another chat
    page = await list_messages(device, ListMessages(chat_jid=GROUP, sort="rank", search="hi"))
    (message,) = page.data
    told = [(one.emoji, one.sender_jid, one.sender_display_name, one.is_from_me) for one in message.reactions]
    assert [("🎉", ALICE, "Name", False), ("❤", OWN, "4915100000001", True)] == told
    assert "2027-01-15T08:01:02Z" == message.reactions[0].timestamp


async def test_a_chat_tells_how_the_account_has_it(device: Device, inbox: Inbound) -> None:
    for number, until in enumerate((0, 1, -1, 4_000_000_000_000)):
        who = person(number)
        inbox.message(incoming(chat=who, sender=who, chat_lid=f"90{number}@lid", timestamp=NOON + number))
        device.shard.write(
            partial(_set, jid=who, pinned=number == 1, muted_until=until, marked_unread=number == 2)
        ).result()
    chats = list(reversed((await list_chats(device, ListChats())).data))
    assert [False, True, False, False] == [chat.pinned for chat in chats]
    assert ["", "", "forever", "2096-10-02T07:06:40Z"] == [chat.muted_until for chat in chats]
    assert [False, False, True, False] == [chat.marked_unread for chat in chats]
    assert [f"90{number}@lid" for number in range(4)] == [chat.lid for chat in chats]


def _set(connection: sqlite3.Connection, **values: object) -> None:
    connection.execute(
        "UPDATE chats SET pinned = :pinned, muted_until = :muted_until, marked_unread = :marked_unread "
        "WHERE jid = :jid",
        values,
    )


async def paged(device: Device, between: Callable[[], object], limit: int = 1) -> list[str]:
    """The chats of all pages, with something done after the first."""
    page = await list_chats(device, ListChats(limit=limit))
    seen = jids(page)
    between()
    while page.pagination.next_cursor:
        page = await list_chats(device, ListChats(limit=limit, cursor=page.pagination.next_cursor))
        seen += jids(page)
    return seen


def remember(shard: Shard, jid: str, time: int) -> None:
    """A chat without messages, as a phone's history tells of it."""

    def write(connection: sqlite3.Connection) -> None:
        chat = OldChat(jid=jid, time=time)
        tell_chat(connection, chat)
        with standing(connection, chat):
            pass

    shard.write(write).result()


@pytest.mark.parametrize("time", [0, NOON - 5000, NOON + 500, NOON + 5000])
async def test_a_chat_whose_first_message_comes_between_pages_is_neither_skipped_nor_repeated(
    device: Device, inbox: Inbound, time: int
) -> None:
    for at, who in enumerate((ALICE, BOB)):
        inbox.message(incoming(chat=who, sender=who, timestamp=NOON + at * 1000))
    quiet = person(1)
    remember(device.shard, quiet, time)

    def write() -> None:
        for who in (quiet, person(2)):  # the second is new and was on no page
            inbox.message(incoming(chat=who, sender=who, timestamp=NOON + 60_000))

    places = {ALICE: NOON, BOB: NOON + 1000, quiet: time}
    assert sorted(places, key=places.__getitem__, reverse=True) == await paged(device, write)


async def test_a_chat_that_had_an_older_message_than_the_phone_told_is_not_repeated(
    device: Device, inbox: Inbound
) -> None:
    remember(device.shard, ALICE, NOON + 5000)
    inbox.message(incoming(timestamp=NOON - 5000))
    inbox.message(incoming(chat=BOB, sender=BOB, timestamp=NOON))
    assert [ALICE, BOB] == await paged(device, lambda: inbox.message(incoming(timestamp=NOON + 60_000)))


async def test_a_chat_whose_last_message_was_deleted_is_not_repeated(device: Device, inbox: Inbound) -> None:
    inbox.message(incoming(timestamp=NOON - 5000))
    inbox.message(incoming(id="LAST", timestamp=NOON + 5000))
    inbox.message(incoming(chat=BOB, sender=BOB, timestamp=NOON))

    def forget(connection: sqlite3.Connection) -> None:
        chats.delete_message(connection, chats.find_target(connection, "LAST", ALICE).row)

    device.shard.write(forget).result()
    assert [ALICE, BOB] == await paged(device, lambda: inbox.message(incoming(timestamp=NOON + 60_000)))


async def test_a_chat_without_messages_of_a_shard_of_before_is_not_skipped(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as old:
        SCHEMA.apply(Database(old), stop_before="0005_base_time")
        add = (
            "INSERT INTO chats (jid, name, last_message_time, created_at, updated_at) VALUES (?, ?, ?, 0, 0)"
        )
        old.execute(add, (ALICE, "Alice", NOON))
        old.commit()
    shard = Shard.open(path)
    assert [(NOON,)] == rows(shard, "SELECT base_time FROM chats")
    shard.close()


def timer_of(shard: Shard, chat: str) -> int:
    """What a message sent to the chat gets."""
    return shard.write(lambda c: messages.get_timer(c, messages.phone_of(c, chat))).result()


@pytest.mark.parametrize("chat", [ALICE, ALICE_LID, GROUP])
async def test_the_timer_of_a_chat_that_is_not_stored_is_kept(device: Device, chat: str) -> None:
    device.shard.write(partial(chats.set_timer, chat=chat, seconds=86_400)).result()
    (listed,) = (await list_chats(device, ListChats())).data
    assert (chat, messages.fallback_name(chat), "", 0, 86_400) == (
        listed.jid,
        listed.name,
        listed.last_message_time,
        listed.unread_count,
        listed.ephemeral_expiration,
    )
    assert 86_400 == timer_of(device.shard, chat)


def test_no_timer_makes_no_chat(shard: Shard) -> None:
    shard.write(partial(chats.set_timer, chat=ALICE, seconds=0)).result()
    assert [] == rows(shard, "SELECT jid FROM chats")


def test_a_timer_is_kept_until_the_lid_is_known(device: Device, inbox: Inbound) -> None:
    device.shard.write(partial(chats.set_timer, chat=ALICE_LID, seconds=86_400)).result()
    inbox.message(incoming("hi", chat_lid=ALICE_LID, sender_lid=ALICE_LID))
    assert [86_400, 86_400] == [timer_of(device.shard, chat) for chat in (ALICE, ALICE_LID)]
    assert [("Alice", 1)] == rows(device.shard, "SELECT name, unread_count FROM chats")


@pytest.mark.parametrize("chat", [ALICE, ALICE_LID])
def test_a_timer_that_is_the_first_word_of_a_stranger_is_kept(
    device: Device, inbox: Inbound, chat: str
) -> None:
    setting = E2E.ProtocolMessage(type=E2E.ProtocolMessage.EPHEMERAL_SETTING, ephemeralExpiration=604_800)
    inbox.message(incoming(content=E2E.Message(protocolMessage=setting), chat=chat, sender=chat))
    assert 604_800 == timer_of(device.shard, chat)


async def test_everybody_is_named_by_both_identities(device: Device, inbox: Inbound) -> None:
    device.lid = OWN_LID
    known = {"chat_lid": ALICE_LID, "sender_lid": ALICE_LID}
    inbox.message(incoming("hi", id="M1", timestamp=NOON, **known))
    inbox.message(incoming("ho", timestamp=NOON + 1, is_from_me=True, sender=OWN))
    for at, (who, own) in enumerate(((ALICE, False), (OWN, True))):
        inbox.message(
            incoming(content=reaction("👍", "M1"), sender=who, is_from_me=own, timestamp=NOON + 2 + at)
        )
    page = await list_messages(device, ListMessages(chat_jid=ALICE))
    texts = [message for message in page.data if message.kind == "text"]
    assert [OWN_LID, ALICE_LID] == [message.sender_lid for message in texts]
    assert [ALICE_LID, OWN_LID] == [one.sender_lid for one in texts[1].reactions]
    assert ALICE_LID == page.chat_info.lid


async def test_the_chat_with_oneself_has_both_identities(device: Device, inbox: Inbound) -> None:
    device.lid = OWN_LID
    inbox.message(incoming("note", chat=OWN, sender=OWN, is_from_me=True))
    (chat,) = (await list_chats(device, ListChats())).data
    page = await list_messages(device, ListMessages(chat_jid=OWN))
    assert [OWN_LID] * 3 == [chat.lid, page.data[0].chat_lid, page.chat_info.lid]
