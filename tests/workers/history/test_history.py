"""What a history brings, and what it must leave alone."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import cast

import msgspec
import pytest

from tests.workers.conftest import ALICE, ALICE_LID, BOB, GROUP, NOON, OWN, Who, incoming, rows
from tests.workers.history.conftest import SECOND, Take, chat_in, event, message_in, new
from wagateway.problems import storage_full
from wagateway.whatsapp import polls
from wagateway.whatsapp.fields import write_fields
from wagateway.whatsapp.protos import E2E, Common, Web
from workers.history import History
from workers.inbound import Inbound
from workers.shard import Shard, messages
from workers.shard.messages import MessageRow

DAY = 86_400


@pytest.fixture
def live(shard: Shard) -> Inbound:
    """Takes live messages."""
    return Inbound(shard, Who(), lambda seq: None)


def chat(shard: Shard, jid: str, columns: str) -> tuple[object, ...]:
    (row,) = rows(shard, f"SELECT {columns} FROM chats WHERE jid = ?", jid)
    return row


def stored(shard: Shard, columns: str = "id, sender, content") -> list[tuple[object, ...]]:
    return rows(shard, f"SELECT {columns} FROM messages ORDER BY row")


def test_a_chat_of_a_history_is_as_the_phone_has_it(shard: Shard, take: Take) -> None:
    history = new("INITIAL_BOOTSTRAP")
    told = chat_in(history, name="Alice A.", archived=True, pinned=SECOND, muteEndTime=SECOND + DAY)
    told.unreadCount, told.markedAsUnread, told.ephemeralExpiration = 3, True, DAY
    message_in(told, "H1", "hi")
    message_in(told, "H2", "before", at=SECOND - 60)
    take(history)
    columns = "name, archived, pinned, muted_until, unread_count, marked_unread, ephemeral_expiration"
    assert ("Alice A.", 1, 1, NOON + DAY * 1000, 3, 1, DAY) == chat(shard, ALICE, columns)
    assert (NOON,) == chat(shard, ALICE, "last_message_time")
    assert [("H1", ALICE, "hi", NOON), ("H2", ALICE, "before", NOON - 60_000)] == stored(
        shard, "id, sender, content, timestamp"
    )


def test_a_history_tells_how_far_it_is_and_nothing_of_its_messages(shard: Shard, take: Take) -> None:
    history = new("INITIAL_BOOTSTRAP")
    history.progress, history.chunkOrder = 45, 2
    message_in(chat_in(history), "H1")
    chat_in(history, BOB)
    take(history)
    expected = {"kind": "initial_bootstrap", "progress": 45, "part": 2, "chats": 2, "messages": 1}
    assert [("history.progress", expected)] == told(shard)


def test_a_history_that_brings_nothing_new_says_so(shard: Shard, take: Take) -> None:
    history = new("PUSH_NAME")
    take(history)
    take(history)
    expected = {"kind": "push_name", "progress": 0, "part": 0, "chats": 0, "messages": 0}
    assert 2 * [("history.progress", expected)] == told(shard)


def test_a_history_of_a_kind_yet_unknown_is_told_all_the_same(shard: Shard, take: Take) -> None:
    take(write_fields((1, write_fields((1, 99)))))
    assert ["unknown_99"] == [payload["kind"] for _, payload in told(shard)]


def test_readers_are_told_of_the_event_of_a_history(shard: Shard, folder: Path) -> None:
    seqs: list[int] = []
    (folder / "1800000000000000000-0.history").write_bytes(event(new()))
    History(shard, folder, Who(), seqs.append).take()
    assert [1] == seqs


def told(shard: Shard) -> list[tuple[object, dict[str, object]]]:
    return [
        (kind, msgspec.json.decode(cast("bytes", body))["payload"])
        for kind, body in rows(shard, "SELECT kind, body FROM log ORDER BY seq")
    ]


def test_w26_a_history_does_not_change_what_came_since(shard: Shard, take: Take, live: Inbound) -> None:
    first = new("INITIAL_BOOTSTRAP")
    message_in(chat_in(first, name="Alice A.", archived=True), "H1", at=SECOND - DAY)
    take(first)
    live.message(incoming("news", id="L1", timestamp=NOON))
    rows(shard, "UPDATE chats SET archived = 0, name = 'Ali'")
    later = new("FULL")
    told = chat_in(later, name="Alice A.", archived=True, pinned=SECOND, unreadCount=7)
    message_in(told, "H0", "old", at=SECOND - 2 * DAY)
    message_in(told, "L1", "what the phone has")
    take(later)
    columns = "name, archived, pinned, unread_count, last_message_time"
    assert ("Ali", 0, 0, 1, NOON) == chat(shard, ALICE, columns)
    assert ["H1", "L1", "H0"] == [row[0] for row in stored(shard)]
    assert ("news",) == stored(shard, "content")[1]


def test_a_chat_that_began_with_a_live_message_gets_its_flags_but_keeps_its_count(
    shard: Shard, take: Take, live: Inbound
) -> None:
    live.message(incoming("news", chat=GROUP, sender=ALICE, timestamp=NOON))
    history = new("INITIAL_BOOTSTRAP")
    told = chat_in(history, GROUP, name="Team", pinned=SECOND, muteEndTime=2**64 - 1, unreadCount=9)
    message_in(told, "H1", participant=BOB, at=SECOND - DAY)
    take(history)
    columns = "name, pinned, muted_until, unread_count, last_message_time"
    assert ("Team", 1, -1, 1, NOON) == chat(shard, GROUP, columns)


def test_what_we_did_ourselves_before_the_first_history_stays(
    shard: Shard, take: Take, live: Inbound
) -> None:
    live.message(incoming("news"))
    rows(shard, "UPDATE chats SET pinned = 1")
    history = new()
    message_in(chat_in(history, archived=True), "H1", at=SECOND - DAY)
    take(history)
    assert (1, 0) == chat(shard, ALICE, "pinned, archived")


def test_old_messages_do_not_move_a_chat_on_pages(shard: Shard, take: Take, live: Inbound) -> None:
    live.message(incoming("news", timestamp=NOON))
    before = chat(shard, ALICE, "latest")
    history = new()
    message_in(chat_in(history), "H1", at=SECOND - DAY)
    take(history)
    assert before == chat(shard, ALICE, "latest")
    newer = new()
    message_in(chat_in(newer), "H2", at=SECOND + DAY)
    take(newer)
    assert (3,) == chat(shard, ALICE, "latest")


def test_a_second_import_of_the_same_file_changes_nothing(shard: Shard, take: Take) -> None:
    history = new()
    told = chat_in(history, unreadCount=2)
    info = message_in(told, "H1", from_me=True)
    info.reactions.add(key=Common.MessageKey(fromMe=False, ID="R1"), text="👍")
    message_in(told, "H2", content=edit_of("H2", "better"))
    message_in(told, "H3").messageStubType = Web.WebMessageInfo.REVOKE
    take(history)
    everything = "SELECT * FROM messages ORDER BY row"
    before = rows(shard, everything), chat(shard, ALICE, "unread_count, last_message_time, latest")
    take(history)
    assert before == (
        rows(shard, everything),
        chat(shard, ALICE, "unread_count, last_message_time, latest"),
    )


def test_names_fill_only_what_has_none(shard: Shard, take: Take, live: Inbound) -> None:
    live.message(incoming("hi", push_name="Alice"))
    live.message(incoming("hi", chat=BOB, sender=BOB, push_name=""))
    history = new("PUSH_NAME")
    history.pushnames.add(ID=ALICE, pushname="Old Alice")
    history.pushnames.add(ID=BOB.replace("s.whatsapp.net", "c.us"), pushname="Bob")
    history.pushnames.add(ID=GROUP, pushname="-")
    take(history)
    assert [(ALICE, "Alice"), (BOB, "Bob")] == rows(shard, "SELECT jid, name FROM contacts ORDER BY jid")
    assert [("Alice",), ("Bob",)] == rows(shard, "SELECT name FROM chats ORDER BY jid")


def test_chats_and_senders_are_told_by_phone_number_where_the_history_knows_it(
    shard: Shard, take: Take
) -> None:
    history = new()
    message_in(chat_in(history, ALICE_LID, pnJID=ALICE), "H1")
    message_in(chat_in(history, GROUP), "H2", participant="900000000000003@lid")
    history.phoneNumberToLidMappings.add(pnJID=BOB, lidJID="900000000000003@lid")
    take(history)
    assert [("H1", ALICE, ALICE), ("H2", GROUP, BOB)] == stored(shard, "id, chat, sender")


def test_a_lid_that_is_known_stays_with_its_number(shard: Shard, take: Take, live: Inbound) -> None:
    live.message(incoming("hi", chat_lid=ALICE_LID, sender_lid=ALICE_LID))
    history = new()
    history.phoneNumberToLidMappings.add(pnJID=BOB, lidJID=ALICE_LID)
    take(history)
    assert [(ALICE_LID, ALICE)] == rows(shard, "SELECT lid, phone FROM lids")


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("ERROR", "failed"),
        ("PENDING", "sent"),
        ("SERVER_ACK", "server"),
        ("DELIVERY_ACK", "delivered"),
        ("READ", "read"),
        ("PLAYED", "read"),
        ("", "server"),
    ],
)
def test_a_message_of_our_own_has_the_status_that_the_phone_knows(
    shard: Shard, take: Take, status: str, expected: str
) -> None:
    history = new()
    info = message_in(chat_in(history), "H1", from_me=True)
    if status:
        info.status = Web.WebMessageInfo.Status.Value(status)
    take(history)
    assert [(OWN, 1, expected)] == stored(shard, "sender, from_me, status")


def image(**fields: object) -> E2E.Message:
    digest = {"fileSHA256": b"\1" * 32, "fileEncSHA256": b"\2" * 32, "mediaKey": b"\3" * 32}
    part = E2E.ImageMessage(**(digest | {"directPath": "/v/old", "fileLength": 9} | fields))
    return E2E.Message(imageMessage=part)


def test_a_file_can_be_fetched_but_is_not_by_itself(shard: Shard, take: Take) -> None:
    wrapped = E2E.Message()
    wrapped.ephemeralMessage.message.CopyFrom(image(caption="look"))
    history = new()
    message_in(chat_in(history), "H1", content=wrapped)
    take(history)
    assert [("image", "look", "01" * 32)] == stored(shard, "kind, content, media_id")
    assert [("idle", "/v/old", "H1")] == rows(shard, "SELECT state, direct_path, message_id FROM media")
    ((raw,),) = stored(shard, "raw")
    assert E2E.Message.FromString(raw).HasField("imageMessage")


def test_a_files_newer_link_stays(shard: Shard, take: Take, live: Inbound) -> None:
    live.message(incoming(content=image(directPath="/v/new")))
    history = new()
    message_in(chat_in(history), "H1", content=image())
    take(history)
    assert [("/v/new",)] == rows(shard, "SELECT direct_path FROM media")


def test_reactions_come_with_their_message(shard: Shard, take: Take) -> None:
    history = new()
    info = message_in(chat_in(history, GROUP), "H1", participant=ALICE)
    info.reactions.add(key=Common.MessageKey(participant=BOB, ID="R1"), text="👍", senderTimestampMS=NOON + 5)
    info.reactions.add(key=Common.MessageKey(fromMe=True), text="🎉")
    info.reactions.add(key=Common.MessageKey(participant=ALICE, ID="R3"), text="")
    take(history)
    expected = [("R1", BOB, "👍", "H1", NOON + 5), ("H1/reaction/", OWN, "🎉", "H1", NOON)]
    assert expected == stored(shard, "id, sender, content, target_id, timestamp")[1:]


def test_votes_come_with_their_poll(shard: Shard, take: Take) -> None:
    history = new()
    asked = E2E.Message()
    asked.pollCreationMessage.name = "Where?"
    for option in ("Here", "There"):
        asked.pollCreationMessage.options.add(optionName=option)
    info = message_in(chat_in(history), "H1", content=asked, from_me=True, messageSecret=b"s" * 32)
    update = info.pollUpdates.add(senderTimestampMS=NOON + 5)
    update.pollUpdateMessageKey.ID = "V1"
    update.vote.selectedOptions.append(polls.vote_hashes(["There"])[0])
    take(history)
    assert ("V1", ALICE, "There", "poll_vote") == stored(shard, "id, sender, content, kind")[1]


def test_a_vote_that_came_before_its_poll_is_opened(shard: Shard, take: Take, live: Inbound) -> None:
    secret, sealed = b"s" * 32, E2E.Message()
    payload, iv = polls.seal_vote(secret, "H1", OWN, ALICE, ["There"])
    sealed.pollUpdateMessage.pollCreationMessageKey.ID = "H1"
    sealed.pollUpdateMessage.vote.encPayload, sealed.pollUpdateMessage.vote.encIV = payload, iv
    live.message(incoming(content=sealed, id="V1"))
    asked = E2E.Message()
    asked.pollCreationMessage.options.add(optionName="There")
    history = new()
    message_in(chat_in(history), "H1", content=asked, from_me=True, messageSecret=secret)
    take(history)
    assert ("V1", "There") == stored(shard, "id, content")[0]


def edit_of(message_id: str, text: str) -> E2E.Message:
    message = E2E.Message()
    change = message.editedMessage.message.protocolMessage
    change.type = E2E.ProtocolMessage.MESSAGE_EDIT
    change.key.ID, change.timestampMS = message_id, NOON + 9
    change.editedMessage.conversation = text
    return message


def test_an_edited_message_is_stored_as_the_edit_left_it(shard: Shard, take: Take) -> None:
    history = new()
    message_in(chat_in(history), "H1", content=edit_of("H1", "better"))
    take(history)
    columns = "id, kind, content, target_id, timestamp, edited_at"
    assert [("H1", "text", "better", "", NOON, NOON + 9)] == stored(shard, columns)


def test_an_edit_changes_the_message_that_is_stored(shard: Shard, take: Take, live: Inbound) -> None:
    live.message(incoming("good", id="L1", timestamp=NOON))
    history = new()
    message_in(chat_in(history), "L1", content=edit_of("L1", "better"))
    take(history)
    assert ("L1", "better", NOON + 9) == stored(shard, "id, content, edited_at")[0]
    assert [("L1",)] == rows(shard, "SELECT id FROM messages WHERE target_id = ''")


def test_a_message_that_was_taken_back_is_marked(shard: Shard, take: Take, live: Inbound) -> None:
    live.message(incoming("oops", id="L1"))
    history = new()
    info = message_in(chat_in(history), "L1", revokeMessageTimestamp=SECOND + 60)
    info.ClearField("message")
    info.messageStubType = Web.WebMessageInfo.REVOKE
    take(history)
    assert (NOON + 60_000,) == stored(shard, "revoked_at")[0]


def test_what_has_no_content_no_id_or_no_author_is_left_out(shard: Shard, take: Take) -> None:
    history = new()
    told = chat_in(history, GROUP, unreadCount=1)
    joined = message_in(told, "S1", participant=ALICE)
    joined.ClearField("message")
    joined.messageStubType = Web.WebMessageInfo.GROUP_PARTICIPANT_ADD
    message_in(told, "", participant=ALICE)
    message_in(told, "H1")
    message_in(told, "H2", participant=ALICE, at=2**62)
    message_in(told, "H3", participant=ALICE)
    chat_in(history, "nonsense")
    take(history)
    assert ["H3"] == [row[0] for row in stored(shard)]
    assert [(GROUP,)] == rows(shard, "SELECT jid FROM chats")


def test_a_chat_without_messages_is_listed_by_the_phones_time(shard: Shard, take: Take) -> None:
    history = new()
    chat_in(history)
    chat_in(history, BOB, conversationTimestamp=0)
    take(history)
    assert [(ALICE, NOON)] == rows(shard, "SELECT jid, last_message_time FROM chats")


def test_status_posts_come_from_their_own_list(shard: Shard, take: Take) -> None:
    history = new("INITIAL_STATUS_V3")
    post = history.statusV3Messages.add(messageTimestamp=SECOND, participant=ALICE)
    post.key.remoteJID, post.key.ID = "status@broadcast", "S1"
    post.message.conversation = "at the sea"
    take(history)
    assert [("status@broadcast", ALICE, "at the sea")] == stored(shard, "chat, sender, content")


def test_many_messages_are_stored_in_their_order_of_time(shard: Shard, take: Take) -> None:
    history = new()
    told = chat_in(history)
    for number in range(450):
        message_in(told, f"H{number}", at=SECOND - number)
    take(history)
    assert [(450, NOON)] == rows(shard, "SELECT count(*), max(timestamp) FROM messages")
    assert (0, NOON) == chat(shard, ALICE, "unread_count, last_message_time")


@pytest.mark.parametrize("broken", [b"", b"\x0a\xff\xff\x03abc", b"\xff" * 40, b"\x0a\x04\x12\x02\x0a\x7f"])
def test_a_file_that_makes_no_sense_is_set_aside(
    shard: Shard, take: Take, folder: Path, broken: bytes
) -> None:
    good = new()
    message_in(chat_in(good), "H1")
    take(broken, good)
    assert ["1800000000000000000-0.bad"] == [path.name for path in folder.iterdir()]
    assert ["H1"] == [row[0] for row in stored(shard)]


def test_few_bad_files_are_kept(take: Take, folder: Path) -> None:
    take(*[b"\xff"] * 5)
    assert ["2", "3", "4"] == sorted(path.stem.split("-")[1] for path in folder.iterdir())


async def test_files_are_taken_at_the_start_and_when_told(
    shard: Shard, history: History, folder: Path
) -> None:
    first, second = new(), new()
    message_in(chat_in(first), "H1")
    message_in(chat_in(second), "H2")
    (folder / "1.history").write_bytes(event(first))
    running = asyncio.create_task(history.run())
    await gone(folder / "1.history")
    (folder / "2.history").write_bytes(event(second))
    await asyncio.to_thread(history.wake)
    await gone(folder / "2.history")
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    assert ["H1", "H2"] == [row[0] for row in stored(shard)]


async def gone(path: Path) -> None:
    """Returns when the file is no longer there."""
    async with asyncio.timeout(5):
        while await asyncio.to_thread(path.exists):
            pass


def test_nothing_is_taken_after_the_shard_was_closed(shard: Shard, take: Take, folder: Path) -> None:
    history = new()
    message_in(chat_in(history), "H1")
    shard.close()
    take(history)
    assert [".history"] == [path.suffix for path in folder.iterdir()]


class FullAtFirst:
    """A shard whose disk is full for the first few writes."""

    def __init__(self, shard: Shard, times: int) -> None:
        self.left = times
        self._shard = shard

    def write(self, function: Callable[[sqlite3.Connection], object]) -> Future[object]:
        if self.left == 0:
            return self._shard.write(function)
        self.left -= 1
        refused: Future[object] = Future()
        refused.set_exception(storage_full())
        return refused


def test_a_full_disk_is_waited_for(shard: Shard, folder: Path) -> None:
    history = new()
    message_in(chat_in(history), "H1")
    (folder / "1.history").write_bytes(event(history))
    full = FullAtFirst(shard, 3)
    History(full, folder, Who(), lambda _: None, pause=0.0).take()  # type: ignore[arg-type]
    assert 0 == full.left
    assert ["H1"] == [row[0] for row in stored(shard)]


def test_a_message_that_cannot_be_kept_loses_no_other(
    shard: Shard, take: Take, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def keep_but_one(connection: sqlite3.Connection, row: MessageRow) -> bool:
        if row.id == "H2":
            raise RuntimeError("a bug")
        return add_message(connection, row)

    add_message = messages.add_message
    monkeypatch.setattr(messages, "add_message", keep_but_one)
    history = new()
    told = chat_in(history)
    for number in range(4):
        message_in(told, f"H{number}")
    take(history)
    assert ["H0", "H1", "H3"] == [row[0] for row in stored(shard)]
    assert [] == list(folder.iterdir())


def know(take: Take) -> None:
    """A history that tells whose LID Alice's is."""
    history = new("PUSH_NAME")
    history.phoneNumberToLidMappings.add(pnJID=ALICE, lidJID=ALICE_LID)
    take(history)


