"""Reactions, edits, revokes and votes: rows of their own that change what they are about, in any order."""

import hashlib

import pytest

from tests.workers.conftest import ALICE, ALICE_LID, BOB, GROUP, NOON, OWN, OWN_LID, Who, incoming, rows
from tests.workers.test_inbound import Told, chat, events
from wagateway.whatsapp.polls import seal_edit, seal_vote
from wagateway.whatsapp.protos import E2E
from workers import arrivals
from workers.inbound import Inbound
from workers.shard import Shard, messages

SECRET = bytes(range(32))
SHA = hashlib.sha256(b"file").digest()


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def taker(shard: Shard, told: Told) -> Inbound:
    return Inbound(shard, Who(), told)


def key(message_id: str, *, from_me: bool = False, participant: str = "", remote: str = "") -> E2E.Message:
    return E2E.Message(
        reactionMessage=E2E.ReactionMessage(
            key={"ID": message_id, "fromMe": from_me, "participant": participant, "remoteJID": remote}
        )
    ).reactionMessage.key


def reaction(message_id: str, emoji: str = "👍") -> E2E.Message:
    return E2E.Message(reactionMessage=E2E.ReactionMessage(key=key(message_id), text=emoji))


def edit(message_id: str, text: str) -> E2E.Message:
    protocol = E2E.ProtocolMessage(
        type=E2E.ProtocolMessage.MESSAGE_EDIT,
        key=key(message_id, from_me=True),
        editedMessage=E2E.Message(conversation=text),
    )
    return E2E.Message(protocolMessage=protocol)


def revoke(message_id: str, **fields: object) -> E2E.Message:
    about = key(message_id, **({"from_me": True} | fields))  # type: ignore[arg-type]
    return E2E.Message(protocolMessage=E2E.ProtocolMessage(type=E2E.ProtocolMessage.REVOKE, key=about))


def poll() -> E2E.Message:
    options = [E2E.PollCreationMessage.Option(optionName=name) for name in ("tea", "water")]
    return E2E.Message(
        pollCreationMessage=E2E.PollCreationMessage(name="Drink?", options=options, selectableOptionsCount=2),
        messageContextInfo=E2E.MessageContextInfo(messageSecret=SECRET),
    )


def vote(poll_id: str, asker: str, voter: str, *options: str, from_me: bool = False) -> E2E.Message:
    payload, iv = seal_vote(SECRET, poll_id, asker, voter, options)
    return E2E.Message(
        pollUpdateMessage=E2E.PollUpdateMessage(
            pollCreationMessageKey=key(poll_id, from_me=from_me, remote=asker, participant=asker),
            vote=E2E.PollEncValue(encPayload=payload, encIV=iv),
        )
    )


def image(**fields: object) -> E2E.Message:
    about = {
        "URL": "https://mmg.whatsapp.net/v/x.enc",
        "mimetype": "image/jpeg",
        "fileSHA256": SHA,
        "fileEncSHA256": b"e" * 32,
        "fileLength": 4,
        "mediaKey": b"k" * 32,
        "directPath": "/v/x.enc",
    }
    return E2E.Message(imageMessage=E2E.ImageMessage(**(about | fields)))  # type: ignore[arg-type]


def original(shard: Shard, columns: str, message_id: str = "A1") -> tuple[object, ...]:
    (row,) = rows(shard, f"SELECT {columns} FROM messages WHERE id = ? AND target_id = ''", message_id)
    return row


def test_a_reaction_is_a_row_and_an_event_but_neither_unread_nor_news(shard: Shard, taker: Inbound) -> None:
    taker.message(incoming("hi", id="A1", timestamp=NOON))
    taker.message(incoming(content=reaction("A1"), id="R1", timestamp=NOON + 9000))
    assert [("reaction", "👍", "A1")] == rows(
        shard, "SELECT kind, content, target_id FROM messages WHERE id = 'R1'"
    )
    assert (NOON, 1) == chat(shard, ALICE, "last_message_time, unread_count")
    event = events(shard)[1]
    assert ("message.reaction", "👍", "A1") == (
        event["event"],
        event["payload"]["reaction"],
        event["payload"]["reacted_message_id"],
    )


