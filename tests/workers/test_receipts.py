"""Receipts move the messages they are about, forwards only, and are told once."""

import asyncio
import contextlib
import sqlite3
from functools import partial
from pathlib import Path

import pytest
from sqlite_utils import Database

from tests.workers.conftest import ALICE, ALICE_LID, BOB, GROUP, NOON, OWN, OWN_LID, Who, incoming, rows
from tests.workers.test_inbound import Told, chat, events
from wagateway.commands.chats import ListMessages
from wagateway.commands.messages import GetMessageStatus, Recipient
from wagateway.contract import Problem
from wagateway.whatsapp.protos import E2E
from workers import outbound
from workers.device import Device
from workers.engine import IncomingReceipt
from workers.handlers.chats import list_messages
from workers.handlers.messages import get_message_status
from workers.inbound import Inbound
from workers.outbound import Outgoing
from workers.shard import Shard, messages, pages, receipts
from workers.shard.messages import MessageRow
from workers.shard.schema import SCHEMA


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def taker(device: Device, told: Told) -> Inbound:
    device.lid = OWN_LID
    return Inbound(device.shard, device, told)


def receipt(kind: str, *ids: str, **changes: object) -> IncomingReceipt:
    """Alice's receipt for messages of ours in her chat."""
    fields: dict[str, object] = {
        "ids": list(ids),
        "kind": kind,
        "chat": ALICE,
        "chat_lid": "",
        "sender": ALICE,
        "sender_lid": "",
        "timestamp": NOON,
    }
    return IncomingReceipt(**(fields | changes))  # type: ignore[arg-type]


def send(shard: Shard, message_id: str = "S1", chat: str = ALICE, status: str = "server") -> None:
    row = MessageRow(
        id=message_id,
        chat=chat,
        sender=OWN,
        from_me=True,
        timestamp=NOON,
        kind="text",
        content="hi",
        raw=b"",
        status=status,  # type: ignore[arg-type]
    )
    shard.write(lambda connection: messages.add_message(connection, row)).result()


def status(shard: Shard, message_id: str = "S1") -> object:
    return rows(shard, "SELECT status FROM messages WHERE id = ?", message_id)[0][0]


def test_receipts_move_a_message_forwards(shard: Shard, taker: Inbound) -> None:
    send(shard)
    moved = [status(shard)]
    for kind in ("delivered", "read", "played"):
        taker.receipt(receipt(kind, "S1"))
        moved.append(status(shard))
    assert ["server", "delivered", "read", "read"] == moved


def test_receipts_out_of_order_do_not_move_it_back(shard: Shard, taker: Inbound) -> None:
    send(shard)
    taker.receipt(receipt("read", "S1"))
    taker.receipt(receipt("delivered", "S1"))
    assert "read" == status(shard)


def test_a_receipt_is_told_once_with_all_its_ids(shard: Shard, taker: Inbound, told: Told) -> None:
    taker.receipt(receipt("read", "S1", "S2", sender_lid=ALICE_LID, chat_lid=ALICE_LID))
    taker.receipt(receipt("read", "S1", "S2"))
    (event,) = events(shard)
    payload = event["payload"]
    assert ("message.ack", ["S1", "S2"], "read", ALICE, ALICE, ALICE_LID) == (
        event["event"],
        payload["ids"],
        payload["receipt_type"],
        payload["chat_id"],
        payload["from"],
        payload["from_lid"],
    )
    assert [1] == told


def test_a_receipt_that_is_faster_than_the_sends_answer_is_not_lost(shard: Shard, taker: Inbound) -> None:
    taker.receipt(receipt("delivered", "S1"))
    send(shard)
    assert "delivered" == status(shard)


def test_a_receipt_under_a_lid_reaches_the_message_once_the_lid_is_known(
    shard: Shard, taker: Inbound
) -> None:
    taker.receipt(receipt("delivered", "S1", chat=ALICE_LID, sender=ALICE_LID))
    taker.message(incoming("hi", chat_lid=ALICE_LID, sender_lid=ALICE_LID))
    send(shard)
    assert "delivered" == status(shard)
    assert [(ALICE, ALICE)] == rows(shard, "SELECT chat, recipient FROM receipts")


