"""Actions on a chat inside a worker: what WhatsApp is told, and how the chat is kept afterwards."""

import time

import pytest

from tests.workers.conftest import ALICE, ALICE_LID, BOB, GROUP, NOON, receive, rows
from tests.workers.test_actions import BOB_LID, Acting, receive_in_group
from wagateway.commands.app import AnswerPasskey, Assertion, ConfirmPasskey, GetPasskey
from wagateway.commands.chats import (
    ArchiveChat,
    LabelChat,
    MarkChat,
    MuteChat,
    PinChat,
    RequestHistory,
    SetChatTimer,
)
from wagateway.contract import Problem
from wagateway.events import rfc3339
from wagateway.whatsapp.protos import E2E, SyncAction
from workers import acting
from workers.device import Device
from workers.handlers import app, chat_actions
from workers.shard.messages import MessageRow, add_message

NEWSLETTER = "120363000000000009@newsletter"


class Timed(Acting):
    """An engine that keeps the timers of groups, too."""

    def __init__(self) -> None:
        super().__init__()
        self.timers: list[tuple[str, int]] = []

    async def set_timer(self, group: str, seconds: int) -> None:
        self.timers.append((group, seconds))


@pytest.fixture
def engine() -> Timed:
    return Timed()


def kept(device: Device, column: str, chat: str = ALICE) -> object:
    return rows(device.shard, f"SELECT {column} FROM chats WHERE jid = ?", chat)[0][0]


def value(engine: Timed) -> SyncAction.SyncActionValue:
    return SyncAction.SyncActionValue.FromString(engine.patches[-1].mutations[0].value)


async def test_a_chat_is_pinned_and_unpinned(device: Device, engine: Timed) -> None:
    receive(device)
    reply = await chat_actions.pin_chat(device, PinChat(chat_jid=ALICE, pinned=True))
    assert ("success", "Chat pinned successfully", ALICE, True) == (
        reply.status,
        reply.message,
        reply.chat_jid,
        reply.pinned,
    )
    assert 1 == kept(device, "pinned")
    reply = await chat_actions.pin_chat(device, PinChat(chat_jid=ALICE, pinned=False))
    assert ("Chat unpinned successfully", 0) == (reply.message, kept(device, "pinned"))


async def test_archiving_unpins_and_names_the_newest_message(device: Device, engine: Timed) -> None:
    engine.members = [BOB_LID]
    receive_in_group(device, "G1")
    receive_in_group(device, "G2")
    await chat_actions.pin_chat(device, PinChat(chat_jid=GROUP, pinned=True))
    reply = await chat_actions.archive_chat(device, ArchiveChat(chat_jid=GROUP, archived=True))
    seen = value(engine).archiveChatAction.messageRange.messages
    assert [("G2", BOB_LID)] == [(one.key.ID, one.key.participant) for one in seen]
    assert (1, 0) == (kept(device, "archived", GROUP), kept(device, "pinned", GROUP))
    assert "Chat archived successfully" == reply.message


async def test_unarchiving_leaves_the_pin(device: Device, engine: Timed) -> None:
    receive(device)
    await chat_actions.pin_chat(device, PinChat(chat_jid=ALICE, pinned=True))
    reply = await chat_actions.archive_chat(device, ArchiveChat(chat_jid=ALICE, archived=False))
    assert ("Chat unarchived successfully", 1) == (reply.message, kept(device, "pinned"))


async def test_a_chat_is_found_by_its_lid(device: Device, engine: Timed) -> None:
    receive(device, chat_lid=ALICE_LID, sender_lid=ALICE_LID)
    await chat_actions.pin_chat(device, PinChat(chat_jid=ALICE_LID, pinned=True))
    assert 1 == kept(device, "pinned")


async def test_a_label_names_the_chat(device: Device, engine: Timed) -> None:
    reply = await chat_actions.label_chat(device, LabelChat(chat_jid=ALICE, label_id="7"))
    assert ["label_jid", "7", ALICE] == engine.patches[0].mutations[0].index
    assert ("Chat labeled successfully", True) == (reply.message, reply.labeled)


