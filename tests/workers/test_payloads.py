"""Events say what a message says, in the real server's forms and in ours."""

import hashlib
import json
from typing import Any

import msgspec
import pytest

from wagateway.events.parts import Listing, ListRow, ListSection, Order
from wagateway.media_types import media_path
from wagateway.whatsapp.protos import E2E, Common
from workers.content import Content, interpret
from workers.engine import IncomingReceipt
from workers.payloads import Facts, ack_of, event_of, payload_of

GROUP = "120363000000000001@g.us"
ALICE, ALICE_LID = "491@s.whatsapp.net", "901@lid"
BOB, BOB_LID = "492@s.whatsapp.net", "902@lid"
KEY = Common.MessageKey(ID="T1", fromMe=False, participant=BOB_LID)
SHA = hashlib.sha256(b"file").digest()
PATH = media_path("0011", SHA.hex(), "image/jpeg")
URL = "https://mmg.whatsapp.net/v/1"
FILE = {
    "fileSHA256": SHA,
    "fileEncSHA256": SHA,
    "mediaKey": SHA,
    "directPath": "/v/1",
    "URL": URL,
    "fileLength": 10,
}
FACTS = Facts(
    id="A1",
    chat=GROUP,
    sender=ALICE,
    sender_lid=ALICE_LID,
    name="Alice Stone",
    push_name="Al",
    timestamp=1_800_000_000_000,
    is_from_me=False,
)
COMMON = {
    "id": "A1",
    "chat_id": GROUP,
    "from": ALICE,
    "from_lid": ALICE_LID,
    "sender_display_name": "Alice Stone",
    "from_name": "Al",
    "timestamp": "2027-01-15T08:00:00Z",
    "is_from_me": False,
    "message_id": "A1",
    "chat_jid": GROUP,
    "sender": ALICE,
}


def identities(jid: str) -> tuple[str, str]:
    known = {BOB: (BOB, BOB_LID), BOB_LID: (BOB, BOB_LID)}
    return known.get(jid, (jid, jid if jid.endswith("@lid") else ""))


def told(message: E2E.Message | Content, path: str = "", facts: Facts = FACTS) -> dict[str, Any]:
    """The payload's own part, as hooks get it; what every message has is checked on the way."""
    read = message if isinstance(message, Content) else interpret(message)
    assert read is not None
    payload = json.loads(msgspec.json.encode(payload_of(read, facts, identities, path)))
    assert COMMON.items() <= payload.items()
    return {key: value for key, value in payload.items() if key not in COMMON}


def test_a_text_has_its_text_under_both_names() -> None:
    assert {"kind": "text", "body": "hi", "content": "hi"} == told(E2E.Message(conversation="hi"))


def test_a_chat_is_named_by_both_its_identities() -> None:
    facts = msgspec.structs.replace(FACTS, chat=ALICE, chat_lid=ALICE_LID, name="")
    read = interpret(E2E.Message(conversation="hi"))
    assert read is not None
    payload = json.loads(msgspec.json.encode(payload_of(read, facts, identities)))
    assert (ALICE, ALICE_LID) == (payload["chat_id"], payload["chat_lid"])
    assert "491" == payload["sender_display_name"]


def test_mentions_of_lids_become_numbers_where_these_are_known() -> None:
    context = E2E.ContextInfo(mentionedJID=[BOB_LID, "777@lid"])
    text = E2E.ExtendedTextMessage(text="@902 @777 @9021 a@902", contextInfo=context)
    payload = told(E2E.Message(extendedTextMessage=text))
    assert "@492 @777 @9021 a@492" == payload["body"] == payload["content"]
    assert [{"jid": BOB, "lid": BOB_LID}, {"jid": "777@lid", "lid": "777@lid"}] == payload["mentions"]


def test_what_surrounds_a_message_is_told() -> None:
    context = E2E.ContextInfo(
        stanzaID="Q1",
        participant=BOB_LID,
        quotedMessage=E2E.Message(conversation="before"),
        isForwarded=True,
        expiration=86400,
        externalAdReply=E2E.ContextInfo.ExternalAdReplyInfo(ctwaClid="c1", title="Sale"),
    )
    text = E2E.ExtendedTextMessage(text="after", contextInfo=context)
    assert {
        "kind": "text",
        "body": "after",
        "content": "after",
        "replied_to_id": "Q1",
        "quoted_body": "before",
        "quoted_sender": BOB,
        "quoted_sender_lid": BOB_LID,
        "forwarded": True,
        "ephemeral": True,
        "expiration": 86400,
        "referral": {"ctwa_clid": "c1", "ad_title": "Sale"},
    } == told(E2E.Message(extendedTextMessage=text))


