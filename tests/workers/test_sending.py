"""POST /send/message inside a worker: what is sent, what is stored, and that a key sends once."""

import asyncio
import sqlite3
import time
from pathlib import Path

import msgspec
import pytest

from tests.workers.conftest import ALICE, ALICE_LID, BOB, GROUP, NOON, OWN, Scripted, receive, rows
from wagateway.commands.sending import SendMessage
from wagateway.contract import DEADLINE, Problem
from wagateway.problems import device_unavailable
from wagateway.whatsapp.protos import E2E
from workers.device import Device
from workers.engine import Uncertain
from workers.handlers.sending import send_message
from workers.outbox import Outbox, fingerprint
from workers.shard import Shard, keys


def text(message: str = "hi", **fields: object) -> SendMessage:
    return SendMessage(**({"phone": "4915100000002", "message": message} | fields))  # type: ignore[arg-type]


def context(engine: Scripted) -> E2E.ContextInfo:
    return engine.sent[-1][1].extendedTextMessage.contextInfo


async def test_the_answer_is_the_real_servers(device: Device) -> None:
    reply = await send_message(device, text())
    status = f"Message sent to {ALICE} (server timestamp: 2027-01-15 08:00:00 +0000 UTC)"
    assert ("SENT1", status) == (reply.message_id, reply.status)


async def test_a_plain_text_leaves_as_a_conversation(device: Device, engine: Scripted) -> None:
    await send_message(device, text("hi"))
    assert [(ALICE, E2E.Message(conversation="hi"))] == engine.sent


async def test_what_was_sent_is_stored_before_the_answer(device: Device) -> None:
    await send_message(device, text("hi"))
    stored = await device.shard.read(
        lambda c: c.execute("SELECT id, chat, sender, from_me, content, timestamp FROM messages").fetchall()
    )
    assert stored == [("SENT1", ALICE, OWN, 1, "hi", NOON)]
    assert rows(device.shard, "SELECT jid, last_message_time, unread_count FROM chats") == [(ALICE, NOON, 0)]


async def test_answering_marks_the_chat_read(device: Device) -> None:
    receive(device, text="question")
    await send_message(device, text("answer"))
    assert rows(device.shard, "SELECT name, unread_count FROM chats") == [("Alice", 0)]


async def test_a_message_to_a_lid_is_stored_in_the_phone_chat(device: Device) -> None:
    receive(device, text="hi", chat_lid=ALICE_LID, sender_lid=ALICE_LID)
    await send_message(device, text(phone=ALICE_LID))
    assert rows(device.shard, "SELECT DISTINCT chat FROM messages") == [(ALICE,)]


async def test_a_reply_quotes_the_stored_message(device: Device, engine: Scripted) -> None:
    receive(device, id="Q1", text="question")
    await send_message(device, text("answer", reply_message_id="Q1"))
    told = context(engine)
    assert (told.stanzaID, told.participant, told.quotedMessage.conversation) == ("Q1", ALICE, "question")
    assert rows(device.shard, "SELECT quoted_id FROM messages WHERE from_me") == [("Q1",)]


async def test_a_quote_does_not_carry_an_older_quote(device: Device, engine: Scripted) -> None:
    older = E2E.ContextInfo(stanzaID="Q0", quotedMessage=E2E.Message(conversation="ancient"))
    message = E2E.Message(extendedTextMessage=E2E.ExtendedTextMessage(text="old", contextInfo=older))
    receive(device, id="Q1", content=message)
    await send_message(device, text("answer", reply_message_id="Q1"))
    quoted = context(engine).quotedMessage.extendedTextMessage
    assert (quoted.text, quoted.contextInfo.HasField("quotedMessage")) == ("old", False)


async def test_a_reply_from_another_chat_says_which(device: Device, engine: Scripted) -> None:
    receive(device, id="G1", text="in the group", chat=GROUP)
    await send_message(device, text("privately", reply_message_id="G1"))
    assert (context(engine).remoteJID, context(engine).participant) == (GROUP, ALICE)


async def test_a_reply_to_an_unknown_message_is_sent_unquoted(device: Device, engine: Scripted) -> None:
    await send_message(device, text("answer", reply_message_id="NONE"))
    assert E2E.Message(conversation="answer") == engine.sent[0][1]


async def test_mentions_come_from_the_list_and_the_text(device: Device, engine: Scripted) -> None:
    message = "hi @4915100000003, mail a@4915100000009 or @0123"
    await send_message(device, text(message, mentions=["+49 151 00000002", "@4915100000003", ALICE]))
    assert list(context(engine).mentionedJID) == [ALICE, BOB]