async def test_a_mute_without_a_duration_is_for_ever(device: Device, engine: Timed) -> None:
    receive(device)
    reply = await chat_actions.mute_chat(device, MuteChat(chat_jid=ALICE))
    assert (-1, -1) == (value(engine).muteAction.muteEndTimestamp, kept(device, "muted_until"))
    assert ("Chat muted successfully", "forever") == (reply.message, reply.muted_until)


async def test_a_mute_ends_after_its_duration(device: Device, engine: Timed) -> None:
    receive(device)
    before = time.time_ns() // 1_000_000
    reply = await chat_actions.mute_chat(device, MuteChat(chat_jid=ALICE, duration=3600))
    until = value(engine).muteAction.muteEndTimestamp
    assert before + 3_600_000 <= until <= time.time_ns() // 1_000_000 + 3_600_000
    assert (until, rfc3339(until)) == (kept(device, "muted_until"), reply.muted_until)


async def test_unmuting_ends_the_mute(device: Device, engine: Timed) -> None:
    receive(device)
    await chat_actions.mute_chat(device, MuteChat(chat_jid=ALICE))
    reply = await chat_actions.mute_chat(device, MuteChat(chat_jid=ALICE, muted=False))
    assert (False, False) == (value(engine).muteAction.muted, reply.muted)
    assert ("", 0) == (reply.muted_until, kept(device, "muted_until"))


async def test_a_chat_is_marked_unread_and_its_reading_takes_the_mark_away(
    device: Device, engine: Timed
) -> None:
    receive(device, id="M1")
    reply = await chat_actions.mark_chat(device, MarkChat(chat_jid=ALICE))
    assert (False, 1) == (value(engine).markChatAsReadAction.read, kept(device, "marked_unread"))
    assert ("Chat marked as unread", True) == (reply.message, reply.unread)
    reply = await chat_actions.mark_chat(device, MarkChat(chat_jid=ALICE, unread=False))
    assert (True, 0) == (value(engine).markChatAsReadAction.read, kept(device, "marked_unread"))
    assert ("Chat marked as read", False) == (reply.message, reply.unread)


async def test_reading_a_group_tells_each_author_of_their_messages(device: Device, engine: Timed) -> None:
    engine.lacking = True
    engine.members = [ALICE_LID, BOB_LID]
    receive_in_group(device, "G0")
    await chat_actions.mark_chat(device, MarkChat(chat_jid=GROUP, unread=False))
    engine.read.clear()
    receive_in_group(device, "G1")
    receive(device, id="G2", chat=GROUP, sender_lid=ALICE_LID)
    receive_in_group(device, "G3")
    assert 3 == kept(device, "unread_count", GROUP)
    await chat_actions.mark_chat(device, MarkChat(chat_jid=GROUP, unread=False))
    assert [(GROUP, BOB_LID, ["G3", "G1"]), (GROUP, ALICE_LID, ["G2"])] == engine.read
    assert 0 == kept(device, "unread_count", GROUP)