def test_view_once_is_told() -> None:
    inner = E2E.Message(imageMessage=E2E.ImageMessage())
    payload = told(E2E.Message(viewOnceMessageV2=E2E.FutureProofMessage(message=inner)))
    assert {"kind": "image", "content": "", "view_once": True} == payload


FILES = [
    ("image", "imageMessage", E2E.ImageMessage, {"caption": "sea"}),
    ("video", "videoMessage", E2E.VideoMessage, {"caption": "sea"}),
    ("video_note", "ptvMessage", E2E.VideoMessage, {"caption": "sea"}),
    ("document", "documentMessage", E2E.DocumentMessage, {"caption": "sea"}),
    ("audio", "audioMessage", E2E.AudioMessage, {}),
    ("sticker", "stickerMessage", E2E.StickerMessage, {}),
]


@pytest.mark.parametrize(("key", "field", "make", "more"), FILES)
def test_a_fetched_file_is_a_path_or_a_path_with_its_caption(
    key: str, field: str, make: Any, more: dict[str, str]
) -> None:
    bare = told(E2E.Message(**{field: make(**FILE)}), PATH)
    assert PATH == bare[key]
    assert {"id": SHA.hex(), "kind": key, "size": 10, "path": PATH} == bare["media"]
    captioned = told(E2E.Message(**{field: make(**FILE, **more)}), PATH)
    assert ({"path": PATH, "caption": "sea"} if more else PATH) == captioned[key]
    assert ("sea" if more else None) == captioned.get("body")


@pytest.mark.parametrize(("key", "field", "make", "more"), FILES)
def test_a_file_that_is_not_fetched_is_a_link(key: str, field: str, make: Any, more: dict[str, str]) -> None:
    payload = told(E2E.Message(**{field: make(**FILE, **more)}))
    assert {"url": URL} | more == payload[key]
    assert {"id": SHA.hex(), "kind": key, "size": 10} == payload["media"]


def test_a_document_without_a_caption_is_found_by_its_name_but_says_nothing() -> None:
    payload = told(E2E.Message(documentMessage=E2E.DocumentMessage(fileName="a.pdf", **FILE)))
    assert ("a.pdf", None) == (payload["content"], payload.get("body"))
    assert {"url": URL, "filename": "a.pdf"} == payload["document"]


def test_a_voice_note_is_an_audio_of_its_own_kind() -> None:
    payload = told(E2E.Message(audioMessage=E2E.AudioMessage(PTT=True, seconds=3, **FILE)), PATH)
    assert ("voice_note", PATH) == (payload["kind"], payload["audio"])
    assert (True, 3) == (payload["media"]["voice"], payload["media"]["seconds"])


def test_a_picture_above_buttons_is_interactive_media() -> None:
    shown = E2E.ButtonsMessage(contentText="Ready?", imageMessage=E2E.ImageMessage(**FILE))
    payload = told(E2E.Message(buttonsMessage=shown), PATH)
    assert ("Ready?", [PATH]) == (payload["interactive"], payload["interactive_media"])
    assert "image" not in payload


CARD = E2E.ContactMessage(displayName="Bob", vcard="TEL:+492")
SHOWN_CARD = {"displayName": "Bob", "vcard": "TEL:+492", "phone_number": "492"}
PLACE = {"degreesLatitude": 52.5, "degreesLongitude": 13.4}
POLL = E2E.PollCreationMessage(
    name="Tea?",
    options=[E2E.PollCreationMessage.Option(optionName="yes")],
    selectableOptionsCount=1,
)

OBJECTS = [
    (E2E.Message(contactMessage=CARD), {"kind": "contact", "content": "Bob 492", "contact": SHOWN_CARD}),
    (
        E2E.Message(contactsArrayMessage=E2E.ContactsArrayMessage(contacts=[CARD])),
        {"kind": "contacts", "content": "Bob 492", "contacts_array": [SHOWN_CARD]},
    ),
    (
        E2E.Message(locationMessage=E2E.LocationMessage(name="Home", JPEGThumbnail=b"\xff", **PLACE)),
        {
            "kind": "location",
            "content": "52.5, 13.4\nHome",
            "location": {**PLACE, "name": "Home", "JPEGThumbnail": "/w=="},
        },
    ),
    (
        E2E.Message(liveLocationMessage=E2E.LiveLocationMessage(sequenceNumber=7, **PLACE)),
        {
            "kind": "live_location",
            "content": "52.5, 13.4",
            "live_location": {**PLACE, "sequenceNumber": 7},
        },
    ),
    (
        E2E.Message(pollCreationMessageV3=POLL),
        {
            "kind": "poll",
            "content": "Tea?\nyes",
            "poll": {"question": "Tea?", "options": ["yes"], "max_answer": 1},
        },
    ),
    (
        Content(
            kind="list", text="Drinks", listing=Listing(sections=[ListSection(rows=[ListRow(row_id="r")])])
        ),
        {
            "kind": "list",
            "content": "Drinks",
            "body": "Drinks",
            "list": {"sections": [{"rows": [{"rowID": "r"}]}]},
        },
    ),
    (
        Content(kind="order", order=Order(order_id="o1", total=1000, currency="EUR")),
        {
            "kind": "order",
            "content": "",
            "order": {"orderID": "o1", "totalAmount1000": 1000, "totalCurrencyCode": "EUR"},
        },
    ),
    (
        Content(kind="buttons_reply", text="Go", chosen_id="b1"),
        {"kind": "buttons_reply", "content": "Go", "body": "Go", "chosen_id": "b1"},
    ),
]


