"""Actions on one message inside a worker: what WhatsApp is told, and what the shard says afterwards."""

import asyncio
import sqlite3
import time

import pytest

from tests.workers.conftest import (
    ALICE,
    ALICE_LID,
    BOB,
    GROUP,
    NOON,
    OWN,
    Scripted,
    receive,
    rows,
)
from wagateway.commands.messages import (
    DeleteMessage,
    ReactToMessage,
    ReadMessage,
    RevokeMessage,
    StarMessage,
    UnstarMessage,
    UpdateMessage,
)
from wagateway.commands.sending import SendMessage
from wagateway.contract import DEADLINE, Problem
from wagateway.whatsapp.protos import E2E
from workers.content import EDIT, REACTION, REVOKE
from workers.device import Device
from workers.engine import Feature, Patch, Uncertain
from workers.handlers import messages
from workers.handlers.sending import send_message
from workers.unsupported import unsupported

BOB_LID = "900000000000003@lid"


class Acting(Scripted):
    """An engine that can do all, unless `lacking`."""

    def __init__(self) -> None:
        super().__init__()
        self.lacking = False
        self.read: list[tuple[str, str, list[str]]] = []
        self.patches: list[Patch] = []

    def require(self, feature: Feature) -> None:
        if self.lacking:
            raise unsupported(feature)

    async def mark_read(self, chat: str, sender: str, ids: list[str], played: bool = False) -> None:
        self.read.append((chat, sender, ids))

    async def change_app_state(self, patch: Patch) -> None:
        self.patches.append(patch)


@pytest.fixture
def engine() -> Acting:
    return Acting()


def receive_in_group(device: Device, message_id: str = "G1", **fields: object) -> None:
    receive(device, id=message_id, chat=GROUP, sender=BOB, sender_lid=BOB_LID, **fields)


def react(message_id: str, emoji: str = "👍", phone: str = ALICE) -> ReactToMessage:
    return ReactToMessage(message_id=message_id, phone=phone, emoji=emoji)


def revoke(message_id: str, phone: str = ALICE) -> RevokeMessage:
    return RevokeMessage(message_id=message_id, phone=phone)


def update(message_id: str, message: str = "better", phone: str = ALICE) -> UpdateMessage:
    return UpdateMessage(message_id=message_id, phone=phone, message=message)


async def own_text(device: Device, message: str = "first", phone: str = ALICE) -> str:
    return (await send_message(device, SendMessage(phone=phone, message=message))).message_id


def edited(engine: Scripted) -> E2E.ProtocolMessage:
    return engine.sent[-1][1].editedMessage.message.protocolMessage


async def test_a_reaction_names_the_message_and_is_answered_as_by_the_real_server(
    device: Device, engine: Acting
) -> None:
    receive(device, id="M1")
    reply = await messages.react_to_message(device, react("M1"))
    status = f"Reaction sent to {ALICE} (server timestamp: 2027-01-15 08:00:00 +0000 UTC)"
    assert ("SENT1", status) == (reply.message_id, reply.status)
    chat, sent = engine.sent[0]
    key = sent.reactionMessage.key
    assert (ALICE, "👍") == (chat, sent.reactionMessage.text)
    assert (ALICE, "M1", False, "") == (key.remoteJID, key.ID, key.fromMe, key.participant)


async def test_a_reaction_is_stored_beside_its_message(device: Device) -> None:
    receive(device, id="M1")
    await messages.react_to_message(device, react("M1"))
    query = "SELECT id, kind, content, target_id, from_me, status FROM messages WHERE target_id != ''"
    assert [("SENT1", REACTION, "👍", "M1", 1, "server")] == rows(device.shard, query)


async def test_an_empty_emoji_takes_the_reaction_back(device: Device, engine: Acting) -> None:
    receive(device, id="M1")
    await messages.react_to_message(device, react("M1", ""))
    assert engine.sent[0][1].reactionMessage.HasField("text")
    assert "" == engine.sent[0][1].reactionMessage.text


async def test_a_blank_emoji_is_refused(device: Device) -> None:
    receive(device, id="M1")
    with pytest.raises(Problem, match="emoji"):
        await messages.react_to_message(device, react("M1", " "))