async def test_everyone_is_the_whole_group(device: Device, engine: Scripted) -> None:
    await send_message(device, text(phone=GROUP, mentions=["@everyone"]))
    assert list(context(engine).mentionedJID) == [ALICE, BOB]


@pytest.mark.parametrize("mention", ["@everyone", "nobody", "0123"])
async def test_a_mention_that_cannot_be_is_refused(device: Device, engine: Scripted, mention: str) -> None:
    with pytest.raises(Problem, match="mentions") as caught:
        await send_message(device, text(mentions=[mention]))
    assert (caught.value.status, engine.sent) == (400, [])


async def test_a_duration_makes_the_message_disappear(device: Device, engine: Scripted) -> None:
    await send_message(device, text(duration=86400))
    assert context(engine).expiration == 86400


async def test_without_a_duration_the_chats_timer_counts(device: Device, engine: Scripted) -> None:
    setting = E2E.ProtocolMessage(type=E2E.ProtocolMessage.EPHEMERAL_SETTING, ephemeralExpiration=604800)
    receive(device)
    receive(device, content=E2E.Message(protocolMessage=setting))
    await send_message(device, text())
    assert context(engine).expiration == 604800


async def test_a_forwarded_message_says_so(device: Device, engine: Scripted) -> None:
    await send_message(device, text(is_forwarded=True))
    assert (context(engine).isForwarded, context(engine).forwardingScore) == (True, 100)


async def test_a_device_that_is_not_logged_in_sends_nothing(device: Device, engine: Scripted) -> None:
    device.state = "connecting"
    with pytest.raises(Problem) as caught:
        await send_message(device, text(idempotency_key="k"))
    assert (caught.value.code, engine.sent) == ("DEVICE_UNAVAILABLE", [])


async def test_the_same_key_sends_once_and_is_answered_alike(device: Device, engine: Scripted) -> None:
    first = await send_message(device, text(idempotency_key="k"))
    second = await send_message(device, text(idempotency_key="k"))
    assert (first, 1) == (second, len(engine.sent))


async def test_the_answer_to_a_key_survives_a_restart(device: Device, engine: Scripted, path: Path) -> None:
    first = await send_message(device, text(idempotency_key="k"))
    device.shard.close()
    shard = Shard.open(path)
    device.shard, device.outbox = shard, Outbox(shard, lambda _: None)
    assert first == await send_message(device, text(idempotency_key="k"))
    assert len(engine.sent) == 1
    shard.close()


async def test_the_key_is_stored_before_the_engine_is_called(device: Device, engine: Scripted) -> None:
    engine.held = asyncio.Event()
    sending = asyncio.create_task(send_message(device, text(idempotency_key="k")))
    await engine.reached.wait()
    stored = await device.shard.read(lambda c: c.execute("SELECT key, state FROM outbox").fetchall())
    assert stored == [("k", "sending")]
    engine.held.set()
    await sending


async def test_a_repeat_during_the_send_waits_for_it(device: Device, engine: Scripted) -> None:
    engine.held = asyncio.Event()
    both = [asyncio.create_task(send_message(device, text(idempotency_key="k"))) for _ in range(2)]
    await engine.reached.wait()
    engine.held.set()
    first, second = await asyncio.gather(*both)
    assert (first, 1) == (second, len(engine.sent))


@pytest.mark.parametrize("finished", [True, False])
async def test_a_key_with_another_command_is_refused(
    device: Device, engine: Scripted, finished: bool
) -> None:
    engine.held = asyncio.Event()
    first = asyncio.create_task(send_message(device, text("one", idempotency_key="k")))
    await engine.reached.wait()
    if finished:
        engine.held.set()
        await first
    with pytest.raises(Problem) as caught:
        await send_message(device, text("two", idempotency_key="k"))
    assert (caught.value.status, caught.value.code) == (409, "IDEMPOTENCY_KEY_REUSED")
    engine.held.set()
    await first


async def test_a_send_that_failed_for_certain_frees_the_key(device: Device, engine: Scripted) -> None:
    engine.failure = Problem(400, "INVALID_JID", "Not on WhatsApp")
    with pytest.raises(Problem, match="Not on WhatsApp"):
        await send_message(device, text(idempotency_key="k"))
    engine.failure = None
    assert (await send_message(device, text(idempotency_key="k"))).message_id == "SENT2"


