"""Every kind of message between phones and the real neonize client."""

import hashlib
from typing import Any

import pytest
import pytest_asyncio

from tests.sandbox.conftest import NewClient, RealClient, Sandbox
from wagateway.commands import sandbox as c
from wagateway.whatsapp.polls import vote_hashes

pytestmark = pytest.mark.asyncio(loop_scope="session")

ANN, BOB = "628777000001", "628777000002"
FILE = bytes(range(256)) * 40


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ann(new_client: NewClient) -> RealClient:
    return await new_client("ann-kinds", ANN)


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def bob(sandbox: Sandbox) -> None:
    await sandbox.ask(c.AddPhone(phone=BOB, name="Bob"))


async def next_of(sandbox: Sandbox, phone: str, id_: str) -> c.InboxMessage:
    """The message of this id in the phone's inbox, once it is there."""
    after = 0
    while True:
        page: c.InboxPage = await sandbox.ask(c.Inbox(phone=phone, after=after, wait=10))
        assert page.messages, "nothing came"
        for each in page.messages:
            if each.id == id_:
                return each
        after = page.total


_CONTEXT = {"isForwarded": True, "forwardingScore": 2, "mentionedJID": [f"{ANN}@s.whatsapp.net"]}
_AD = {"title": "An ad", "sourceURL": "https://example.com/ad", "sourceType": "ad", "sourceID": "1"}
_CARD = {"displayName": "Carol", "vcard": "BEGIN:VCARD\nVERSION:3.0\nFN:Carol\nEND:VCARD"}
_PLACE = {"degreesLatitude": -6.2, "degreesLongitude": 106.8, "name": "Here"}
_IMAGE = {"caption": "look", "mimetype": "image/jpeg", "directPath": "/v/none?ccb=1"}

KINDS: list[tuple[str, dict[str, Any], str, str]] = [
    ("extendedTextMessage", {"text": "forwarded", "contextInfo": _CONTEXT}, "text", ""),
    (
        "extendedTextMessage",
        {"text": "https://a.b", "title": "A page", "matchedText": "https://a.b"},
        "media",
        "url",
    ),
    ("extendedTextMessage", {"text": "from an ad", "contextInfo": {"externalAdReply": _AD}}, "text", ""),
    ("contactMessage", _CARD, "media", "vcard"),
    ("contactsArrayMessage", {"displayName": "Two", "contacts": [_CARD, _CARD]}, "media", "contact_array"),
    (
        "locationMessage",
        _PLACE,
        "media",
        "location",
    ),
    ("liveLocationMessage", {"degreesLatitude": 1.5, "degreesLongitude": 2.5}, "media", "livelocation"),
    (
        "buttonsResponseMessage",
        {"selectedButtonID": "yes", "selectedDisplayText": "Yes", "type": "DISPLAY_TEXT"},
        "media",
        "buttons_response",
    ),
    (
        "listResponseMessage",
        {"title": "Tea", "singleSelectReply": {"selectedRowID": "tea"}, "listType": "SINGLE_SELECT"},
        "media",
        "list_response",
    ),
    ("templateButtonReplyMessage", {"selectedID": "1", "selectedDisplayText": "Go"}, "text", ""),
    (
        "interactiveResponseMessage",
        {"body": {"text": "Done"}, "nativeFlowResponseMessage": {"name": "flow", "paramsJSON": "{}"}},
        "media",
        "native_flow_response",
    ),
    ("orderMessage", {"orderID": "1", "itemCount": 2, "orderTitle": "Two teas"}, "media", "order"),
]


@pytest.mark.parametrize(("kind", "part", "type_", "media_type"), KINDS)
async def test_a_message_of_any_kind_comes_as_it_was_written(
    sandbox: Sandbox, ann: RealClient, kind: str, part: dict[str, Any], type_: str, media_type: str
) -> None:
    sent = await sandbox.ask(c.PhoneSendMessage(phone=BOB, to=ANN, content={kind: part}))
    got = await ann.hears("message", id=sent.ids[0])
    assert (kind, type_, media_type) == (got["kind"], got["type"], got["media_type"])
    assert part == got["content"][kind]