async def test_reactions_in_newsletters_are_refused(device: Device) -> None:
    with pytest.raises(Problem, match="phone"):
        await messages.react_to_message(device, react("M1", phone="120363000000000009@newsletter"))


@pytest.mark.parametrize(("members", "author"), [([ALICE, BOB], BOB), ([ALICE_LID, BOB_LID], BOB_LID)])
async def test_w21_in_a_group_the_author_is_named_as_the_group_names_them(
    device: Device, engine: Acting, members: list[str], author: str
) -> None:
    engine.members = members
    receive_in_group(device)
    await messages.react_to_message(device, react("G1", phone=GROUP))
    key = engine.sent[0][1].reactionMessage.key
    assert (GROUP, False, author) == (key.remoteJID, key.fromMe, key.participant)


async def test_w21_an_unknown_message_is_not_taken_for_our_own(device: Device, engine: Acting) -> None:
    receive(device, id="M1", chat=BOB, sender=BOB)
    for action in (react("M1"), react("M2")):
        with pytest.raises(Problem) as caught:
            await messages.react_to_message(device, action)
        assert (404, "MESSAGE_NOT_FOUND") == (caught.value.status, caught.value.code)
    assert [] == engine.sent


async def test_a_message_is_found_in_a_chat_named_by_its_lid(device: Device, engine: Acting) -> None:
    receive(device, id="M1", chat_lid=ALICE_LID, sender_lid=ALICE_LID)
    await messages.react_to_message(device, react("M1", phone=ALICE_LID))
    assert ALICE_LID == engine.sent[0][0]
    assert [(ALICE,)] == rows(device.shard, "SELECT DISTINCT chat FROM messages")


async def test_w22_whose_message_it_is_comes_from_the_row(device: Device, engine: Acting) -> None:
    receive(device, id="3EB0AAAAAAAAAAAAAAAAAA", is_from_me=True, sender=OWN)
    receive(device, id="3EB0AAAAAAAAAAAAAAAAAAAAAAAAAAAA")
    for message_id in ("3EB0AAAAAAAAAAAAAAAAAA", "3EB0AAAAAAAAAAAAAAAAAAAAAAAAAAAA"):
        await messages.react_to_message(device, react(message_id))
    assert [True, False] == [sent.reactionMessage.key.fromMe for _, sent in engine.sent]


async def test_nothing_can_be_done_to_a_reaction(device: Device) -> None:
    receive(device, id="M1")
    reaction = await messages.react_to_message(device, react("M1"))
    with pytest.raises(Problem, match="reaction of another one"):
        await messages.react_to_message(device, react(reaction.message_id))


async def test_our_own_message_is_revoked(device: Device, engine: Acting) -> None:
    message_id = await own_text(device)
    reply = await messages.revoke_message(device, revoke(message_id))
    sent = engine.sent[-1][1].protocolMessage
    assert (E2E.ProtocolMessage.REVOKE, message_id, True) == (sent.type, sent.key.ID, sent.key.fromMe)
    assert reply.status.startswith(f"Revoke success {ALICE} (server timestamp: ")
    query = "SELECT kind, revoked_at FROM messages ORDER BY row"
    assert [("text", NOON), (REVOKE, 0)] == rows(device.shard, query)


async def test_in_a_group_what_others_wrote_is_revoked(device: Device, engine: Acting) -> None:
    receive_in_group(device)
    await messages.revoke_message(device, revoke("G1", GROUP))
    key = engine.sent[0][1].protocolMessage.key
    assert (False, BOB) == (key.fromMe, key.participant)
    assert [(NOON,)] == rows(device.shard, "SELECT revoked_at FROM messages WHERE id = 'G1'")


async def test_outside_groups_what_others_wrote_is_not_revoked(device: Device, engine: Acting) -> None:
    receive(device, id="M1")
    with pytest.raises(Problem, match="message_id") as caught:
        await messages.revoke_message(device, revoke("M1"))
    assert (400, []) == (caught.value.status, engine.sent)