def test_a_reaction_of_our_own_does_not_mark_the_chat_read(shard: Shard, taker: Inbound) -> None:
    taker.message(incoming("hi", id="A1"))
    taker.message(incoming(content=reaction("A1"), sender=OWN, is_from_me=True))
    assert (1,) == chat(shard, ALICE, "unread_count")


def test_a_reaction_alone_makes_no_chat(shard: Shard, taker: Inbound) -> None:
    taker.message(incoming(content=reaction("A1")))
    assert [(0,)] == rows(shard, "SELECT count(*) FROM chats")


def test_an_edit_changes_the_original_and_keeps_how_it_came(shard: Shard, taker: Inbound) -> None:
    taker.message(incoming("helo", id="A1", timestamp=NOON))
    taker.message(incoming(content=edit("A1", "hello"), id="E1", timestamp=NOON + 5000))
    raw = E2E.Message(conversation="helo").SerializeToString()
    assert ("hello", NOON + 5000, raw) == original(shard, "content, edited_at, raw")
    assert [("edit", "hello", "A1")] == rows(
        shard, "SELECT kind, content, target_id FROM messages WHERE id = 'E1'"
    )
    event = events(shard)[1]
    assert ("message.edited", "A1", "hello") == (
        event["event"],
        event["payload"]["original_message_id"],
        event["payload"]["body"],
    )


def test_an_edit_that_arrives_first_is_done_when_its_message_comes(shard: Shard, taker: Inbound) -> None:
    taker.message(incoming(content=edit("A1", "hello"), timestamp=NOON + 5000))
    taker.message(incoming("helo", id="A1", timestamp=NOON))
    assert ("hello", NOON + 5000) == original(shard, "content, edited_at")
    assert ["message.edited", "message"] == [event["event"] for event in events(shard)]


def test_the_newest_edit_counts_in_whatever_order_they_arrive(shard: Shard, taker: Inbound) -> None:
    taker.message(incoming("one", id="A1", timestamp=NOON))
    taker.message(incoming(content=edit("A1", "three"), timestamp=NOON + 9000))
    taker.message(incoming(content=edit("A1", "two"), timestamp=NOON + 5000))
    assert ("three", NOON + 9000) == original(shard, "content, edited_at")


def test_an_edit_that_has_the_id_of_what_it_edits_is_done_once(
    shard: Shard, taker: Inbound, told: Told
) -> None:
    taker.message(incoming("helo", id="A1", timestamp=NOON))
    again = incoming("hello", id="A1", timestamp=NOON + 5000, edit=True)
    taker.message(again)
    taker.message(again)
    assert ("hello", NOON + 5000) == original(shard, "content, edited_at")
    assert [1, 2] == told
    payload = events(shard)[1]["payload"]
    assert ("A1", "A1") == (payload["id"], payload["original_message_id"])


@pytest.mark.parametrize("late", [False, True])
def test_an_edit_by_somebody_else_changes_nothing(shard: Shard, taker: Inbound, late: bool) -> None:
    sent = [
        incoming("true", id="A1", chat=GROUP),
        incoming(content=edit("A1", "false"), chat=GROUP, sender=BOB),
    ]
    for message in reversed(sent) if late else sent:
        taker.message(message)
    assert ("true", 0) == original(shard, "content, edited_at")
    assert [(2,)] == rows(shard, "SELECT count(*) FROM messages")
    if not late:
        assert ["message"] == [event["event"] for event in events(shard)]


def test_our_own_edit_under_our_lid_changes_our_message(shard: Shard, taker: Inbound) -> None:
    taker.message(incoming("helo", id="A1", chat=GROUP, sender=OWN, is_from_me=True))
    change = edit("A1", "hello")
    taker.message(incoming(content=change, chat=GROUP, sender=OWN_LID, is_from_me=True))
    assert ("hello",) == original(shard, "content")


def test_a_revoke_marks_the_original(shard: Shard, taker: Inbound) -> None:
    taker.message(incoming("oops", id="A1", timestamp=NOON))
    taker.message(incoming(content=revoke("A1"), id="D1", timestamp=NOON + 5000))
    assert (NOON + 5000, "oops") == original(shard, "revoked_at, content")
    assert (NOON, 1) == chat(shard, ALICE, "last_message_time, unread_count")
    event = events(shard)[1]
    assert ("message.revoked", "A1", True) == (
        event["event"],
        event["payload"]["revoked_message_id"],
        event["payload"]["revoked_from_me"],
    )