@pytest.mark.parametrize(
    ("wrapper", "flag"),
    [
        ("ephemeralMessage", "IsEphemeral"),
        ("viewOnceMessageV2", "IsViewOnce"),
        ("documentWithCaptionMessage", "IsDocumentWithCaption"),
    ],
)
async def test_a_wrapped_message_comes_unwrapped_and_marked(
    sandbox: Sandbox, ann: RealClient, wrapper: str, flag: str
) -> None:
    content = {wrapper: {"message": {"imageMessage": _IMAGE}}}
    sent = await sandbox.ask(c.PhoneSendMessage(phone=BOB, to=ANN, content=content))
    got = await ann.hears("message", id=sent.ids[0])
    assert ("imageMessage", "media", "image") == (got["kind"], got["type"], got["media_type"])
    assert flag in got["wrapped"]


@pytest.mark.parametrize(
    ("kind", "field", "media_type"),
    [
        ("image", "imageMessage", "image"),
        ("video", "videoMessage", "video"),
        ("video_note", "ptvMessage", "ptv"),
        ("audio", "audioMessage", "audio"),
        ("voice_note", "audioMessage", "ptt"),
        ("document", "documentMessage", "document"),
        ("sticker", "stickerMessage", "sticker"),
    ],
)
async def test_a_file_of_a_phone_is_downloaded_by_the_device(
    sandbox: Sandbox, ann: RealClient, kind: str, field: str, media_type: str
) -> None:
    sent = await sandbox.ask(c.PhoneSendMedia(phone=BOB, to=ANN, kind=kind, data=FILE, seconds=3))  # type: ignore[arg-type]
    got = await ann.hears("message", id=sent.ids[0])
    assert (field, "media", media_type) == (got["kind"], got["type"], got["media_type"])
    assert (
        hashlib.sha256(FILE).hexdigest()
        == sent.media_id
        == (await ann.does("fetch", id=sent.ids[0]))["sha256"]
    )


async def test_a_document_with_a_caption_comes_in_its_wrapper(sandbox: Sandbox, ann: RealClient) -> None:
    command = c.PhoneSendMedia(
        phone=BOB, to=ANN, kind="document", data=FILE, caption="the plan", filename="plan.pdf"
    )
    got = await ann.hears("message", id=(await sandbox.ask(command)).ids[0])
    assert ["IsDocumentWithCaption"] == got["wrapped"]
    document = got["content"]["documentMessage"]
    assert ("the plan", "plan.pdf", "application/pdf") == (
        document["caption"], document["fileName"], document["mimetype"],
    )  # fmt: skip


async def test_a_lost_file_and_an_expired_one_cannot_be_downloaded(sandbox: Sandbox, ann: RealClient) -> None:
    lost = await sandbox.ask(c.PhoneSendMedia(phone=BOB, to=ANN, kind="image", data=FILE, lost=True))
    kept = await sandbox.ask(c.PhoneSendMedia(phone=BOB, to=ANN, kind="image", data=FILE))
    await ann.hears("message", id=kept.ids[0])
    assert "410" in (await ann.does("fetch", id=lost.ids[0]))["error"]
    assert "error" not in await ann.does("fetch", id=kept.ids[0])
    await sandbox.ask(c.ExpireMedia(phone=BOB))
    assert "410" in (await ann.does("fetch", id=kept.ids[0]))["error"]


async def test_a_file_of_a_device_is_opened_in_the_phones_inbox(sandbox: Sandbox, ann: RealClient) -> None:
    sent = await ann.does("send_file", to=BOB, bytes=3_000_000)
    for phone in (BOB, ANN):
        got = await next_of(sandbox, phone, sent["id"])
        assert (sent["sha256"], 3_000_000, "") == (got.media_id, got.media_size, got.media_error)
        content = await sandbox.ask(c.PhoneMedia(phone=phone, index=got.index))
        assert (bytes(3_000_000), sent["sha256"]) == (content.data, content.sha256)
    assert ("documentMessage", "zeros.bin") == (got.kind, got.message["documentMessage"]["fileName"])


