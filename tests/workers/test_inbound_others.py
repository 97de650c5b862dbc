"""What arrives beside messages: changes of groups and newsletters, typing, and what cannot be decrypted."""

import json
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest

from tests.workers.conftest import ALICE, ALICE_LID, BOB, GROUP, NOON, OWN, OWN_LID, Who, incoming, rows
from wagateway.contract import Problem
from workers import groupchanges
from workers.engine import (
    ChatPresence,
    GroupChange,
    GroupJoined,
    NewsletterChange,
    PostChange,
    Undecryptable,
)
from workers.inbound import Inbound
from workers.shard import Shard

BOB_LID = "900000000000003@lid"
NEWS = "120363000000000009@newsletter"


@pytest.fixture
def told() -> list[int]:
    return []


@pytest.fixture
def taker(shard: Shard, told: list[int]) -> Inbound:
    return Inbound(shard, Who(), told.append)


def events(shard: Shard) -> list[tuple[object, object, dict[str, Any]]]:
    """Kind, lane and payload of each event."""
    logged = rows(shard, "SELECT kind, chat, body FROM log ORDER BY seq")
    return [(kind, chat, json.loads(str(body, "utf-8"))["payload"]) for kind, chat, body in logged]  # type: ignore[call-overload]


def change(**fields: object) -> GroupChange:
    return GroupChange(jid=GROUP, actor=ALICE, actor_lid=ALICE_LID, timestamp=NOON, **fields)  # type: ignore[arg-type]


BY = {"chat_id": GROUP, "actor": ALICE, "actor_lid": ALICE_LID, "timestamp": "2027-01-15T08:00:00Z"}


def test_all_that_changed_about_a_group_at_once_is_one_event(
    shard: Shard, taker: Inbound, told: list[int]
) -> None:
    taker.group(change(name="Team", topic="", locked=False, timer=0))
    settings = {"name": "Team", "topic": "", "locked": False, "timer": 0}
    assert [("group.updated", GROUP, {**BY, "changed": [*settings], **settings})] == events(shard)
    assert [("Team", 0)] == rows(shard, "SELECT name, ephemeral_expiration FROM chats")
    assert [1] == told


def test_what_is_no_name_and_no_timer_makes_no_chat(shard: Shard, taker: Inbound) -> None:
    taker.group(change(announce=True, invite_link="https://chat.whatsapp.com/x", deleted=True))
    assert ["announce", "invite_link", "deleted"] == events(shard)[0][2]["changed"]
    assert [] == rows(shard, "SELECT jid FROM chats")


def test_each_kind_of_change_of_members_is_an_event_with_phones_and_lids(
    shard: Shard, taker: Inbound, told: list[int]
) -> None:
    phones = {ALICE_LID: ALICE, OWN_LID: OWN}
    taker.group(
        change(joined=[OWN_LID, BOB_LID], left=[ALICE_LID], promoted=[ALICE], demoted=[BOB], phones=phones)
    )
    expected = [
        {"type": "join", "jids": [OWN, BOB_LID], "lids": [OWN_LID, BOB_LID]},
        {"type": "leave", "jids": [ALICE], "lids": [ALICE_LID]},
        {"type": "promote", "jids": [ALICE], "lids": [ALICE_LID]},
        {"type": "demote", "jids": [BOB], "lids": [""]},
    ]
    assert [("group.participants", GROUP, {**BY, **each}) for each in expected] == events(shard)
    assert [4] == told


def test_the_phone_of_a_lid_that_was_learnt_before_is_told(shard: Shard, taker: Inbound) -> None:
    taker.message(incoming(chat_lid=ALICE_LID, sender_lid=ALICE_LID))
    taker.group(GroupChange(jid=GROUP, actor=ALICE_LID, actor_lid=ALICE_LID, left=[ALICE_LID]))
    payload = events(shard)[1][2]
    assert (ALICE, ALICE_LID, [ALICE]) == (payload["actor"], payload["actor_lid"], payload["jids"])


def test_a_change_by_nobody_names_nobody(shard: Shard, taker: Inbound) -> None:
    taker.group(GroupChange(jid=GROUP, name="Team"))
    assert {"chat_id": GROUP, "changed": ["name"], "name": "Team"} == events(shard)[0][2]


@pytest.mark.parametrize(("community", "chats"), [(False, [("Team", 60)]), (True, [])])
def test_a_joined_group_is_a_chat_unless_it_is_a_community(
    shard: Shard, taker: Inbound, community: bool, chats: list[tuple[object, ...]]
) -> None:
    taker.group_joined(
        GroupJoined(
            jid=GROUP,
            actor=ALICE,
            actor_lid=ALICE_LID,
            name="Team",
            timer=60,
            reason="invite",
            community=community,
        )
    )
    payload = {
        "chat_id": GROUP,
        "type": "join",
        "jids": [OWN],
        "reason": "invite",
        "group_name": "Team",
        "actor": ALICE,
        "actor_lid": ALICE_LID,
    }
    assert [("group.joined", GROUP, payload)] == events(shard)
    assert chats == rows(shard, "SELECT name, ephemeral_expiration FROM chats")