async def test_what_is_revoked_is_not_acted_on_again(device: Device, engine: Acting) -> None:
    message_id = await own_text(device)
    await messages.revoke_message(device, revoke(message_id))
    with pytest.raises(Problem) as again:
        await messages.revoke_message(device, revoke(message_id))
    with pytest.raises(Problem) as late:
        await messages.update_message(device, update(message_id))
    assert [(409, "MESSAGE_REVOKED")] * 2 == [(p.value.status, p.value.code) for p in (again, late)]
    assert 2 == len(engine.sent)


async def test_a_text_is_edited(device: Device, engine: Acting) -> None:
    message_id = await own_text(device)
    reply = await messages.update_message(device, update(message_id))
    change = edited(engine)
    assert (E2E.ProtocolMessage.MESSAGE_EDIT, message_id, True) == (
        change.type,
        change.key.ID,
        change.key.fromMe,
    )
    assert E2E.Message(conversation="better") == change.editedMessage
    assert reply.status.startswith(f"Update message success {ALICE} (server timestamp: ")
    query = "SELECT kind, content, edited_at FROM messages ORDER BY row"
    assert [("text", "better", NOON), (EDIT, "better", 0)] == rows(device.shard, query)


async def test_an_edit_mentions_whom_its_text_names(device: Device, engine: Acting) -> None:
    message_id = await own_text(device)
    await messages.update_message(device, update(message_id, "hi @4915100000003"))
    told = edited(engine).editedMessage.extendedTextMessage
    assert ("hi @4915100000003", [BOB]) == (told.text, list(told.contextInfo.mentionedJID))


async def test_a_caption_is_edited_and_the_file_stays(device: Device, engine: Acting) -> None:
    image = E2E.ImageMessage(caption="old", directPath="/v/1", mediaKey=bytes(32))
    image.contextInfo.stanzaID = "Q1"
    receive(
        device,
        id="M1",
        is_from_me=True,
        sender=OWN,
        content=E2E.Message(ephemeralMessage=E2E.FutureProofMessage(message=E2E.Message(imageMessage=image))),
    )
    await messages.update_message(device, update("M1", "new"))
    told = edited(engine).editedMessage.imageMessage
    assert ("new", "/v/1", False) == (told.caption, told.directPath, told.HasField("contextInfo"))
    assert [("new",)] == rows(device.shard, "SELECT content FROM messages WHERE id = 'M1'")


async def test_what_others_wrote_and_what_has_no_text_is_not_edited(device: Device, engine: Acting) -> None:
    receive(device, id="M1")
    place = E2E.Message(locationMessage=E2E.LocationMessage(degreesLatitude=1, degreesLongitude=2))
    receive(device, id="M2", is_from_me=True, sender=OWN, content=place)
    for message_id in ("M1", "M2"):
        with pytest.raises(Problem, match="message_id") as caught:
            await messages.update_message(device, update(message_id))
        assert 400 == caught.value.status
    assert [] == engine.sent


async def test_a_post_of_a_newsletter_is_edited_under_its_own_id(device: Device, engine: Acting) -> None:
    newsletter = "120363000000000009@newsletter"
    message_id = await own_text(device, phone=newsletter)
    engine.sent.clear()  # WhatsApp answers the edit with the id of the post
    await messages.update_message(device, update(message_id, phone=newsletter))
    query = "SELECT id, content FROM messages ORDER BY row"
    assert [("SENT1", "better"), (f"SENT1/{NOON}", "better")] == rows(device.shard, query)


@pytest.mark.parametrize(
    "failure", [Uncertain("No answer in 75 s"), Problem(502, "WHATSAPP_REFUSED", "Refused with error 401")]
)
async def test_a_revoke_that_whatsapp_has_not_taken_changes_nothing(
    device: Device, engine: Acting, failure: Problem
) -> None:
    message_id = await own_text(device)
    engine.failure = failure
    with pytest.raises(Problem) as caught:
        await messages.revoke_message(device, revoke(message_id))
    assert failure is caught.value
    assert [("text", 0)] == rows(device.shard, "SELECT kind, revoked_at FROM messages")


