"""The messages that send commands become."""

import pytest

from tests.workers.conftest import ALICE, GROUP, NOON, OWN, Scripted, incoming, rows
from wagateway.commands.sending import (
    ForwardMessage,
    SendChatPresence,
    SendContact,
    SendFile,
    SendImage,
    SendLocation,
    SendMessage,
    SendPoll,
    SendPresence,
)
from wagateway.contract import Problem, Upload
from wagateway.whatsapp.protos import E2E
from workers.device import Device
from workers.engine import Uncertain
from workers.handlers import sending
from workers.inbound import Inbound
from workers.outbox import fingerprint

PHONE = "4915100000002"


def last(engine: Scripted) -> E2E.Message:
    return engine.sent[-1][1]


async def test_a_card_cannot_be_broken_out_of(device: Device, engine: Scripted) -> None:
    command = SendContact(phone=PHONE, contact_name="Ann;\nTEL:+1, \\ Lee", contact_phone="+62 811-1")
    await sending.send_contact(device, command)
    card = last(engine).contactMessage
    assert "Ann; TEL:+1, \\ Lee" == card.displayName
    assert [
        "BEGIN:VCARD",
        "VERSION:3.0",
        "N:;Ann\\; TEL:+1\\, \\\\ Lee;;;",
        "FN:Ann\\; TEL:+1\\, \\\\ Lee",
        "TEL;type=CELL;waid=628111:+628111",
        "END:VCARD",
    ] == card.vcard.split("\n")


async def test_a_card_needs_a_number_and_a_name(device: Device) -> None:
    for fields in ({"contact_phone": GROUP}, {"contact_name": " \n"}, {"contact_phone": "0811"}):
        command = SendContact(**({"phone": PHONE, "contact_name": "A", "contact_phone": "628"} | fields))
        with pytest.raises(Problem) as caught:
            await sending.send_contact(device, command)
        assert (400, "VALIDATION_ERROR") == (caught.value.status, caught.value.code)


async def test_a_place_says_where_it_is(device: Device, engine: Scripted) -> None:
    command = SendLocation(phone=PHONE, latitude=-7.5, longitude=110.25, name="Home")
    reply = await sending.send_location(device, command)
    place = last(engine).locationMessage
    assert (-7.5, 110.25, "Home", "") == (
        place.degreesLatitude,
        place.degreesLongitude,
        place.name,
        place.address,
    )
    assert f"Send location success {ALICE} (server timestamp: 2027-01-15 08:00:00 +0000 UTC)" == reply.status


async def test_every_poll_has_a_secret_of_its_own(device: Device, engine: Scripted) -> None:
    command = SendPoll(phone=PHONE, question="when?", options=[" now ", "later"], max_answer=1)
    await sending.send_poll(device, command)
    await sending.send_poll(device, command)
    polls = [message for _, message in engine.sent]
    assert ["now", "later"] == [option.optionName for option in polls[0].pollCreationMessage.options]
    assert 1 == polls[0].pollCreationMessage.selectableOptionsCount
    secrets = {poll.messageContextInfo.messageSecret for poll in polls}
    assert [32, 32] == [len(secret) for secret in secrets]


async def test_a_sent_poll_is_stored_with_its_question(device: Device) -> None:
    command = SendPoll(phone=PHONE, question="when?", options=["now"], max_answer=1)
    await sending.send_poll(device, command)
    [(kind, content, status)] = rows(device.shard, "SELECT kind, content, status FROM messages")
    assert ("poll", "server") == (kind, status)
    assert "when?" in str(content)


async def test_every_kind_carries_what_all_share(device: Device, engine: Scripted) -> None:
    Inbound(device.shard, device, lambda _: None).message(incoming("the question", id="Q1"))
    command = SendLocation(
        phone=PHONE, latitude=0, longitude=0, duration=86400, is_forwarded=True, reply_message_id="Q1"
    )
    await sending.send_location(device, command)
    context = last(engine).locationMessage.contextInfo
    assert (86400, True, "Q1", "the question") == (
        context.expiration,
        context.isForwarded,
        context.stanzaID,
        context.quotedMessage.conversation,
    )


async def test_a_quote_of_a_file_does_not_carry_an_older_quote(device: Device, engine: Scripted) -> None:
    older = E2E.ContextInfo(stanzaID="OLD", quotedMessage=E2E.Message(conversation="older"))
    picture = E2E.Message(imageMessage=E2E.ImageMessage(caption="look", contextInfo=older))
    Inbound(device.shard, device, lambda _: None).message(incoming(content=picture, id="P1"))
    await sending.send_message(device, SendMessage(phone=PHONE, message="nice", reply_message_id="P1"))
    quoted = last(engine).extendedTextMessage.contextInfo.quotedMessage
    assert "look" == quoted.imageMessage.caption
    assert not quoted.imageMessage.contextInfo.HasField("quotedMessage")


