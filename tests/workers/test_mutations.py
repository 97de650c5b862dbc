"""Changes of app state: each survives the way to WhatsApp, with the index and version that phones expect."""

import time

import pytest

from tests.workers.conftest import ALICE, BOB, GROUP, NOON
from wagateway.whatsapp import appstate
from wagateway.whatsapp.protos import Common, SyncAction
from workers import mutations
from workers.engine import Patch
from workers.mutations import Last

KEY = appstate.SyncKey(b"\x00\x01", bytes(range(32)))
OWN_MESSAGE = Common.MessageKey(remoteJID=ALICE, fromMe=True, ID="M1")
BOBS = Common.MessageKey(remoteJID=GROUP, fromMe=False, ID="M2", participant=BOB)
LAST = Last(BOBS, NOON // 1000)


def carried(patch: Patch) -> list[appstate.Mutation]:
    """The patch as a phone decrypts it."""
    values = [
        appstate.Mutation(one.index, SyncAction.SyncActionValue.FromString(one.value), version=one.version)
        for one in patch.mutations
    ]
    start = appstate.Collection(patch.collection)
    sealed, _ = appstate.build_patch(start, KEY, values)
    return appstate.decode_patch(start, KEY, sealed)[0]


@pytest.mark.parametrize(
    ("patch", "collection", "index", "version", "action"),
    [
        (
            mutations.star(OWN_MESSAGE, starred=True),
            "regular_high",
            ["star", ALICE, "M1", "1", "0"],
            2,
            {"starAction": {"starred": True}},
        ),
        (
            mutations.star(BOBS, starred=False),
            "regular_high",
            ["star", GROUP, "M2", "0", BOB],
            2,
            {"starAction": {"starred": False}},
        ),
        (
            mutations.delete_for_me(BOBS, NOON // 1000),
            "regular_high",
            ["deleteMessageForMe", GROUP, "M2", "0", BOB],
            3,
            {"deleteMessageForMeAction": {"deleteMedia": False, "messageTimestamp": NOON // 1000}},
        ),
        (
            mutations.pin(ALICE, pinned=True),
            "regular_low",
            ["pin_v1", ALICE],
            5,
            {"pinAction": {"pinned": True}},
        ),
        (
            mutations.mute(ALICE, NOON),
            "regular_high",
            ["mute", ALICE],
            2,
            {"muteAction": {"muted": True, "muteEndTimestamp": NOON}},
        ),
        (
            mutations.mute(ALICE, -1),
            "regular_high",
            ["mute", ALICE],
            2,
            {"muteAction": {"muted": True, "muteEndTimestamp": -1}},
        ),
        (
            mutations.mute(ALICE, None),
            "regular_high",
            ["mute", ALICE],
            2,
            {"muteAction": {"muted": False}},
        ),
        (
            mutations.label_chat(ALICE, "7", labeled=True),
            "regular",
            ["label_jid", "7", ALICE],
            3,
            {"labelAssociationAction": {"labeled": True}},
        ),
    ],
)
def test_a_change_reaches_the_phone_as_it_was_meant(
    patch: Patch, collection: str, index: list[str], version: int, action: dict[str, object]
) -> None:
    (arrived,) = carried(patch)
    assert (collection, index, version) == (patch.collection, arrived.index, arrived.version)
    assert action == _said(arrived.value)


def test_a_change_says_when_it_was_made() -> None:
    before = time.time_ns() // 1_000_000
    (arrived,) = carried(mutations.pin(ALICE, pinned=True))
    assert before <= arrived.value.timestamp <= time.time_ns() // 1_000_000


def test_archiving_unpins_and_says_what_was_seen() -> None:
    archived, unpinned = carried(mutations.archive(GROUP, LAST, archived=True))
    action = archived.value.archiveChatAction
    assert (["archive", GROUP], 3, True) == (archived.index, archived.version, action.archived)
    assert NOON // 1000 == action.messageRange.lastMessageTimestamp
    assert [(BOBS, NOON // 1000)] == [(one.key, one.timestamp) for one in action.messageRange.messages]
    assert (["pin_v1", GROUP], 5, False) == (
        unpinned.index,
        unpinned.version,
        unpinned.value.pinAction.pinned,
    )


def test_unarchiving_pins_nothing() -> None:
    (arrived,) = carried(mutations.archive(GROUP, LAST, archived=False))
    assert not arrived.value.archiveChatAction.archived


def test_marking_unread_says_what_was_seen() -> None:
    (arrived,) = carried(mutations.mark_read(GROUP, LAST, read=False))
    action = arrived.value.markChatAsReadAction
    assert (["markChatAsRead", GROUP], 3, False) == (arrived.index, arrived.version, action.read)
    assert ["M2"] == [one.key.ID for one in action.messageRange.messages]


def test_a_chat_without_messages_was_seen_until_now() -> None:
    (arrived,) = carried(mutations.archive(GROUP, None, archived=False))
    seen = arrived.value.archiveChatAction.messageRange
    assert 0 == len(seen.messages)
    assert abs(seen.lastMessageTimestamp - time.time()) < 60


def _said(value: SyncAction.SyncActionValue) -> dict[str, object]:
    """The fields of the action, without the time."""
    return {
        field.name: {inner.name: number for inner, number in part.ListFields()}
        for field, part in value.ListFields()
        if field.name != "timestamp"
    }
