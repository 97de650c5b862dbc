"""What arrives is stored once, and nothing is lost for being odd."""

import base64
import json
import sqlite3
import threading
from collections.abc import Callable
from typing import Any

import pytest
import structlog

from tests.workers.conftest import ALICE, ALICE_LID, BOB, GROUP, NOON, OWN, Who, incoming, rows
from wagateway.whatsapp.protos import E2E
from workers import content
from workers.inbound import Inbound
from workers.patience import Stopped
from workers.shard import Shard


class Told(list[int]):
    def __call__(self, seq: int) -> None:
        self.append(seq)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def taker(shard: Shard, told: Told) -> Inbound:
    return Inbound(shard, Who(), told)


def events(shard: Shard) -> list[dict[str, Any]]:
    return [json.loads(body) for (body,) in rows(shard, "SELECT body FROM log ORDER BY seq")]  # type: ignore[arg-type]


def chat(shard: Shard, jid: str, columns: str) -> tuple[object, ...]:
    (row,) = rows(shard, f"SELECT {columns} FROM chats WHERE jid = ?", jid)
    return row


def test_a_text_is_a_row_a_chat_and_an_event(shard: Shard, taker: Inbound, told: Told) -> None:
    taker.message(incoming("hi", id="A1", timestamp=NOON))
    stored = rows(shard, "SELECT id, chat, sender, from_me, kind, content, timestamp FROM messages")
    assert stored == [("A1", ALICE, ALICE, 0, "text", "hi", NOON)]
    assert chat(shard, ALICE, "name, last_message_time, unread_count") == ("Alice", NOON, 1)
    assert told == [1]


def test_the_event_speaks_the_real_servers_language_and_the_guides(shard: Shard, taker: Inbound) -> None:
    taker.message(incoming("hi", id="A1", timestamp=NOON, chat_lid=ALICE_LID, sender_lid=ALICE_LID))
    (event,) = events(shard)
    event_id, timestamp = event.pop("event_id"), event.pop("timestamp")
    assert event_id.startswith("evt_")
    assert timestamp.endswith("Z")
    payload = {
        "id": "A1",
        "chat_id": ALICE,
        "chat_lid": ALICE_LID,
        "from": ALICE,
        "from_lid": ALICE_LID,
        "from_name": "Alice",
        "sender_display_name": "Alice",
        "timestamp": "2027-01-15T08:00:00Z",
        "is_from_me": False,
        "kind": "text",
        "body": "hi",
        "message_id": "A1",
        "chat_jid": ALICE,
        "sender": ALICE,
        "content": "hi",
    }
    assert {
        "event": "message",
        "device_id": OWN,
        "session_id": "sales",
        "seq": 1,
        "payload": payload,
    } == event


def test_a_message_delivered_twice_is_stored_and_told_once(shard: Shard, taker: Inbound, told: Told) -> None:
    message = incoming("hi")
    taker.message(message)
    taker.message(message)
    assert rows(shard, "SELECT count(*) FROM messages") == [(1,)]
    assert chat(shard, ALICE, "unread_count") == (1,)
    assert told == [1]


def test_a_repeat_under_the_phone_number_of_a_known_lid_is_a_repeat(shard: Shard, taker: Inbound) -> None:
    taker.message(incoming("hi", id="A1", chat=ALICE_LID, chat_lid=ALICE_LID, sender=ALICE_LID))
    taker.message(incoming("hi", id="A1", chat_lid=ALICE_LID, sender_lid=ALICE_LID))
    assert rows(shard, "SELECT id, chat FROM messages") == [("A1", ALICE)]
    assert rows(shard, "SELECT jid FROM chats") == [(ALICE,)]


def test_what_was_stored_under_a_lid_joins_the_phone_chat(shard: Shard, taker: Inbound) -> None:
    taker.message(incoming("one", timestamp=NOON))
    taker.message(incoming("two", timestamp=NOON + 5, chat=ALICE_LID, sender=ALICE_LID))
    taker.message(incoming("three", timestamp=NOON + 3, chat_lid=ALICE_LID, sender_lid=ALICE_LID))
    assert chat(shard, ALICE, "last_message_time, unread_count") == (NOON + 5, 3)
    assert rows(shard, "SELECT chat, count(*) FROM messages GROUP BY chat") == [(ALICE, 3)]


def test_two_members_of_a_group_may_use_the_same_id(shard: Shard, taker: Inbound) -> None:
    for sender in (ALICE, BOB):
        taker.message(incoming("x", id="SAME", chat=GROUP, sender=sender))
    assert rows(shard, "SELECT count(*) FROM messages") == [(2,)]
    assert chat(shard, GROUP, "name") == ("Group 120363000000000001",)


def test_an_own_message_marks_the_chat_read(shard: Shard, taker: Inbound) -> None:
    taker.message(incoming("one"))
    taker.message(incoming("two", sender=OWN, is_from_me=True, push_name="Me"))
    assert chat(shard, ALICE, "name, unread_count") == ("Alice", 0)


def test_a_late_message_does_not_turn_the_chats_clock_back(shard: Shard, taker: Inbound) -> None:
    taker.message(incoming("new", timestamp=NOON + 100))
    taker.message(incoming("old", timestamp=NOON))
    assert chat(shard, ALICE, "last_message_time, unread_count") == (NOON + 100, 2)


