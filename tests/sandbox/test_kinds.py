"""Messages of every kind among virtual phones, without sockets or processes."""

import asyncio
import hashlib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.sandbox.conftest import ANN, BOB, CAROL
from wagateway.commands import sandbox as c
from wagateway.contract import Command, Problem
from wagateway.sandbox import control
from wagateway.sandbox.control import messaging, newsletters
from wagateway.sandbox.world import World
from wagateway.serve import collect
from wagateway.whatsapp.polls import open_edit
from wagateway.whatsapp.protos import E2E
from wagateway.wire import Request

FILE = b"file " * 5000


HANDLERS = collect([control, messaging, newsletters])


async def do(world: World, command: Command[Any]) -> Any:
    """The reply to a command, once what it set off has happened."""
    body = msgspec.msgpack.encode(command)
    handler, asked = HANDLERS.find(Request(1, 0.0, type(command).__name__, body))
    answer: Any = handler(world, asked)
    reply = await answer
    done = asyncio.Event()
    for _ in range(6):
        world.network.after(done.set)
        await done.wait()
        done.clear()
    return reply


async def last(world: World, phone: str = BOB) -> c.InboxMessage:
    """The newest message in a phone's inbox, as it is shown."""
    page: c.InboxPage = await do(world, c.Inbox(phone=phone))
    return page.messages[-1]


@pytest.mark.parametrize(
    ("content", "kind", "text"),
    [
        ({"conversation": "hi"}, "text", "hi"),
        ({"extendedTextMessage": {"text": "hi"}}, "text", "hi"),
        ({"imageMessage": {"caption": "look"}}, "imageMessage", "look"),
        ({"documentMessage": {"fileName": "a.pdf"}}, "documentMessage", "a.pdf"),
        ({"contactMessage": {"displayName": "Carol"}}, "contactMessage", "Carol"),
        ({"locationMessage": {"name": "Here"}}, "locationMessage", "Here"),
        ({"buttonsResponseMessage": {"selectedDisplayText": "Yes"}}, "buttonsResponseMessage", "Yes"),
        ({"listResponseMessage": {"title": "Tea"}}, "listResponseMessage", "Tea"),
        ({"interactiveResponseMessage": {"body": {"text": "Done"}}}, "interactiveResponseMessage", "Done"),
        ({"orderMessage": {"orderTitle": "Two"}}, "orderMessage", "Two"),
        ({"viewOnceMessageV2": {"message": {"imageMessage": {}}}}, "imageMessage", ""),
        ({"ephemeralMessage": {"message": {"extendedTextMessage": {"text": "gone"}}}}, "text", "gone"),
    ],
)
async def test_an_inbox_shows_a_message_and_what_a_person_calls_its_text(
    world: World, content: dict[str, Any], kind: str, text: str
) -> None:
    await do(world, c.PhoneSendMessage(phone=ANN, to=BOB, content=content))
    got = await last(world)
    assert (kind, text, content) == (got.kind, got.text, got.message)


@pytest.mark.parametrize("content", [{}, {"nothing": 1}, {"conversation": 5}, {"imageMessage": "x"}])
async def test_what_is_no_message_is_refused_by_name(world: World, content: dict[str, Any]) -> None:
    with pytest.raises(Problem) as refused:
        await do(world, c.PhoneSendMessage(phone=ANN, to=BOB, content=content))
    assert (400, "VALIDATION_ERROR", True) == (
        refused.value.status, refused.value.code, refused.value.message.startswith("content:"),
    )  # fmt: skip


async def test_a_message_is_sent_as_often_as_asked(world: World) -> None:
    command = c.PhoneSendMessage(phone=ANN, to=BOB, content={"conversation": "again"}, count=20)
    assert 20 == len(set((await do(world, command)).ids)) == len(world.phones[BOB].inbox)


@pytest.mark.parametrize(
    "kind", ["image", "video", "video_note", "audio", "voice_note", "document", "sticker"]
)
async def test_a_file_is_opened_by_who_gets_it(world: World, kind: Any) -> None:
    sent = await do(world, c.PhoneSendMedia(phone=ANN, to=BOB, kind=kind, data=FILE))
    got = await last(world)
    assert hashlib.sha256(FILE).hexdigest() == sent.media_id == got.media_id
    assert (len(FILE), "") == (got.media_size, got.media_error)
    opened = await do(world, c.PhoneMedia(phone=BOB, index=got.index))
    assert FILE == opened.data