async def test_an_upload_fails_as_often_as_it_is_to(sandbox: Sandbox, ann: RealClient) -> None:
    before = await sandbox.ask(c.MediaCounts())
    await sandbox.ask(c.MediaFaults(upload_failures=1, status=503))
    assert "503" in (await ann.does("send_file", to=BOB, bytes=1000))["error"]
    assert "error" not in await ann.does("send_file", to=BOB, bytes=1000)
    wanted = c.MediaCounts(uploads=before.uploads + 1, failures=before.failures + 1, wait=10)
    after = await sandbox.ask(wanted)
    assert (before.uploads + 1, before.failures + 1) == (after.uploads, after.failures)


async def test_a_download_that_failed_is_retried_by_the_client(sandbox: Sandbox, ann: RealClient) -> None:
    sent = await sandbox.ask(c.PhoneSendMedia(phone=BOB, to=ANN, kind="image", data=FILE))
    await ann.hears("message", id=sent.ids[0])
    await sandbox.ask(c.MediaFaults(download_failures=1, status=503))
    before = await sandbox.ask(c.MediaCounts())
    assert sent.media_id == (await ann.does("fetch", id=sent.ids[0]))["sha256"]
    after = await sandbox.ask(c.MediaCounts(downloads=before.downloads + 1, wait=10))
    assert (1, 1) == (after.failures - before.failures, after.downloads - before.downloads)


async def test_votes_of_a_phone_on_its_own_and_on_the_devices_poll_are_opened(
    sandbox: Sandbox, ann: RealClient
) -> None:
    own = await sandbox.ask(c.PhonePoll(phone=BOB, to=ANN, question="Tea?", options=["yes", "no"]))
    got = await ann.hears("message", id=own.ids[0])
    assert ("pollCreationMessageV3", "poll") == (got["kind"], got["type"])
    theirs = await ann.does("ask_poll", to=BOB, question="Cake?", options=["yes", "no", "both"])
    assert "Cake?" == (await next_of(sandbox, BOB, theirs["id"])).text
    for poll, options in ((own.ids[0], ["no"]), (theirs["id"], ["both"]), (theirs["id"], [])):
        vote = await sandbox.ask(c.PhoneVote(phone=BOB, chat=ANN, message_id=poll, options=options))
        assert "poll" == (await ann.hears("message", id=vote.ids[0]))["type"]
        opened = await ann.does("open_vote", id=vote.ids[0])
        assert "error" not in opened, opened
        assert [each.hex() for each in vote_hashes(options)] == opened["options"]


async def test_a_vote_of_a_device_is_opened_by_the_phone(sandbox: Sandbox, ann: RealClient) -> None:
    poll = await sandbox.ask(
        c.PhonePoll(phone=BOB, to=ANN, question="Tea?", options=["yes", "no"], max_answer=0)
    )
    await ann.hears("message", id=poll.ids[0])
    vote = await ann.does("vote", id=poll.ids[0], options=["yes", "no"])
    got = await next_of(sandbox, BOB, vote["id"])
    assert ("pollUpdateMessage", "yes, no") == (got.kind, got.text)


async def test_a_vote_in_a_group_is_opened(sandbox: Sandbox, ann: RealClient) -> None:
    group = await sandbox.ask(c.PhoneCreateGroup(phone=BOB, subject="Votes", members=[ANN]))
    await ann.hears("joined", group=group.jid)
    poll = await ann.does("ask_poll", to=group.jid, question="Where?", options=["here", "there"])
    await next_of(sandbox, BOB, poll["id"])
    command = c.PhoneVote(phone=BOB, chat=group.jid, message_id=poll["id"], options=["there"])
    vote = await sandbox.ask(command)
    await ann.hears("message", id=vote.ids[0], kind="pollUpdateMessage", chat=group.jid)
    opened = await ann.does("open_vote", id=vote.ids[0])
    assert "error" not in opened, opened
    assert [each.hex() for each in vote_hashes(["there"])] == opened["options"]