def test_a_message_that_is_in_both_chats_of_somebody_is_kept_once(shard: Shard, take: Take) -> None:
    history = new()
    under_lid, under_phone = chat_in(history, ALICE_LID, unreadCount=2), chat_in(history, unreadCount=2)
    for told, other in ((under_lid, "H3"), (under_phone, "H4")):
        message_in(told, "H1")
        message_in(told, "H2", from_me=True)
        message_in(told, other)
    take(history)
    know(take)
    assert ["H1", "H2", "H3", "H4"] == sorted(row[0] for row in stored(shard))  # type: ignore[type-var]
    assert (3,) == chat(shard, ALICE, "unread_count")
    counted = "SELECT messages, own FROM message_totals WHERE chat = ?"
    assert [[(4, 1)], [(0, 0)]] == [rows(shard, counted, jid) for jid in (ALICE, ALICE_LID)]


def test_a_file_of_a_message_that_is_in_both_chats_stays_with_the_one_kept(shard: Shard, take: Take) -> None:
    history = new()
    for told in (chat_in(history, ALICE_LID), chat_in(history)):
        message_in(told, "H1", content=image())
    take(history)
    know(take)
    assert [("H1", ALICE)] == rows(shard, "SELECT message_id, chat FROM media")


Settings = tuple[int, int, int, int, int]
SETTINGS = "archived, pinned, muted_until, marked_unread, ephemeral_expiration"