def test_a_group_has_read_a_message_when_all_who_have_it_have_read_it(shard: Shard, taker: Inbound) -> None:
    send(shard, chat=GROUP)
    moved = []
    for kind, sender in (("delivered", ALICE), ("delivered", BOB), ("read", BOB), ("read", ALICE)):
        taker.receipt(receipt(kind, "S1", chat=GROUP, sender=sender))
        moved.append(status(shard))
    assert ["delivered", "delivered", "delivered", "read"] == moved


@pytest.mark.parametrize("sender", [OWN, OWN_LID])
def test_a_copy_for_an_own_device_counts_for_nothing(
    shard: Shard, taker: Inbound, told: Told, sender: str
) -> None:
    send(shard)
    taker.receipt(receipt("delivered", "S1", sender=sender))
    assert "server" == status(shard)
    assert [] == told


@pytest.mark.parametrize("kind", ["read-self", "read"])
def test_reading_on_the_phone_leaves_only_later_messages_unread(
    shard: Shard, taker: Inbound, kind: str
) -> None:
    for number in range(1, 4):
        taker.message(incoming(id=f"IN-{number}", timestamp=NOON + number * 1000))
    taker.receipt(receipt(kind, "IN-1", "IN-2", sender=OWN))
    assert (1,) == chat(shard, ALICE, "unread_count")
    assert ["read-self"] == [
        event["payload"]["receipt_type"] for event in events(shard) if event["event"] == "message.ack"
    ]


def test_a_receipt_for_what_is_not_stored_leaves_the_unread_count(shard: Shard, taker: Inbound) -> None:
    taker.message(incoming())
    taker.receipt(receipt("read-self", "UNKNOWN", sender=OWN))
    assert (1,) == chat(shard, ALICE, "unread_count")


def test_a_receipt_does_not_touch_messages_of_others(shard: Shard, taker: Inbound) -> None:
    taker.message(incoming(id="S1"))
    taker.receipt(receipt("read", "S1"))
    assert "" == status(shard)


def test_a_message_from_our_phone_has_reached_the_server_and_moves_on(shard: Shard, taker: Inbound) -> None:
    taker.message(incoming(id="S1", sender=OWN, is_from_me=True))
    assert "server" == status(shard)
    taker.receipt(receipt("delivered", "S1"))
    assert "delivered" == status(shard)


def test_a_failed_message_that_arrives_all_the_same_has_no_reason_left(shard: Shard, taker: Inbound) -> None:
    send(shard, status="sent")
    shard.write(lambda c: receipts.advance(c, ALICE, "S1", "failed", "TIMEOUT", NOON)).result()
    assert [("failed", "TIMEOUT")] == rows(shard, "SELECT status, status_reason FROM messages")
    taker.receipt(receipt("delivered", "S1"))
    assert [("delivered", "")] == rows(shard, "SELECT status, status_reason FROM messages")