async def test_reactions_edits_and_revocations_name_their_message(sandbox: Sandbox, ann: RealClient) -> None:
    theirs = await ann.does("send", to=BOB, text="react to this")
    await next_of(sandbox, BOB, theirs["id"])
    for emoji, edit in (("👍", ""), ("", "7")):
        command = c.PhoneReact(phone=BOB, chat=ANN, message_id=theirs["id"], emoji=emoji)
        got = await ann.hears("message", id=(await sandbox.ask(command)).ids[0])
        reaction = got["content"]["reactionMessage"]
        assert ("reaction", edit, emoji, theirs["id"]) == (
            got["type"], got["edit"], reaction.get("text", ""), reaction["key"]["ID"],
        )  # fmt: skip
    own = (await sandbox.ask(c.PhoneSendText(phone=BOB, to=ANN, text="teh"))).ids[0]
    edited = await sandbox.ask(c.PhoneEdit(phone=BOB, chat=ANN, message_id=own, text="the"))
    got = await ann.hears("message", id=edited.ids[0])
    change = got["content"]["protocolMessage"]
    assert ("1", own, "MESSAGE_EDIT", "the") == (
        got["edit"], change["key"]["ID"], change["type"], change["editedMessage"]["conversation"],
    )  # fmt: skip
    revoked = await sandbox.ask(c.PhoneRevoke(phone=BOB, chat=ANN, message_id=own))
    got = await ann.hears("message", id=revoked.ids[0])
    assert ("7", own) == (got["edit"], got["content"]["protocolMessage"]["key"]["ID"])


async def test_played_is_told_in_both_directions(sandbox: Sandbox, ann: RealClient) -> None:
    voice = {"audioMessage": {"PTT": True, "seconds": 2, "mimetype": "audio/ogg; codecs=opus"}}
    sent = await ann.does("deliver", to=BOB, content=voice)
    await next_of(sandbox, BOB, sent["id"])
    assert 1 == (await sandbox.ask(c.MarkPlayed(phone=BOB))).count
    await ann.hears("receipt", ids=[sent["id"]], type=6)
    before = (await sandbox.ask(c.Receipts(phone=BOB))).total
    note = await sandbox.ask(c.PhoneSendMedia(phone=BOB, to=ANN, kind="voice_note", data=FILE, seconds=2))
    got = await ann.hears("message", id=note.ids[0])
    await ann.does("play", id=note.ids[0], chat=got["chat"], sender=got["sender"])
    types: list[str] = []
    while "played" not in types:
        page = await sandbox.ask(c.Receipts(phone=BOB, after=before, wait=10))
        assert page.receipts
        types += [each.type for each in page.receipts if each.id == note.ids[0]]
        before = page.total


async def test_a_file_reaches_a_group(sandbox: Sandbox, ann: RealClient) -> None:
    group = await sandbox.ask(c.PhoneCreateGroup(phone=BOB, subject="Pictures", members=[ANN]))
    await ann.hears("joined", group=group.jid)
    sent = await sandbox.ask(c.PhoneSendMedia(phone=BOB, to=group.jid, kind="image", data=FILE))
    got = await ann.hears("message", id=sent.ids[0], kind="imageMessage", chat=group.jid)
    assert "image" == got["media_type"]
    assert sent.media_id == (await ann.does("fetch", id=sent.ids[0]))["sha256"]


async def test_a_status_with_a_picture_is_seen_by_a_contact(sandbox: Sandbox, ann: RealClient) -> None:
    await sandbox.ask(c.AddContacts(phone=BOB, contacts=[c.Contact(phone=ANN, name="Ann")]))
    command = c.PhoneSendMedia(phone=BOB, to="status@broadcast", kind="image", data=FILE, caption="sunset")
    sent = await sandbox.ask(command)
    got = await ann.hears("message", id=sent.ids[0], kind="imageMessage", chat="status@broadcast")
    assert "sunset" == got["content"]["imageMessage"]["caption"]
    assert sent.media_id == (await ann.does("fetch", id=sent.ids[0]))["sha256"]