def test_a_revoke_that_arrives_first_is_done_when_its_message_comes(shard: Shard, taker: Inbound) -> None:
    taker.message(incoming(content=revoke("A1"), timestamp=NOON + 5000))
    taker.message(incoming("oops", id="A1", timestamp=NOON))
    assert (NOON + 5000,) == original(shard, "revoked_at")


def test_in_a_group_an_admin_revokes_what_others_wrote(shard: Shard, taker: Inbound) -> None:
    taker.message(incoming("spam", id="A1", chat=GROUP))
    by_admin = revoke("A1", from_me=False, participant=ALICE)
    taker.message(incoming(content=by_admin, chat=GROUP, sender=BOB, timestamp=NOON + 9000))
    assert (NOON + 9000,) == original(shard, "revoked_at")


def test_nobody_revokes_our_message_in_a_chat_of_two(shard: Shard, taker: Inbound) -> None:
    taker.message(incoming("mine", id="A1", sender=OWN, is_from_me=True))
    taker.message(incoming(content=revoke("A1", from_me=False)))
    assert (0,) == original(shard, "revoked_at")
    assert ["message"] == [event["event"] for event in events(shard)]


def test_changes_kept_under_a_lid_are_done_once_it_is_known(shard: Shard, taker: Inbound) -> None:
    taker.message(incoming("helo", id="A1", timestamp=NOON))
    change = edit("A1", "hello")
    taker.message(incoming(content=change, chat=ALICE_LID, sender=ALICE_LID, push_name=""))
    taker.message(incoming("other", chat_lid=ALICE_LID, sender_lid=ALICE_LID))
    assert ("hello",) == original(shard, "content")


@pytest.mark.parametrize(("asker", "voter"), [(ALICE, ALICE), (ALICE_LID, ALICE_LID), (ALICE_LID, OWN_LID)])
def test_a_vote_is_opened_in_whichever_namespace_it_was_made(
    shard: Shard, taker: Inbound, asker: str, voter: str
) -> None:
    taker.message(incoming(content=poll(), id="P1", chat_lid=ALICE_LID, sender_lid=ALICE_LID))
    ours = voter == OWN_LID
    ballot = vote("P1", asker, voter, "water", "tea", from_me=not ours)
    sender = {"sender": OWN, "sender_lid": OWN_LID, "is_from_me": True} if ours else {}
    taker.message(incoming(content=ballot, id="V1", **sender))
    assert [("poll_vote", "P1")] == rows(shard, "SELECT kind, target_id FROM messages WHERE id = 'V1'")
    payload = events(shard)[1]["payload"]
    assert ("P1", ["tea", "water"]) == (
        payload["poll_vote"]["poll_message_id"],
        payload["poll_vote"]["options"],
    )
    assert (1,) == chat(shard, ALICE, "unread_count")


def test_a_vote_in_our_own_poll_is_opened(shard: Shard, taker: Inbound) -> None:
    taker.message(incoming(content=poll(), id="P1", sender=OWN, is_from_me=True))
    taker.message(incoming(content=vote("P1", OWN_LID, ALICE_LID, "tea"), sender_lid=ALICE_LID))
    assert ["tea"] == events(shard)[1]["payload"]["poll_vote"]["options"]


def test_a_vote_whose_poll_is_not_stored_is_told_without_options(shard: Shard, taker: Inbound) -> None:
    taker.message(incoming(content=vote("P1", ALICE, ALICE, "tea"), id="V1"))
    assert "options" not in events(shard)[0]["payload"]["poll_vote"]
    assert [("poll_vote", "")] == rows(shard, "SELECT kind, content FROM messages")