@pytest.mark.parametrize(
    ("kind", "wrapper", "field"),
    [
        ("image", "viewOnceMessageV2", "imageMessage"),
        ("voice_note", "viewOnceMessageV2Extension", "audioMessage"),
    ],
)
async def test_a_file_to_be_seen_once_is_marked_and_wrapped(
    world: World, kind: Any, wrapper: str, field: str
) -> None:
    sent = await do(world, c.PhoneSendMedia(phone=ANN, to=BOB, kind=kind, data=FILE, view_once=True))
    got = await last(world)
    assert got.message[wrapper]["message"][field]["viewOnce"]
    assert (field, sent.media_id) == (got.kind, got.media_id)


async def test_a_file_of_a_newsletter_is_not_encrypted(world: World) -> None:
    made = await do(world, c.CreateNewsletter(phone=ANN, name="News", followers=[BOB]))
    sent = await do(world, c.PhoneSendMedia(phone=ANN, to=made.jid, kind="image", data=FILE))
    got = await last(world)
    assert (made.jid, sent.media_id) == (got.chat, got.media_id)
    assert "mediaKey" not in got.message["imageMessage"]
    assert [FILE] == [each.read_bytes() for each in (world.folder / "media").iterdir()]


async def test_a_file_of_some_size_is_made_up(world: World) -> None:
    sent = await do(world, c.PhoneSendMedia(phone=ANN, to=BOB, kind="document", size=2_500_001))
    got = await last(world)
    assert (sent.media_id, 2_500_001) == (got.media_id, got.media_size)


async def test_neither_a_file_nor_a_size_is_refused(world: World) -> None:
    with pytest.raises(Problem):
        await do(world, c.PhoneSendMedia(phone=ANN, to=BOB, kind="image"))


async def test_a_lost_file_is_told_by_its_error(world: World) -> None:
    await do(world, c.PhoneSendMedia(phone=ANN, to=BOB, kind="image", data=FILE, lost=True))
    got = await last(world)
    assert ("", "the file is not on the media host") == (got.media_id, got.media_error)
    with pytest.raises(Problem) as refused:
        await do(world, c.PhoneMedia(phone=BOB, index=got.index))
    assert "MEDIA_GONE" == refused.value.code


async def test_the_files_of_one_phone_expire(world: World) -> None:
    for sender, receiver in ((ANN, BOB), (CAROL, BOB), (CAROL, ANN)):
        await do(world, c.PhoneSendMedia(phone=sender, to=receiver, kind="image", data=FILE))
    assert 2 == (await do(world, c.ExpireMedia(phone=ANN))).count
    shown = (await do(world, c.Inbox(phone=BOB))).messages
    assert [True, False] == [bool(each.media_error) for each in shown]
    assert 1 == (await do(world, c.ExpireMedia())).count


@pytest.mark.parametrize("harm", ["cut", "change", "empty"])
async def test_a_damaged_file_is_found_out(world: World, harm: str) -> None:
    await do(world, c.PhoneSendMedia(phone=ANN, to=BOB, kind="image", data=FILE))
    [stored] = (world.folder / "media").iterdir()
    raw = stored.read_bytes()
    stored.write_bytes({"cut": raw[:-7], "change": b"x" + raw[1:], "empty": b""}[harm])
    got = await last(world)
    assert "" == got.media_id
    assert got.media_error


async def test_a_reply_quotes_the_message_with_its_file(world: World) -> None:
    first = await do(world, c.PhoneSendMedia(phone=ANN, to=BOB, kind="image", data=FILE, caption="who?"))
    await do(
        world, c.PhoneSendMedia(phone=BOB, to=ANN, kind="audio", data=FILE, reply_message_id=first.ids[0])
    )
    got = await last(world, ANN)
    assert first.ids[0] == got.quoted_id
    quoted = got.message["audioMessage"]["contextInfo"]["quotedMessage"]
    assert "who?" == quoted["imageMessage"]["caption"]


async def test_votes_are_shown_as_option_texts_until_withdrawn(world: World) -> None:
    command = c.PhonePoll(phone=ANN, to=BOB, question="Tea?", options=["yes", "no", "later"], max_answer=2)
    poll = (await do(world, command)).ids[0]
    assert ("pollCreationMessage", "Tea?") == ((got := await last(world)).kind, got.text)
    for options, text in ((["yes", "later"], "yes, later"), ([], "")):
        await do(world, c.PhoneVote(phone=BOB, chat=ANN, message_id=poll, options=options))
        assert ("pollUpdateMessage", text) == ((got := await last(world, ANN)).kind, got.text)
    await do(world, c.PhoneVote(phone=ANN, chat=BOB, message_id=poll, options=["no"]))
    assert "no" == (await last(world)).text