@pytest.mark.parametrize(
    ("under_lid", "under_phone", "expected"),
    [
        ((1, 1, -1, 1, DAY), (0, 0, 0, 0, 0), (1, 1, -1, 1, DAY)),
        ((0, 0, 0, 0, 0), (1, 1, -1, 1, DAY), (1, 1, -1, 1, DAY)),
        ((0, 0, -1, 0, DAY), (0, 0, 2 * NOON, 0, 7 * DAY), (0, 0, 2 * NOON, 0, 7 * DAY)),
        ((0, 0, 2 * NOON, 0, 0), (0, 0, 1, 0, 0), (0, 0, 2 * NOON, 0, 0)),
    ],
)
def test_what_is_set_in_either_chat_of_somebody_stays_and_that_of_the_phone_number_wins(
    shard: Shard, take: Take, under_lid: Settings, under_phone: Settings, expected: Settings
) -> None:
    both = {ALICE_LID: under_lid, ALICE: under_phone}
    history = new()
    for jid in both:
        message_in(chat_in(history, jid), "H" + jid)
    take(history)
    for jid, settings in both.items():
        rows(shard, f"UPDATE chats SET ({SETTINGS}) = (?, ?, ?, ?, ?) WHERE jid = ?", *settings, jid)
    know(take)
    assert expected == chat(shard, ALICE, SETTINGS)
    assert [(expected[0], 1)] == rows(shard, "SELECT archived, chats FROM chat_totals WHERE chats > 0")


def test_the_better_name_of_both_chats_of_somebody_stays(shard: Shard, take: Take) -> None:
    history = new()
    for jid, name in ((ALICE_LID, "Alice A."), (ALICE, "")):
        message_in(chat_in(history, jid, name=name), "H" + jid)
    take(history)
    know(take)
    assert ("Alice A.",) == chat(shard, ALICE, "name")


def test_a_timer_of_before_the_history_leaves_what_is_unread_to_it(shard: Shard, take: Take) -> None:
    shard.write(lambda c: messages.set_timer(c, ALICE, DAY)).result()
    history = new()
    message_in(chat_in(history, unreadCount=3, name="Alice A."), "H1")
    take(history)
    assert ("Alice A.", 3, DAY, NOON) == chat(
        shard, ALICE, "name, unread_count, ephemeral_expiration, last_message_time"
    )