def test_a_vote_that_arrives_first_is_told_again_when_its_poll_comes(
    shard: Shard, taker: Inbound, told: Told
) -> None:
    taker.message(incoming(content=vote("P1", ALICE, ALICE, "tea"), id="V1"))
    taker.message(incoming(content=poll(), id="P1"))
    assert ["poll.vote", "message", "poll.vote"] == [event["event"] for event in events(shard)]
    assert ("V1", ["tea"]) == (
        events(shard)[2]["payload"]["id"],
        events(shard)[2]["payload"]["poll_vote"]["options"],
    )
    assert [("tea",)] == rows(shard, "SELECT content FROM messages WHERE id = 'V1'")
    assert [1, 3] == told


def test_what_whoever_sends_a_poll_keeps_opens_the_votes_that_were_faster(
    shard: Shard, taker: Inbound
) -> None:
    taker.message(incoming(content=vote("P1", OWN, ALICE, "tea"), id="V1"))
    row = messages.MessageRow(
        id="P1",
        chat=ALICE,
        sender=OWN,
        from_me=True,
        timestamp=NOON,
        kind="poll",
        content="Drink?",
        raw=poll().SerializeToString(),
        status="server",
    )
    shard.write(lambda c: messages.add_message(c, row)).result()
    assert 2 == shard.write(lambda c: arrivals.open_late(c, Who(), ALICE, "P1")).result()
    assert ["tea"] == events(shard)[1]["payload"]["poll_vote"]["options"]


def sealed_edit(message_id: str, text: str) -> E2E.Message:
    payload, iv = seal_edit(SECRET, message_id, ALICE, ALICE, E2E.Message(conversation=text))
    return E2E.Message(
        secretEncryptedMessage=E2E.SecretEncryptedMessage(
            targetMessageKey=key(message_id, from_me=True),
            encPayload=payload,
            encIV=iv,
            secretEncType=E2E.SecretEncryptedMessage.MESSAGE_EDIT,
        )
    )


@pytest.mark.parametrize("late", [False, True])
def test_an_encrypted_edit_is_opened_whichever_comes_first(shard: Shard, taker: Inbound, late: bool) -> None:
    first = E2E.Message(conversation="helo", messageContextInfo=E2E.MessageContextInfo(messageSecret=SECRET))
    sent = [
        incoming(content=first, id="A1", timestamp=NOON),
        incoming(content=sealed_edit("A1", "hello"), timestamp=NOON + 5000),
    ]
    for message in reversed(sent) if late else sent:
        taker.message(message)
    assert ("hello", NOON + 5000) == original(shard, "content, edited_at")
    assert ("message.edited", "hello") == (
        events(shard)[-1]["event"],
        events(shard)[-1]["payload"]["body"],
    )


def test_a_file_is_named_in_row_and_event_and_fetched_after_the_commit(shard: Shard, told: Told) -> None:
    order: list[str] = []
    taker = Inbound(
        shard, Who(), lambda seq: order.append(f"event {seq}"), media_wanted=lambda: order.append("media")
    )
    taker.message(incoming(content=image(caption="look"), id="A1"))
    assert ["event 1", "media"] == order
    assert (SHA.hex(), "image", 4, "look") == original(shard, "media_id, media_type, file_length, content")
    assert [(SHA.hex(), "wanted", "A1", ALICE)] == rows(
        shard, "SELECT id, state, message_id, chat FROM media"
    )
    payload = events(shard)[0]["payload"]
    assert SHA.hex() == payload["media"]["id"]
    assert payload["media"]["path"].endswith(f"/{SHA.hex()}.jpg")


def test_without_auto_download_a_file_is_known_but_not_fetched(shard: Shard, told: Told) -> None:
    wanted: list[bool] = []
    taker = Inbound(shard, Who(), told, media_wanted=lambda: wanted.append(True), auto_download=False)
    taker.message(incoming(content=image()))
    assert [] == wanted
    assert [("idle",)] == rows(shard, "SELECT state FROM media")
    assert "path" not in events(shard)[0]["payload"]["media"]


def test_both_identities_are_told_once_one_message_has_named_them(shard: Shard, taker: Inbound) -> None:
    taker.message(incoming("one", chat_lid=ALICE_LID, sender_lid=ALICE_LID))
    taker.message(incoming("two"))
    payload = events(shard)[1]["payload"]
    assert (ALICE_LID, ALICE_LID) == (payload["chat_lid"], payload["from_lid"])