async def test_a_text_is_forwarded_without_its_context(device: Device, engine: Scripted) -> None:
    mention = E2E.ContextInfo(mentionedJID=[ALICE], stanzaID="X")
    text = E2E.Message(extendedTextMessage=E2E.ExtendedTextMessage(text="news", contextInfo=mention))
    Inbound(device.shard, device, lambda _: None).message(incoming(content=text, id="N1"))
    reply = await sending.forward_message(device, ForwardMessage(phone="4915100000003", message_id="N1"))
    sent = last(engine).extendedTextMessage
    assert ("news", True, 100, [], "") == (
        sent.text,
        sent.contextInfo.isForwarded,
        sent.contextInfo.forwardingScore,
        list(sent.contextInfo.mentionedJID),
        sent.contextInfo.stanzaID,
    )
    assert reply.status.startswith("Message forwarded to 4915100000003@s.whatsapp.net (server")


@pytest.mark.parametrize(
    "content",
    [
        E2E.Message(locationMessage=E2E.LocationMessage(degreesLatitude=1)),
        E2E.Message(contactMessage=E2E.ContactMessage(displayName="A")),
        E2E.Message(imageMessage=E2E.ImageMessage(viewOnce=True, caption="once")),
    ],
)
async def test_some_kinds_are_not_forwarded(device: Device, engine: Scripted, content: E2E.Message) -> None:
    Inbound(device.shard, device, lambda _: None).message(incoming(content=content, id="L1"))
    with pytest.raises(Problem) as caught:
        await sending.forward_message(device, ForwardMessage(phone=PHONE, message_id="L1"))
    assert (400, "VALIDATION_ERROR") == (caught.value.status, caught.value.code)
    assert [] == engine.sent


async def test_what_whatsapp_refuses_is_kept_as_failed(device: Device, engine: Scripted) -> None:
    engine.failure = Problem(429, "WA_REACHOUT_TIMELOCK", "not now")
    with pytest.raises(Problem) as caught:
        await sending.send_message(device, SendMessage(phone=PHONE, message="hi"))
    [row] = rows(device.shard, "SELECT id, status, status_reason, content FROM messages")
    assert ("failed", "not now", "hi") == row[1:]
    assert {"message_id": row[0], "status": "failed"} == caught.value.result


async def test_what_nobody_knows_is_kept_as_sent(device: Device, engine: Scripted) -> None:
    engine.failure = Uncertain("The line broke")
    with pytest.raises(Uncertain):
        await sending.send_message(device, SendMessage(phone=PHONE, message="hi"))
    assert [("sent",)] == rows(device.shard, "SELECT status FROM messages")


async def test_presence_is_passed_on(device: Device, engine: Scripted) -> None:
    await sending.send_presence(device, SendPresence(type="available"))
    reply = await sending.send_chat_presence(device, SendChatPresence(phone=PHONE, action="recording"))
    assert [True, (ALICE, "recording")] == engine.shown
    assert ("chat-presence-recording", f"Send chat presence recording success {ALICE}") == (
        reply.message_id,
        reply.status,
    )


@pytest.mark.parametrize(("file", "url"), [(None, None), (Upload("p", 1, "s"), "http://a.example/b")])
async def test_a_file_comes_from_one_place(device: Device, file: Upload | None, url: str | None) -> None:
    with pytest.raises(Problem, match="image") as caught:
        await sending.send_image(device, SendImage(phone=PHONE, image=file, image_url=url))
    assert 400 == caught.value.status


async def test_an_upload_that_is_gone_was_given_up(device: Device) -> None:
    with pytest.raises(Problem) as caught:
        await sending.send_file(device, SendFile(phone=PHONE, file=Upload("/nowhere/at/all", 1, "s")))
    assert (503, "DEVICE_UNAVAILABLE") == (caught.value.status, caught.value.code)


def test_a_file_is_the_same_by_its_content_only() -> None:
    one = SendFile(phone=PHONE, file=Upload("/a", 3, "digest", "a.txt"))
    same = SendFile(phone=PHONE, file=Upload("/b", 3, "digest", "b.txt"))
    other = SendFile(phone=PHONE, file=Upload("/a", 3, "another", "a.txt"))
    assert fingerprint(one) == fingerprint(same)
    assert fingerprint(one) != fingerprint(other)


async def test_a_message_of_ours_keeps_its_time(device: Device) -> None:
    await sending.send_message(device, SendMessage(phone=PHONE, message="hi"))
    assert [(OWN, NOON, 1)] == rows(device.shard, "SELECT sender, timestamp, from_me FROM messages")