def test_a_bug_in_reading_a_receipt_loses_nothing_and_stops_nothing(
    shard: Shard, taker: Inbound, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("bug")

    monkeypatch.setattr(messages, "phone_of", broken)
    taker.receipt(receipt("read", "S1"))
    rows(shard, "SELECT 1")  # nothing is written before what was asked for first
    monkeypatch.undo()
    taker.receipt(receipt("read", "S2"))
    assert ["unread", "message.ack"] == [event["event"] for event in events(shard)]


def test_a_receipt_that_the_disk_refused_is_stored_with_the_next(
    shard: Shard, taker: Inbound, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    send(shard, "S1")
    send(shard, "S2")
    monkeypatch.setattr(messages, "phone_of", full)
    taker.receipt(receipt("read", "S1"))
    rows(shard, "SELECT 1")
    monkeypatch.undo()
    taker.receipt(receipt("read", "S2"))
    acks = [event["payload"] for event in events(shard) if event["event"] == "message.ack"]
    assert [["S1"], ["S2"]] == [payload["ids"] for payload in acks]


def test_receipts_share_a_transaction(shard: Shard, taker: Inbound, monkeypatch: pytest.MonkeyPatch) -> None:
    commits = []
    transact = shard._writer._transact
    monkeypatch.setattr(
        shard._writer, "_transact", lambda batch: (commits.append(len(batch)), transact(batch))[1]
    )
    for number in range(5):
        taker.receipt(receipt("read", f"S{number}"))
    rows(shard, "SELECT 1")
    assert [6] == commits


async def arrive(taker: Inbound, *receipts: IncomingReceipt) -> None:
    for one in receipts:
        await asyncio.to_thread(taker.receipt, one)
    await asyncio.to_thread(rows, taker._shard, "SELECT 1")


async def test_the_status_names_everybody_who_has_the_message(device: Device, taker: Inbound) -> None:
    send(device.shard, chat=GROUP)
    group = {"chat": GROUP}
    await arrive(
        taker,
        receipt("delivered", "S1", **group),
        receipt("read", "S1", sender=BOB, timestamp=NOON + 5000, **group),
    )
    state = await get_message_status(device, GetMessageStatus(message_id="S1"))
    assert ("S1", GROUP, "delivered", "", "2027-01-15T08:00:00Z") == (
        state.message_id,
        state.chat_jid,
        state.status,
        state.reason,
        state.timestamp,
    )
    assert [
        Recipient(ALICE, "delivered", "2027-01-15T08:00:00Z", ""),
        Recipient(BOB, "read", "2027-01-15T08:00:05Z", "2027-01-15T08:00:05Z"),
    ] == state.recipients


async def test_the_status_of_a_message_of_others_is_empty(device: Device, taker: Inbound) -> None:
    await asyncio.to_thread(taker.message, incoming(id="S1"))
    await arrive(taker, receipt("read-self", "S1", sender=OWN))
    state = await get_message_status(device, GetMessageStatus(message_id="S1", phone="4915100000002"))
    assert ("", []) == (state.status, state.recipients)


async def test_the_status_of_an_unknown_message_is_a_404(device: Device, taker: Inbound) -> None:
    send(device.shard)
    for command in (GetMessageStatus(message_id="NO"), GetMessageStatus(message_id="S1", phone=GROUP)):
        with pytest.raises(Problem) as caught:
            await get_message_status(device, command)
        assert (404, "MESSAGE_NOT_FOUND") == (caught.value.status, caught.value.code)


async def test_an_id_in_several_chats_needs_the_chat(device: Device) -> None:
    send(device.shard, chat=ALICE)
    send(device.shard, chat=BOB)
    with pytest.raises(Problem, match="phone"):
        await get_message_status(device, GetMessageStatus(message_id="S1"))
    state = await get_message_status(device, GetMessageStatus(message_id="S1", phone=BOB))
    assert BOB == state.chat_jid


async def test_the_list_of_messages_shows_how_far_they_came(device: Device, taker: Inbound) -> None:
    send(device.shard)
    await arrive(taker, receipt("delivered", "S1", chat_lid=ALICE_LID, sender_lid=ALICE_LID))
    (listed,) = (await list_messages(device, ListMessages(chat_jid=ALICE))).data
    assert ("text", "delivered", "", ALICE_LID, False) == (
        listed.kind,
        listed.status,
        listed.media_id,
        listed.chat_lid,
        listed.is_edited,
    )


def everything(chat: str) -> pages.MessageQuery:
    return pages.MessageQuery(
        chat=chat,
        limit=100,
        offset=0,
        cursor=None,
        start=None,
        end=None,
        media_only=False,
        is_from_me=None,
        search="",
    )


OLD = """
INSERT INTO messages (id, chat, sender, from_me, timestamp, kind, content, raw, created_at, updated_at)
VALUES (?, ?, ?, ?, ?, 'text', 'old', x'', 1, 1)
"""


async def test_what_was_stored_before_there_were_receipts_had_reached_the_server(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as first:
        SCHEMA.apply(Database(first), stop_before="0002_media")
        first.executemany(OLD, [("S1", ALICE, OWN, 1, NOON), ("IN", ALICE, ALICE, 0, NOON)])
        first.commit()
    shard = Shard.open(path)
    page = await shard.read(lambda c: pages.find_messages(c, everything(ALICE)))
    assert {"S1": "server", "IN": ""} == {row.id: row.status for row in page.rows}
    taker = Inbound(shard, Who(), lambda _: None)
    await arrive(taker, receipt("read", "S1"))
    assert "read" == status(shard)
    shard.close()


async def test_who_has_a_message_is_named_by_both_identities(device: Device, taker: Inbound) -> None:
    send(device.shard, chat=GROUP)
    group = {"chat": GROUP}
    await arrive(
        taker,
        receipt("delivered", "S1", sender_lid=ALICE_LID, **group),
        receipt("delivered", "S1", sender=BOB, **group),
        receipt("delivered", "S1", sender="900000000000009@lid", **group),
    )
    found = await device.shard.read(partial(receipts.find_receipts, chat=GROUP, message_id="S1"))
    assert [
        (ALICE, ALICE_LID),
        (BOB, ""),
        ("900000000000009@lid", "900000000000009@lid"),
    ] == [(one.recipient, one.lid) for one in found]


def test_a_message_is_as_far_as_the_receipts_under_the_lid_say(shard: Shard, taker: Inbound) -> None:
    send(shard)
    taker.receipt(receipt("read", "S1", chat=ALICE_LID, sender=ALICE_LID))
    taker.message(incoming("hi", chat_lid=ALICE_LID, sender_lid=ALICE_LID))
    assert "read" == status(shard)


@pytest.mark.parametrize("kept", ["server", "delivered"])
def test_of_a_message_that_was_stored_twice_the_farther_state_counts(shard: Shard, kept: str) -> None:
    def fill(connection: sqlite3.Connection) -> None:
        for jid, state in ((ALICE_LID, "read"), (ALICE, kept)):
            row = MessageRow(
                id="OWN", chat=jid, sender=OWN, from_me=True, timestamp=1, kind="text", content="x", raw=b"",
                status=state,  # type: ignore[arg-type]
            )  # fmt: skip
            messages.add_message(connection, row)
        messages.learn_lid(connection, ALICE_LID, ALICE)

    shard.write(fill).result()
    assert [("read",)] == rows(shard, "SELECT status FROM messages WHERE id = 'OWN'")


def states(shard: Shard) -> list[tuple[object, object]]:
    payloads = [event["payload"] for event in events(shard) if event["event"] == "message.state"]
    return [(payload["id"], payload["status"]) for payload in payloads]


def test_a_message_of_ours_is_told_to_get_farther_only_when_it_does(shard: Shard, taker: Inbound) -> None:
    send(shard, chat=GROUP)
    for kind, who in (("delivered", ALICE), ("delivered", BOB), ("read", ALICE), ("read", BOB)):
        taker.receipt(receipt(kind, "S1", chat=GROUP, sender=who))
    assert [("S1", "delivered"), ("S1", "read")] == states(shard)


@pytest.mark.parametrize(
    "content",
    [
        E2E.Message(conversation="hi"),
        E2E.Message(reactionMessage=E2E.ReactionMessage(key={"ID": "IN0", "remoteJID": ALICE}, text="x")),
    ],
)
def test_a_receipt_before_the_message_of_another_device_of_ours_is_told_after_it(
    shard: Shard, taker: Inbound, told: Told, content: E2E.Message
) -> None:
    taker.receipt(receipt("delivered", "OWN"))
    taker.receipt(receipt("read", "OWN"))
    for _ in range(2):
        taker.message(incoming(id="OWN", sender=OWN, is_from_me=True, content=content))
    assert [("OWN", "read")] == states(shard)
    assert "message.state" == events(shard)[-1]["event"]
    assert len(events(shard)) == told[-1]


def test_nothing_is_told_of_the_state_of_what_is_not_ours(shard: Shard, taker: Inbound) -> None:
    taker.message(incoming(id="M1"))
    taker.receipt(receipt("read", "M1"))
    taker.receipt(receipt("read-self", "M1", sender=OWN))
    assert [] == states(shard)


def test_the_state_is_the_newest_event_of_its_receipt(shard: Shard, taker: Inbound, told: Told) -> None:
    send(shard)
    taker.receipt(receipt("delivered", "S1"))
    assert ["message.ack", "message.state"] == [event["event"] for event in events(shard)]
    assert [2] == told


async def test_a_receipt_before_the_sends_answer_is_told_after_it(device: Device, taker: Inbound) -> None:
    await asyncio.to_thread(taker.receipt, receipt("delivered", "S1"))
    outgoing = Outgoing("S1", ALICE, NOON // 1000, E2E.Message(conversation="hi"))
    await device.outbox.tell(outbound.stored(device, outgoing))
    assert [("S1", "server"), ("S1", "delivered")] == states(device.shard)