@pytest.mark.parametrize(
    ("change", "kind", "payload"),
    [
        (
            NewsletterChange(jid=NEWS, change="joined", name="News", description="All"),
            "newsletter.joined",
            {"name": "News", "description": "All"},
        ),
        (NewsletterChange(jid=NEWS, change="left", role="guest"), "newsletter.left", {"role": "guest"}),
        (NewsletterChange(jid=NEWS, change="mute", mute="off"), "newsletter.mute", {"mute": "off"}),
        (
            NewsletterChange(
                jid=NEWS, change="posts", posts=[PostChange(server_id=100, views=3, reactions={"👍": 2})]
            ),
            "newsletter.message",
            {"messages": [{"server_id": 100, "views_count": 3, "reaction_counts": {"👍": 2}}]},
        ),
    ],
)
def test_each_change_of_a_newsletter_is_an_event(
    shard: Shard, taker: Inbound, change: NewsletterChange, kind: str, payload: dict[str, object]
) -> None:
    taker.newsletter(change)
    assert [(kind, NEWS, {"newsletter_id": NEWS, **payload})] == events(shard)


def presence(sender: str = ALICE, **fields: str) -> ChatPresence:
    given = {"chat": ALICE, "chat_lid": "", "sender_lid": "", "state": "composing", "media": ""}
    return ChatPresence(sender=sender, **given | fields)


def test_who_types_is_told_by_name(shard: Shard, taker: Inbound) -> None:
    taker.message(incoming(chat_lid=ALICE_LID, sender_lid=ALICE_LID))
    taker.chat_presence(presence(ALICE_LID, chat=GROUP, media="audio"))
    payload = {
        "chat_id": GROUP,
        "from": ALICE,
        "from_lid": ALICE_LID,
        "sender_display_name": "Alice",
        "state": "composing",
        "media": "audio",
        "is_group": True,
    }
    assert ("chat_presence", GROUP, payload) == events(shard)[1]


def test_the_account_itself_does_not_type(shard: Shard, taker: Inbound) -> None:
    taker.chat_presence(presence(OWN_LID))
    assert [] == events(shard)


def test_typing_is_dropped_when_the_disk_fails_and_holds_nobody_up(
    shard: Shard, taker: Inbound, told: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    write = shard.write

    def fails(keep: Callable[[sqlite3.Connection], object], *, lazy: bool = False) -> Future[object]:
        failed: Future[object] = Future()
        failed.set_exception(Problem(507, "STORAGE_FULL", "full"))
        return failed

    monkeypatch.setattr(shard, "write", fails)
    for _ in range(200):
        taker.chat_presence(presence())
    monkeypatch.setattr(shard, "write", write)
    taker.chat_presence(presence())
    assert 1 == len(events(shard))
    assert [1] == told


def test_more_typing_than_the_disk_takes_is_dropped(shard: Shard, taker: Inbound) -> None:
    held = threading.Event()
    busy = shard.write(lambda _: held.wait(10))
    for _ in range(200):
        taker.chat_presence(presence())
    held.set()
    busy.result()
    assert 128 == len(events(shard))


def test_typing_at_a_device_that_stops_is_dropped(shard: Shard, taker: Inbound) -> None:
    shard.close()
    taker.chat_presence(presence())


def undecryptable(message_id: str = "U1", **fields: object) -> Undecryptable:
    given: dict[str, object] = {
        "chat": GROUP,
        "chat_lid": "",
        "sender": ALICE,
        "sender_lid": ALICE_LID,
        "push_name": "Alice",
        "timestamp": NOON,
        "is_from_me": False,
    }
    return Undecryptable(id=message_id, **given | fields)  # type: ignore[arg-type]


def test_a_message_that_cannot_be_decrypted_is_told_once_and_again_when_it_can(
    shard: Shard, taker: Inbound, told: list[int]
) -> None:
    taker.undecryptable(undecryptable())
    taker.undecryptable(undecryptable())
    taker.message(incoming("hi", id="U1", chat=GROUP))
    (kind, lane, payload), (then, _, message) = events(shard)
    assert ("message.undecryptable", GROUP, "U1", "undecryptable") == (
        kind,
        lane,
        payload["id"],
        payload["kind"],
    )
    assert (ALICE, ALICE_LID, "Alice") == (payload["from"], payload["from_lid"], payload["from_name"])
    assert "unavailable" not in payload
    assert ("message", "U1", "hi") == (then, message["id"], message["body"])
    assert [1, 2] == told


def test_what_was_never_sent_to_linked_devices_is_told_so(shard: Shard, taker: Inbound) -> None:
    taker.undecryptable(undecryptable(unavailable=True))
    assert events(shard)[0][2]["unavailable"]


def test_a_bad_copy_of_a_stored_message_is_not_told(shard: Shard, taker: Inbound) -> None:
    taker.message(incoming("hi", id="U1", chat=GROUP))
    taker.undecryptable(undecryptable())
    assert ["message"] == [kind for kind, _, _ in events(shard)]


def test_only_so_many_undecryptable_ones_are_remembered(shard: Shard, taker: Inbound) -> None:
    for number in range(257):
        taker.undecryptable(undecryptable(f"U{number}"))
    taker.undecryptable(undecryptable("U256"))
    taker.undecryptable(undecryptable("U0"))
    assert 258 == len(events(shard))


def test_a_bug_in_telling_a_change_loses_nothing(
    shard: Shard, taker: Inbound, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> int:
        raise KeyError("bug")

    monkeypatch.setattr(groupchanges, "keep_change", broken)
    taker.group(change(name="Team"))
    [(kind, lane, _)] = events(shard)
    assert ("unread", GROUP) == (kind, lane)