async def test_a_group_that_one_has_left_is_read_without_telling(
    device: Device, engine: Timed, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(group: str) -> list[str]:
        raise Problem(400, "INVALID_JID", "This account is not in that group, or the group does not exist")

    receive_in_group(device)
    monkeypatch.setattr(engine, "group_members", refuse)
    await chat_actions.mark_chat(device, MarkChat(chat_jid=GROUP, unread=False))
    assert ([], 0) == (engine.read, kept(device, "unread_count", GROUP))


async def test_a_receipt_tells_of_a_hundred_messages_at_most(device: Device, engine: Timed) -> None:
    for _ in range(101):
        receive(device)
    await chat_actions.mark_chat(device, MarkChat(chat_jid=ALICE, unread=False))
    assert [100, 1] == [len(ids) for _, _, ids in engine.read]
    assert 0 == kept(device, "unread_count")


async def test_a_call_is_seen_but_nobody_is_told(device: Device, engine: Timed) -> None:
    receive(device, id="M1")
    call = MessageRow(
        id="call:1",
        chat=ALICE,
        sender=ALICE,
        from_me=False,
        timestamp=2 * NOON,
        kind="call",
        content="",
        raw=b"",
        metadata="{}",
    )
    device.shard.write(lambda connection: add_message(connection, call)).result()
    with pytest.raises(Problem, match="is a call"):
        await acting.find(device.shard, ALICE, "call:1")
    await chat_actions.mark_chat(device, MarkChat(chat_jid=ALICE, unread=False))
    assert [(ALICE, ALICE, ["M1"])] == engine.read
    assert 0 == kept(device, "unread_count")


async def test_nobody_is_told_of_a_chat_that_was_read(device: Device, engine: Timed) -> None:
    await chat_actions.mark_chat(device, MarkChat(chat_jid=BOB, unread=False))
    assert [] == engine.read


async def test_the_timer_of_a_group_is_set(device: Device, engine: Timed) -> None:
    receive_in_group(device)
    reply = await chat_actions.set_chat_timer(device, SetChatTimer(chat_jid=GROUP, timer_seconds=86400))
    assert ([(GROUP, 86400)], []) == (engine.timers, engine.sent)
    assert ("Disappearing messages set to 86400 seconds", 86400) == (reply.message, reply.timer_seconds)
    assert 86400 == kept(device, "ephemeral_expiration", GROUP)


async def test_the_timer_with_a_person_is_a_message(device: Device, engine: Timed) -> None:
    receive(device, chat_lid=ALICE_LID, sender_lid=ALICE_LID)
    await chat_actions.set_chat_timer(device, SetChatTimer(chat_jid=ALICE_LID, timer_seconds=604800))
    assert 604800 == kept(device, "ephemeral_expiration")
    reply = await chat_actions.set_chat_timer(device, SetChatTimer(chat_jid=ALICE, timer_seconds=0))
    setting = engine.sent[-1][1].protocolMessage
    assert (E2E.ProtocolMessage.EPHEMERAL_SETTING, 0) == (setting.type, setting.ephemeralExpiration)
    assert abs(setting.ephemeralSettingTimestamp - time.time()) < 60
    assert "Disappearing messages disabled" == reply.message
    assert 0 == kept(device, "ephemeral_expiration")


@pytest.mark.parametrize("chat", [NEWSLETTER, "status@broadcast", "nobody"])
async def test_a_timer_is_only_for_people_and_groups(device: Device, engine: Timed, chat: str) -> None:
    with pytest.raises(Problem, match="chat_jid") as caught:
        await chat_actions.set_chat_timer(device, SetChatTimer(chat_jid=chat, timer_seconds=0))
    assert (400, []) == (caught.value.status, engine.sent)


async def test_where_the_engine_has_no_app_state_the_chat_stays_as_it_is(
    device: Device, engine: Timed
) -> None:
    engine.lacking = True
    receive(device)
    for acted in (
        chat_actions.pin_chat(device, PinChat(chat_jid=ALICE, pinned=True)),
        chat_actions.archive_chat(device, ArchiveChat(chat_jid=ALICE, archived=True)),
        chat_actions.label_chat(device, LabelChat(chat_jid=ALICE, label_id="1")),
        chat_actions.mute_chat(device, MuteChat(chat_jid=ALICE)),
        chat_actions.mark_chat(device, MarkChat(chat_jid=ALICE)),
    ):
        with pytest.raises(Problem) as caught:
            await acted
        assert (501, "ENGINE_UNSUPPORTED") == (caught.value.status, caught.value.code)
    assert [(0, 0, 0, 0)] == rows(
        device.shard, "SELECT pinned, archived, muted_until, marked_unread FROM chats"
    )


async def test_older_history_cannot_be_asked_for(device: Device) -> None:
    with pytest.raises(Problem) as caught:
        await chat_actions.request_history(device, RequestHistory(chat_jid=ALICE))
    assert (501, "ENGINE_UNSUPPORTED") == (caught.value.status, caught.value.code)


def test_no_pairing_by_passkey_is_ever_under_way(device: Device) -> None:
    assert "none" == app.get_passkey(device, GetPasskey()).status
    answer = AnswerPasskey(id="a", raw_id="a", type="public-key", response=Assertion("x", "y", "z"))
    with pytest.raises(Problem) as answering:
        app.answer_passkey(device, answer)
    with pytest.raises(Problem) as confirming:
        app.confirm_passkey(device, ConfirmPasskey())
    assert [501, 501] == [answering.value.status, confirming.value.status]