@pytest.mark.parametrize(("message", "expected"), OBJECTS)
def test_a_kind_has_an_object_of_its_own(message: E2E.Message | Content, expected: dict[str, Any]) -> None:
    assert expected == told(message)


@pytest.mark.parametrize(
    ("choices", "shown"),
    [(None, {}), ((), {"options": []}), (("yes", "no"), {"options": ["yes", "no"]})],
)
def test_a_vote_tells_who_chooses_what_in_which_poll(
    choices: tuple[str, ...] | None, shown: dict[str, Any]
) -> None:
    payload = told(Content(kind="poll_vote", target_id="P1", choices=choices))
    assert {
        "poll_message_id": "P1",
        "voter": ALICE,
        "voter_lid": ALICE_LID,
        **shown,
    } == payload["poll_vote"]


@pytest.mark.parametrize(
    ("message", "event", "expected"),
    [
        (
            E2E.Message(reactionMessage=E2E.ReactionMessage(key=KEY, text="👍")),
            "message.reaction",
            {"kind": "reaction", "content": "👍", "reaction": "👍", "reacted_message_id": "T1"},
        ),
        (
            E2E.Message(reactionMessage=E2E.ReactionMessage(key=KEY, text="")),
            "message.reaction",
            {"kind": "reaction", "content": "", "reaction": "", "reacted_message_id": "T1"},
        ),
        (
            Content(kind="edit", text="new", target_id="T1"),
            "message.edited",
            {"kind": "edit", "content": "new", "body": "new", "original_message_id": "T1"},
        ),
        (
            Content(kind="edit", text="new"),
            "message.edited",
            {"kind": "edit", "content": "new", "body": "new", "original_message_id": "A1"},
        ),
        (
            E2E.Message(protocolMessage=E2E.ProtocolMessage(key=KEY, type=E2E.ProtocolMessage.REVOKE)),
            "message.revoked",
            {
                "kind": "revoke",
                "content": "",
                "revoked_message_id": "T1",
                "revoked_from_me": False,
                "revoked_chat": GROUP,
                "revoked_sender": BOB,
                "revoked_sender_lid": BOB_LID,
            },
        ),
        (
            Content(kind="revoke", target_id="T1", target_from_me=True),
            "message.revoked",
            {
                "kind": "revoke",
                "content": "",
                "revoked_message_id": "T1",
                "revoked_from_me": True,
                "revoked_chat": GROUP,
                "revoked_sender": ALICE,
                "revoked_sender_lid": ALICE_LID,
            },
        ),
        (E2E.Message(conversation="hi"), "message", {"kind": "text", "body": "hi", "content": "hi"}),
    ],
)
def test_what_is_about_another_message_is_an_event_of_its_own(
    message: E2E.Message | Content, event: str, expected: dict[str, Any]
) -> None:
    read = message if isinstance(message, Content) else interpret(message)
    assert read is not None
    assert event == event_of(read).name
    assert expected == told(message)


@pytest.mark.parametrize("kind", ["delivered", "read", "played", "read-self", "played-self"])
def test_a_receipt_tells_who_has_which_messages(kind: Any) -> None:
    receipt = IncomingReceipt(["A", "B"], kind, ALICE, ALICE_LID, ALICE, ALICE_LID, 1_800_000_000_000)
    payload = json.loads(msgspec.json.encode(ack_of(receipt, chat=ALICE, sender=ALICE, name="")))
    assert payload.pop("receipt_type_description")
    assert {
        "ids": ["A", "B"],
        "chat_id": ALICE,
        "chat_lid": ALICE_LID,
        "from": ALICE,
        "from_lid": ALICE_LID,
        "sender_display_name": "491",
        "receipt_type": kind,
        "timestamp": "2027-01-15T08:00:00Z",
    } == payload


@pytest.mark.parametrize("timestamp", [-1, 0, 2**63 - 1])
def test_a_time_that_is_none_is_left_blank(timestamp: int) -> None:
    facts = msgspec.structs.replace(FACTS, timestamp=timestamp)
    assert "" == payload_of(Content(kind="text", text="hi"), facts, identities).timestamp