@pytest.mark.parametrize("failure", [Uncertain("No answer in 75 s"), RuntimeError("a bug")])
async def test_a_send_in_doubt_is_not_repeated(device: Device, engine: Scripted, failure: Exception) -> None:
    engine.failure = failure
    with pytest.raises(type(failure)):
        await send_message(device, text(idempotency_key="k"))
    engine.failure = None
    with pytest.raises(Problem) as caught:
        await send_message(device, text(idempotency_key="k"))
    assert (caught.value.status, caught.value.code, len(engine.sent)) == (503, "OUTCOME_UNKNOWN", 1)


async def test_a_send_cut_off_by_a_crash_is_in_doubt(device: Device, engine: Scripted) -> None:
    engine.held = asyncio.Event()
    sending = asyncio.create_task(send_message(device, text(idempotency_key="k")))
    await engine.reached.wait()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    device.outbox = Outbox(device.shard, lambda _: None)
    with pytest.raises(Problem, match="not known"):
        await send_message(device, text(idempotency_key="k"))


async def test_keys_are_forgotten_after_a_day(
    device: Device, engine: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    await send_message(device, text(idempotency_key="k"))
    tomorrow = keys.now() + keys.KEPT + 1000
    monkeypatch.setattr(keys, "now", lambda: tomorrow)
    await send_message(device, text(idempotency_key="k"))
    assert len(engine.sent) == 2


async def test_a_message_that_is_sent_but_not_stored_must_not_be_repeated(
    device: Device, engine: Scripted
) -> None:
    def limit(connection: sqlite3.Connection) -> None:
        used = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {used}")

    await asyncio.wrap_future(device.shard.write(limit))
    with pytest.raises(Problem, match="do not send it again") as caught:
        await send_message(device, text("x" * 60_000))
    assert (caught.value.status, caught.value.code) == (507, "SENT_NOT_STORED")
    assert caught.value.result == {"message_id": "SENT1"}


async def test_nothing_is_sent_when_its_key_cannot_be_stored(device: Device, engine: Scripted) -> None:
    def broken(connection: sqlite3.Connection) -> None:
        connection.execute("DROP TABLE outbox")
        connection.execute("CREATE VIEW outbox AS SELECT 1 AS key")

    await asyncio.wrap_future(device.shard.write(broken))
    with pytest.raises(sqlite3.OperationalError):
        await send_message(device, text(idempotency_key="k"))
    assert engine.sent == []


def test_only_what_was_asked_counts_for_the_fingerprint() -> None:
    plain = text(idempotency_key="a")
    assert fingerprint(plain) == fingerprint(msgspec.structs.replace(plain, idempotency_key="b"))
    assert fingerprint(plain) != fingerprint(text(duration=86400))


def test_an_uncertain_outcome_is_told_apart_from_a_refusal() -> None:
    assert Uncertain("x").code == "OUTCOME_UNKNOWN"
    assert not isinstance(device_unavailable("x"), Uncertain)


async def test_what_is_ready_too_late_is_not_sent(device: Device, engine: Scripted) -> None:
    DEADLINE.set(time.monotonic() - 1)
    with pytest.raises(Problem) as caught:
        await send_message(device, text("too late"))
    assert (504, "GATEWAY_TIMEOUT") == (caught.value.status, caught.value.code)
    assert [] == engine.sent
    assert [] == rows(device.shard, "SELECT 1 FROM messages")


async def test_what_has_a_key_is_sent_for_whoever_asks_again(device: Device, engine: Scripted) -> None:
    DEADLINE.set(time.monotonic() - 1)
    first = await send_message(device, text("late", idempotency_key="k"))
    assert first == await send_message(device, text("late", idempotency_key="k"))
    assert 1 == len(engine.sent)


async def test_a_key_of_what_was_only_prepared_is_free_after_a_crash(device: Device, shard: Shard) -> None:
    mark = fingerprint(text("big file", idempotency_key="k"))
    shard.write(lambda connection: keys.reserve(connection, "k", mark, handed=False)).result()
    reply = await send_message(device, text("big file", idempotency_key="k"))
    assert "SENT1" == reply.message_id


async def test_a_key_of_what_was_handed_over_is_in_doubt_after_a_crash(device: Device, shard: Shard) -> None:
    mark = fingerprint(text("big file", idempotency_key="k"))
    shard.write(lambda connection: keys.reserve(connection, "k", mark, handed=False)).result()
    shard.write(lambda connection: keys.hand_over(connection, "k")).result()
    with pytest.raises(Problem) as caught:
        await send_message(device, text("big file", idempotency_key="k"))
    assert "OUTCOME_UNKNOWN" == caught.value.code