async def test_a_message_that_whatsapp_has_not_got_cannot_be_acted_on(device: Device, engine: Acting) -> None:
    engine.failure = Uncertain("No answer in 75 s")
    with pytest.raises(Uncertain) as unsent:
        await own_text(device)
    assert isinstance(unsent.value.result, dict)
    with pytest.raises(Problem) as caught:
        await messages.revoke_message(device, revoke(unsent.value.result["message_id"]))
    assert (409, "MESSAGE_NOT_SENT") == (caught.value.status, caught.value.code)


async def test_an_action_that_is_done_but_not_stored_says_so(device: Device) -> None:
    def limit(connection: sqlite3.Connection) -> None:
        used = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {used}")

    message_id = await own_text(device)
    await asyncio.wrap_future(device.shard.write(limit))
    with pytest.raises(Problem) as caught:
        await messages.update_message(device, update(message_id, "x" * 60_000))
    assert (507, "SENT_NOT_STORED") == (caught.value.status, caught.value.code)


async def test_nobody_reacts_for_a_caller_who_has_left(device: Device, engine: Acting) -> None:
    receive(device, id="M1")
    DEADLINE.set(time.monotonic() - 1)
    with pytest.raises(Problem) as caught:
        await messages.react_to_message(device, react("M1"))
    assert ("GATEWAY_TIMEOUT", []) == (caught.value.code, engine.sent)


async def test_reading_tells_the_sender_and_lowers_the_count(device: Device, engine: Acting) -> None:
    for message_id in ("M1", "M2", "M3"):
        receive(device, id=message_id)
    reply = await messages.read_message(device, ReadMessage(message_id="M2", phone=ALICE))
    assert ("M2", "Mark as read success M2") == (reply.message_id, reply.status)
    assert [(ALICE, ALICE, ["M2"])] == engine.read
    assert [(1,)] == rows(device.shard, "SELECT unread_count FROM chats")


async def test_w22_in_a_group_the_author_is_told_of_the_reading(device: Device, engine: Acting) -> None:
    engine.members = [ALICE_LID, BOB_LID]
    receive_in_group(device)
    await messages.read_message(device, ReadMessage(message_id="G1", phone=GROUP))
    assert [(GROUP, BOB_LID, ["G1"])] == engine.read


async def test_our_own_message_is_not_read(device: Device, engine: Acting) -> None:
    message_id = await own_text(device)
    with pytest.raises(Problem, match="message_id"):
        await messages.read_message(device, ReadMessage(message_id=message_id, phone=ALICE))
    assert [] == engine.read


async def test_what_is_deleted_for_us_is_gone_with_all_about_it(device: Device, engine: Acting) -> None:
    receive(device, id="M1")
    receive(device, id="M2")
    await messages.react_to_message(device, react("M1"))
    await messages.delete_message(device, DeleteMessage(message_id="M1", phone=ALICE))
    assert [["deleteMessageForMe", ALICE, "M1", "0", "0"]] == [p.mutations[0].index for p in engine.patches]
    assert [("M2",)] == rows(device.shard, "SELECT id FROM messages")
    assert [(1,)] == rows(device.shard, "SELECT unread_count FROM chats")


async def test_a_star_names_the_author_in_a_group(device: Device, engine: Acting) -> None:
    receive_in_group(device)
    await messages.star_message(device, StarMessage(message_id="G1", phone=GROUP))
    await messages.unstar_message(device, UnstarMessage(message_id="G1", phone=GROUP))
    assert [["star", GROUP, "G1", "0", BOB]] * 2 == [p.mutations[0].index for p in engine.patches]


async def test_where_the_engine_has_no_app_state_nothing_is_pretended(device: Device, engine: Acting) -> None:
    engine.lacking = True
    receive(device, id="M1")
    with pytest.raises(Problem) as deleting:
        await messages.delete_message(device, DeleteMessage(message_id="M1", phone=ALICE))
    with pytest.raises(Problem) as starring:
        await messages.star_message(device, StarMessage(message_id="M1", phone=ALICE))
    assert [(501, "ENGINE_UNSUPPORTED")] * 2 == [(p.value.status, p.value.code) for p in (deleting, starring)]
    assert [("M1",)] == rows(device.shard, "SELECT id FROM messages")