@pytest.mark.parametrize(
    "silent",
    [
        E2E.Message(),
        E2E.Message(senderKeyDistributionMessage=E2E.SenderKeyDistributionMessage(groupID=GROUP)),
        E2E.Message(messageContextInfo=E2E.MessageContextInfo(messageSecret=b"x" * 32)),
        E2E.Message(protocolMessage=E2E.ProtocolMessage(type=E2E.ProtocolMessage.APP_STATE_SYNC_KEY_SHARE)),
    ],
)
def test_a_message_with_nothing_to_show_leaves_no_trace(
    shard: Shard, taker: Inbound, told: Told, silent: E2E.Message
) -> None:
    taker.message(incoming(content=silent))
    assert rows(
        shard,
        "SELECT (SELECT count(*) FROM messages), (SELECT count(*) FROM chats), (SELECT count(*) FROM log)",
    ) == [(0, 0, 0)]
    assert told == []


def test_a_message_without_text_is_kept_with_its_kind(shard: Shard, taker: Inbound) -> None:
    image = E2E.Message(imageMessage=E2E.ImageMessage(mimetype="image/jpeg"))
    taker.message(incoming(content=image))
    assert [("image", "image", image.SerializeToString())] == rows(
        shard, "SELECT kind, media_type, raw FROM messages"
    )
    assert "body" not in events(shard)[0]["payload"]


def test_a_kind_newer_than_this_version_is_kept(shard: Shard, taker: Inbound) -> None:
    newer = b"\xfa\xff\x0f\x03new"  # a field number that no version uses
    taker.message(incoming(content=newer))
    assert [("unknown", newer)] == rows(shard, "SELECT kind, raw FROM messages")


def test_text_is_found_inside_its_wrappers() -> None:
    text = E2E.Message(extendedTextMessage=E2E.ExtendedTextMessage(text="deep"))
    wrapped = E2E.Message(
        deviceSentMessage=E2E.DeviceSentMessage(
            message=E2E.Message(ephemeralMessage=E2E.FutureProofMessage(message=text))
        )
    )
    read = content.interpret(wrapped)
    assert read is not None
    assert (read.kind, read.text) == ("text", "deep")


def test_a_reply_names_and_quotes_what_it_answers(shard: Shard, taker: Inbound) -> None:
    context = E2E.ContextInfo(
        stanzaID="Q1", isForwarded=True, expiration=86400, quotedMessage=E2E.Message(conversation="before")
    )
    reply = E2E.Message(extendedTextMessage=E2E.ExtendedTextMessage(text="after", contextInfo=context))
    taker.message(incoming(content=reply))
    payload = events(shard)[0]["payload"]
    assert (
        payload["replied_to_id"],
        payload["quoted_body"],
        payload["forwarded"],
    ) == ("Q1", "before", True)
    assert chat(shard, ALICE, "ephemeral_expiration") == (86400,)


def test_a_timer_setting_changes_the_chat_and_nothing_else(shard: Shard, taker: Inbound) -> None:
    taker.message(incoming("hi"))
    setting = E2E.ProtocolMessage(type=E2E.ProtocolMessage.EPHEMERAL_SETTING, ephemeralExpiration=604800)
    taker.message(incoming(content=E2E.Message(protocolMessage=setting)))
    assert chat(shard, ALICE, "ephemeral_expiration, unread_count") == (604800, 1)


def test_content_that_cannot_be_parsed_is_logged_raw(shard: Shard, taker: Inbound, told: Told) -> None:
    taker.message(incoming(content=b"\xff\xff\xff", id="BAD"))
    (event,) = events(shard)
    assert (event["event"], event["payload"]["id"], event["payload"]["chat_id"]) == ("unread", "BAD", ALICE)
    assert base64.b64decode(event["payload"]["raw"]) == b"\xff\xff\xff"
    assert told == [1]


def test_a_bug_in_interpretation_loses_nothing(
    shard: Shard, taker: Inbound, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(message: E2E.Message) -> None:
        raise KeyError("bug")

    monkeypatch.setattr(content, "interpret", broken)
    taker.message(incoming("precious"))
    monkeypatch.undo()
    taker.message(incoming("next"))
    assert [event["event"] for event in events(shard)] == ["unread", "message"]
    assert b"precious" in base64.b64decode(events(shard)[0]["payload"]["raw"])


def test_an_engine_event_nobody_can_read_is_logged(shard: Shard, taker: Inbound) -> None:
    taker.unread(17, b"\x00\x01")
    assert events(shard)[0]["payload"] == {"raw": "AAE=", "code": 17}


def filling(shard: Shard) -> Callable[[int], None]:
    def limit(pages: int) -> None:
        def write(connection: sqlite3.Connection) -> None:
            used = connection.execute("PRAGMA page_count").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count = {used + pages}")

        shard.write(write).result()

    return limit


def test_a_full_disk_holds_the_engine_back_until_there_is_space(
    shard: Shard, taker: Inbound, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = filling(shard)
    limit(0)
    waited = threading.Event()

    def wait(pause: float) -> bool:
        waited.set()
        limit(1000)
        return False

    monkeypatch.setattr(taker._stopping, "wait", wait)
    taker.message(incoming("x" * 50_000))
    assert waited.is_set()
    assert rows(shard, "SELECT count(*) FROM messages") == [(1,)]
    assert told == [1]


def test_stopping_lets_go_of_a_message_that_waits_for_the_disk(shard: Shard, taker: Inbound) -> None:
    filling(shard)(0)
    taker.stop()
    with structlog.testing.capture_logs() as logged:
        for _ in range(3):
            with pytest.raises(Stopped, match="STORAGE_FULL"):
                taker.message(incoming("x" * 50_000))
    assert ["inbound.not_stored"] == [line["event"] for line in logged if line["event"].startswith("inbound")]


def test_what_comes_after_the_shard_was_closed_is_let_go_of(shard: Shard, taker: Inbound) -> None:
    shard.close()
    with pytest.raises(Stopped):
        taker.message(incoming("hi"))
    with pytest.raises(Stopped):
        taker.unread(17, b"")