async def test_a_vote_for_what_is_not_offered_is_refused(world: World) -> None:
    poll = (await do(world, c.PhonePoll(phone=ANN, to=BOB, question="?", options=["a", "b"]))).ids[0]
    with pytest.raises(Problem) as refused:
        await do(world, c.PhoneVote(phone=BOB, chat=ANN, message_id=poll, options=["c"]))
    assert refused.value.message.startswith("options:")
    text = (await do(world, c.PhoneSendText(phone=ANN, to=BOB, text="hi"))).ids[0]
    with pytest.raises(Problem) as refused:
        await do(world, c.PhoneVote(phone=BOB, chat=ANN, message_id=text, options=["a"]))
    assert "NOT_A_POLL" == refused.value.code


async def test_a_message_that_the_phone_does_not_know_is_not_found(world: World) -> None:
    with pytest.raises(Problem) as refused:
        await do(world, c.PhoneReact(phone=BOB, chat=ANN, message_id="none", emoji="👍"))
    assert "MESSAGE_NOT_FOUND" == refused.value.code


async def test_a_caption_is_edited_with_its_file(world: World) -> None:
    sent = await do(world, c.PhoneSendMedia(phone=ANN, to=BOB, kind="image", data=FILE, caption="teh"))
    await do(world, c.PhoneEdit(phone=ANN, chat=BOB, message_id=sent.ids[0], text="the"))
    change = (await last(world)).message["protocolMessage"]
    assert ("the", sent.ids[0]) == (change["editedMessage"]["imageMessage"]["caption"], change["key"]["ID"])


async def test_an_edit_can_be_encrypted_under_the_messages_secret(world: World) -> None:
    secret = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    content = {"conversation": "teh", "messageContextInfo": {"messageSecret": secret}}
    id_ = (await do(world, c.PhoneSendMessage(phone=ANN, to=BOB, content=content))).ids[0]
    await do(world, c.PhoneEdit(phone=ANN, chat=BOB, message_id=id_, text="the", encrypted=True))
    raw = E2E.Message.FromString(world.phones[BOB].contents[1]).secretEncryptedMessage
    ann = f"{world.network.accounts[ANN].lid}@lid"
    edit = open_edit(bytes(range(32)), id_, ann, ann, raw.encPayload, raw.encIV).protocolMessage
    assert ("the", id_) == (edit.editedMessage.conversation, edit.key.ID)


async def test_only_the_author_edits_and_in_a_chat_of_two_only_the_author_revokes(world: World) -> None:
    id_ = (await do(world, c.PhoneSendText(phone=ANN, to=BOB, text="hi"))).ids[0]
    for command in (
        c.PhoneEdit(phone=BOB, chat=ANN, message_id=id_, text="no"),
        c.PhoneRevoke(phone=BOB, chat=ANN, message_id=id_),
    ):
        with pytest.raises(Problem) as refused:
            await do(world, command)
        assert "NOT_YOUR_MESSAGE" == refused.value.code


async def test_an_administrator_revokes_a_message_of_a_group(world: World) -> None:
    group = await do(world, c.PhoneCreateGroup(phone=ANN, subject="Team", members=[BOB, CAROL]))
    id_ = (await do(world, c.PhoneSendText(phone=BOB, to=group.jid, text="oops"))).ids[0]
    await do(world, c.PhoneRevoke(phone=ANN, chat=group.jid, message_id=id_))
    key = (await last(world, CAROL)).message["protocolMessage"]["key"]
    assert (id_, f"{world.network.accounts[BOB].lid}@lid") == (key["ID"], key["participant"])


async def test_listening_sends_a_played_receipt_once_and_for_voice_notes_only(world: World) -> None:
    await do(world, c.PhoneSendMedia(phone=ANN, to=BOB, kind="audio", data=FILE))
    note = await do(world, c.PhoneSendMedia(phone=ANN, to=BOB, kind="voice_note", data=FILE))
    counts = [(await do(world, c.MarkPlayed(phone=BOB))).count for _ in range(2)]
    assert [1, 0] == counts
    played = [each.id for each in world.phones[ANN].receipts if each.type == "played"]
    assert (note.ids, "played") == (played, (await last(world)).receipt)
    assert 1 == (await do(world, c.MarkRead(phone=BOB))).count


async def test_contents_outlive_the_process(tmp_path: Path, world: World) -> None:
    poll = (await do(world, c.PhonePoll(phone=ANN, to=BOB, question="?", options=["a", "b"]))).ids[0]
    await do(world, c.PhoneSendMedia(phone=ANN, to=BOB, kind="image", data=FILE))
    world.close()
    again = World(tmp_path)
    assert hashlib.sha256(FILE).hexdigest() == (await last(again)).media_id
    await do(again, c.PhoneVote(phone=BOB, chat=ANN, message_id=poll, options=["a"]))
    assert "a" == (await last(again, ANN)).text
    again.close()
