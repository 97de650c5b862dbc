"""Each kind of message is read for what it says."""

import hashlib
from typing import Any

import pytest

from wagateway.events.parts import ContactCard, Poll
from wagateway.whatsapp.protos import E2E, Common
from workers.content import Content, MediaPart, interpret, text_of, timer_of

KEY = Common.MessageKey(ID="T1", fromMe=True, remoteJID="1@s.whatsapp.net", participant="900:4@lid")
ABOUT = {
    "target_id": "T1",
    "target_from_me": True,
    "target_by": "900@lid",
}
SHA, ENC, SECRET = (hashlib.sha256(seed).digest() for seed in (b"file", b"encrypted", b"key"))
FILE = {
    "fileSHA256": SHA,
    "fileEncSHA256": ENC,
    "mediaKey": SECRET,
    "directPath": "/v/t62/1?x=1",
    "URL": "https://mmg.whatsapp.net/v/t62/1?x=1",
    "fileLength": 1000,
}
VCARD = "BEGIN:VCARD\nVERSION:3.0\nFN:Bob Stone\nTEL;type=CELL;waid=4915112345:+49 151 12345\nEND:VCARD"


def read(**fields: Any) -> Content:
    found = interpret(E2E.Message(**fields))
    assert found is not None
    return found


def edited(message: E2E.Message) -> E2E.ProtocolMessage:
    return E2E.ProtocolMessage(key=KEY, type=E2E.ProtocolMessage.MESSAGE_EDIT, editedMessage=message)


def options(*texts: str) -> list[Any]:
    return [E2E.PollCreationMessage.Option(optionName=text) for text in texts]


POLL = E2E.PollCreationMessage(name="Tea?", options=options("yes", "no"), selectableOptionsCount=1)
ROWS = [E2E.ListMessage.Row(title="Tea", description="hot", rowID="r1")]
BUTTON = E2E.ButtonsMessage.Button(buttonText=E2E.ButtonsMessage.Button.ButtonText(displayText="Go"))
QUICK = E2E.HydratedTemplateButton(
    quickReplyButton=E2E.HydratedTemplateButton.HydratedQuickReplyButton(displayText="Go")
)
INTERACTIVE = E2E.InteractiveMessage(
    header=E2E.InteractiveMessage.Header(title="Head"),
    body=E2E.InteractiveMessage.Body(text="Body"),
    nativeFlowMessage=E2E.InteractiveMessage.NativeFlowMessage(
        buttons=[
            E2E.InteractiveMessage.NativeFlowMessage.NativeFlowButton(
                buttonParamsJSON='{"display_text":"Go"}'
            )
        ]
    ),
)

KINDS = [
    ({"conversation": "hi"}, "text", "hi"),
    ({"extendedTextMessage": E2E.ExtendedTextMessage(text="hi")}, "text", "hi"),
    ({"imageMessage": E2E.ImageMessage(caption="sea")}, "image", "sea"),
    ({"videoMessage": E2E.VideoMessage(caption="waves")}, "video", "waves"),
    ({"ptvMessage": E2E.VideoMessage()}, "video_note", ""),
    ({"audioMessage": E2E.AudioMessage()}, "audio", ""),
    ({"audioMessage": E2E.AudioMessage(PTT=True)}, "voice_note", ""),
    ({"documentMessage": E2E.DocumentMessage(fileName="a.pdf", **FILE)}, "document", "a.pdf"),
    ({"documentMessage": E2E.DocumentMessage(fileName="a.pdf", caption="read")}, "document", "read"),
    ({"stickerMessage": E2E.StickerMessage()}, "sticker", ""),
    ({"contactMessage": E2E.ContactMessage(displayName="Bob", vcard=VCARD)}, "contact", "Bob 4915112345"),
    (
        {
            "contactsArrayMessage": E2E.ContactsArrayMessage(
                contacts=[E2E.ContactMessage(vcard=VCARD), E2E.ContactMessage(displayName="Eve")]
            )
        },
        "contacts",
        "Bob Stone 4915112345\nEve",
    ),
    (
        {"locationMessage": E2E.LocationMessage(degreesLatitude=52.5, degreesLongitude=13.4, name="Home")},
        "location",
        "52.5, 13.4\nHome",
    ),
    ({"locationMessage": E2E.LocationMessage(isLive=True)}, "live_location", "0.0, 0.0"),
    (
        {"liveLocationMessage": E2E.LiveLocationMessage(degreesLatitude=-1.5, caption="on my way")},
        "live_location",
        "-1.5, 0.0\non my way",
    ),
    *(
        ({field: POLL}, "poll", "Tea?\nyes\nno")
        for field in ("pollCreationMessage", *(f"pollCreationMessageV{number}" for number in (2, 3, 5, 6)))
    ),
    (
        {"pollCreationMessageV4": E2E.FutureProofMessage(message=E2E.Message(pollCreationMessageV3=POLL))},
        "poll",
        "Tea?\nyes\nno",
    ),
    ({"pollUpdateMessage": E2E.PollUpdateMessage(pollCreationMessageKey=KEY)}, "poll_vote", ""),
    ({"reactionMessage": E2E.ReactionMessage(key=KEY, text="👍")}, "reaction", "👍"),
    ({"protocolMessage": edited(E2E.Message(conversation="new"))}, "edit", "new"),
    (
        {"protocolMessage": edited(E2E.Message(imageMessage=E2E.ImageMessage(caption="new")))},
        "edit",
        "new",
    ),
    (
        {"protocolMessage": E2E.ProtocolMessage(key=KEY, type=E2E.ProtocolMessage.REVOKE)},
        "revoke",
        "",
    ),
    (
        {
            "secretEncryptedMessage": E2E.SecretEncryptedMessage(
                targetMessageKey=KEY, secretEncType=E2E.SecretEncryptedMessage.MESSAGE_EDIT
            )
        },
        "edit",
        "",
    ),
    (
        {
            "secretEncryptedMessage": E2E.SecretEncryptedMessage(
                targetMessageKey=KEY, secretEncType=E2E.SecretEncryptedMessage.POLL_EDIT
            )
        },
        "poll_edit",
        "",
    ),
    (
        {
            "buttonsResponseMessage": E2E.ButtonsResponseMessage(
                selectedButtonID="b1", selectedDisplayText="Go"
            )
        },
        "buttons_reply",
        "Go",
    ),
    (
        {
            "templateButtonReplyMessage": E2E.TemplateButtonReplyMessage(
                selectedID="b1", selectedDisplayText="Go"
            )
        },
        "buttons_reply",
        "Go",
    ),
    (
        {
            "interactiveResponseMessage": E2E.InteractiveResponseMessage(
                nativeFlowResponseMessage=E2E.InteractiveResponseMessage.NativeFlowResponseMessage(
                    paramsJSON='{"id":"b1","display_text":"Go"}'
                )
            )
        },
        "buttons_reply",
        "Go",
    ),
    (
        {
            "listResponseMessage": E2E.ListResponseMessage(
                title="Tea", singleSelectReply=E2E.ListResponseMessage.SingleSelectReply(selectedRowID="r1")
            )
        },
        "list_reply",
        "Tea",
    ),
    (
        {
            "listMessage": E2E.ListMessage(
                title="Drinks",
                description="Choose",
                sections=[E2E.ListMessage.Section(title="Hot", rows=ROWS)],
            )
        },
        "list",
        "Drinks\nChoose\nTea",
    ),
    ({"buttonsMessage": E2E.ButtonsMessage(contentText="Ready?", buttons=[BUTTON])}, "buttons", "Ready?\nGo"),
    (
        {
            "templateMessage": E2E.TemplateMessage(
                hydratedTemplate=E2E.TemplateMessage.HydratedFourRowTemplate(
                    hydratedContentText="Shipped", hydratedButtons=[QUICK]
                )
            )
        },
        "template",
        "Shipped\nGo",
    ),
    (
        {"templateMessage": E2E.TemplateMessage(interactiveMessageTemplate=INTERACTIVE)},
        "template",
        "Head\nBody\nGo",
    ),
    ({"interactiveMessage": INTERACTIVE}, "interactive", "Head\nBody\nGo"),
    ({"orderMessage": E2E.OrderMessage(orderTitle="Shop", message="two")}, "order", "Shop\ntwo"),
    (
        {
            "productMessage": E2E.ProductMessage(
                product=E2E.ProductMessage.ProductSnapshot(title="Pot"), body="blue"
            )
        },
        "product",
        "Pot\nblue",
    ),
    ({"eventMessage": E2E.EventMessage(name="Party", description="late")}, "event", "Party\nlate"),
    (
        {"groupInviteMessage": E2E.GroupInviteMessage(groupName="Club", caption="come")},
        "group_invite",
        "Club\ncome",
    ),
    (
        {"newsletterAdminInviteMessage": E2E.NewsletterAdminInviteMessage(newsletterName="News")},
        "newsletter_admin_invite",
        "News",
    ),
    ({"pinInChatMessage": E2E.PinInChatMessage(key=KEY)}, "pin", ""),
    (
        {"commentMessage": E2E.CommentMessage(message=E2E.Message(conversation="so"), targetMessageKey=KEY)},
        "comment",
        "so",
    ),
    (
        {"sendPaymentMessage": E2E.SendPaymentMessage(noteMessage=E2E.Message(conversation="rent"))},
        "payment",
        "rent",
    ),
    ({"albumMessage": E2E.AlbumMessage(expectedImageCount=2)}, "album", ""),
    (
        {"scheduledCallCreationMessage": E2E.ScheduledCallCreationMessage(title="Call")},
        "scheduled_call_creation",
        "Call",
    ),
    ({"requestPhoneNumberMessage": E2E.RequestPhoneNumberMessage()}, "request_phone_number", ""),
]


@pytest.mark.parametrize(("fields", "kind", "text"), KINDS)
def test_a_kind_is_named_and_its_text_can_be_searched(fields: dict[str, Any], kind: str, text: str) -> None:
    found = read(**fields)
    assert (kind, text) == (found.kind, found.text)


@pytest.mark.parametrize(
    "message",
    [
        E2E.Message(reactionMessage=E2E.ReactionMessage(key=KEY, text="")),
        E2E.Message(protocolMessage=edited(E2E.Message(conversation="new"))),
        E2E.Message(protocolMessage=E2E.ProtocolMessage(key=KEY, type=E2E.ProtocolMessage.REVOKE)),
        E2E.Message(pollUpdateMessage=E2E.PollUpdateMessage(pollCreationMessageKey=KEY)),
        E2E.Message(keepInChatMessage=E2E.KeepInChatMessage(key=KEY)),
    ],
)
def test_what_is_about_a_message_names_it(message: E2E.Message) -> None:
    found = interpret(message)
    assert ABOUT == {name: getattr(found, name) for name in ABOUT}


@pytest.mark.parametrize(
    ("field", "part", "kind", "encrypted_as"),
    [
        ("imageMessage", E2E.ImageMessage(width=4, height=3, **FILE), "image", "image"),
        ("videoMessage", E2E.VideoMessage(seconds=9, gifPlayback=True, **FILE), "video", "video"),
        ("ptvMessage", E2E.VideoMessage(seconds=9, **FILE), "video_note", "video"),
        ("audioMessage", E2E.AudioMessage(seconds=9, PTT=True, **FILE), "audio", "audio"),
        ("documentMessage", E2E.DocumentMessage(fileName="a.pdf", **FILE), "document", "document"),
        ("stickerMessage", E2E.StickerMessage(isAnimated=True, **FILE), "sticker", "image"),
    ],
)
def test_a_file_can_be_fetched_by_what_is_read_of_it(
    field: str, part: Any, kind: str, encrypted_as: Any
) -> None:
    part.mimetype = "application/x-thing; v=1"
    expected = MediaPart(
        id=SHA.hex(),
        kind=kind,
        encrypted_as=encrypted_as,
        mime_type="application/x-thing; v=1",
        size=1000,
        media_key=SECRET,
        enc_sha256=ENC,
        direct_path="/v/t62/1?x=1",
        url="https://mmg.whatsapp.net/v/t62/1?x=1",
        filename=getattr(part, "fileName", ""),
        seconds=getattr(part, "seconds", 0),
        width=getattr(part, "width", 0),
        height=getattr(part, "height", 0),
        animated=kind in ("video", "sticker"),
        voice=kind == "audio",
    )
    found = read(**{field: part})
    assert expected == found.media
    assert kind == found.media_type


def test_the_picture_above_buttons_is_a_file() -> None:
    found = read(buttonsMessage=E2E.ButtonsMessage(imageMessage=E2E.ImageMessage(**FILE)))
    assert ("buttons", "image") == (found.kind, found.media_type)
    assert found.media is not None
    assert SHA.hex() == found.media.id


@pytest.mark.parametrize(
    "broken",
    [
        {"fileSHA256": b""},
        {"fileSHA256": SHA + b"x"},
        {"fileEncSHA256": ENC[:31]},
        {"mediaKey": b""},
        {"directPath": ""},
        {"directPath": "@evil.example/x"},
        {"directPath": ".evil.example/x"},
        {"directPath": "/x y"},
        {"directPath": "/x\r\nHost: evil.example"},
        {"directPath": "/" + "x" * 5000},
    ],
)
def test_a_file_that_cannot_be_fetched_is_none(broken: dict[str, Any]) -> None:
    found = read(imageMessage=E2E.ImageMessage(**(FILE | broken)))
    assert ("image", "image", None) == (found.kind, found.media_type, found.media)


def test_a_size_beyond_what_can_be_stored_is_cut() -> None:
    part = read(imageMessage=E2E.ImageMessage(**(FILE | {"fileLength": 2**64 - 1}))).media
    assert part is not None
    assert 2**53 - 1 == part.size


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("report.pdf", "report.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\x\\a.exe", "a.exe"),
        (".bashrc", "bashrc"),
        ("..", ""),
        ("a\x00b\n\x1b[31mc.txt", "ab[31mc.txt"),
        ("photo_\u202egpj.exe", "photo_gpj.exe"),
        ("süß ☕.txt", "süß ☕.txt"),
        ("x" * 300 + ".pdf", "x" * 251 + ".pdf"),
        ("x" * 300, "x" * 255),
    ],
)
def test_a_file_name_is_only_a_name(sent: str, kept: str) -> None:
    part = read(documentMessage=E2E.DocumentMessage(fileName=sent, **FILE)).media
    assert part is not None
    assert kept == part.filename


@pytest.mark.parametrize(
    ("sent", "kept"), [("image/png", "image/png"), ("text/html\r\nX: y", ""), ("nonsense", "")]
)
def test_a_mime_type_that_is_none_is_left_out(sent: str, kept: str) -> None:
    part = read(imageMessage=E2E.ImageMessage(mimetype=sent, **FILE)).media
    assert part is not None
    assert kept == part.mime_type


@pytest.mark.parametrize("wrapper", ["viewOnceMessage", "viewOnceMessageV2", "viewOnceMessageV2Extension"])
def test_view_once_is_told_in_each_of_its_wrappers(wrapper: str) -> None:
    inner = E2E.Message(imageMessage=E2E.ImageMessage())
    found = read(**{wrapper: E2E.FutureProofMessage(message=inner)})
    assert ("image", True) == (found.kind, found.view_once)
    assert not read(imageMessage=E2E.ImageMessage()).view_once


def test_view_once_is_told_by_the_flag_of_the_file_and_of_the_engine() -> None:
    assert read(imageMessage=E2E.ImageMessage(viewOnce=True)).view_once
    unwrapped = interpret(E2E.Message(imageMessage=E2E.ImageMessage()), view_once=True, ephemeral=True)
    assert unwrapped is not None
    assert (True, True) == (unwrapped.view_once, unwrapped.ephemeral)


@pytest.mark.parametrize(
    "wrapper", ["ephemeralMessage", "documentWithCaptionMessage", "lottieStickerMessage", "botInvokeMessage"]
)
def test_a_wrapper_is_taken_off(wrapper: str) -> None:
    found = read(**{wrapper: E2E.FutureProofMessage(message=E2E.Message(conversation="deep"))})
    assert ("text", "deep", wrapper == "ephemeralMessage") == (found.kind, found.text, found.ephemeral)


def test_an_edit_in_its_wrapper_is_an_edit() -> None:
    inner = E2E.Message(protocolMessage=edited(E2E.Message(conversation="new")))
    found = read(editedMessage=E2E.FutureProofMessage(message=inner))
    assert ("edit", "new", "T1") == (found.kind, found.text, found.target_id)


def test_an_edit_without_a_target_is_of_its_own_id() -> None:
    found = interpret(E2E.Message(conversation="new"), edit=True)
    assert found is not None
    assert ("edit", "new", "") == (found.kind, found.text, found.target_id)


def test_an_edit_does_not_set_the_timer_and_keeps_its_mentions() -> None:
    context = E2E.ContextInfo(mentionedJID=["900@lid"], expiration=86400)
    after = E2E.Message(extendedTextMessage=E2E.ExtendedTextMessage(text="@900", contextInfo=context))
    found = read(protocolMessage=edited(after))
    assert (("900@lid",), None) == (found.mentions, found.timer)


def test_a_setting_newer_than_this_version_deletes_nothing() -> None:
    newer = E2E.ProtocolMessage(key=KEY).SerializeToString() + b"\x10\xff\x7f"  # type 16383
    assert interpret(E2E.Message(protocolMessage=E2E.ProtocolMessage.FromString(newer))) is None


def test_what_a_message_answers_mentions_and_forwards_is_read() -> None:
    context = E2E.ContextInfo(
        stanzaID="Q1",
        participant="900:12@lid",
        quotedMessage=E2E.Message(imageMessage=E2E.ImageMessage(caption="sea")),
        mentionedJID=["900@lid", "49@s.whatsapp.net", "900:3@lid", "nobody", "\x00@lid"],
        isForwarded=True,
        expiration=86400,
    )
    found = read(videoMessage=E2E.VideoMessage(contextInfo=context))
    assert ("Q1", "sea", "900@lid") == (found.quoted_id, found.quoted_text, found.quoted_by)
    assert ("900@lid", "49@s.whatsapp.net") == found.mentions
    assert (True, 86400, True) == (found.forwarded, found.timer, found.ephemeral)


def test_the_advertisement_behind_a_message_is_read() -> None:
    ad = E2E.ContextInfo.ExternalAdReplyInfo(
        ctwaClid="c1", sourceURL="https://fb.me/x", title="Sale", mediaType=1, showAdAttribution=True
    )
    context = E2E.ContextInfo(externalAdReply=ad)
    found = read(extendedTextMessage=E2E.ExtendedTextMessage(text="hi", contextInfo=context)).referral
    assert found is not None
    assert ("c1", "https://fb.me/x", "Sale", "IMAGE", "", True) == (
        found.ctwa_clid,
        found.source_url,
        found.ad_title,
        found.media_type,
        found.ad_type,
        found.show_ad_attribution,
    )


def test_a_poll_is_read_whole() -> None:
    assert Poll(question="Tea?", options=["yes", "no"], max_answer=1) == read(pollCreationMessage=POLL).poll


@pytest.mark.parametrize(
    ("vcard", "number"),
    [
        (VCARD, "4915112345"),
        ("item1.TEL:+49 (151) 99", "4915199"),
        ("tel;waid=x:12", "12"),
        ("BEGIN:VCARD", ""),
    ],
)
def test_the_number_of_a_contact_is_found(vcard: str, number: str) -> None:
    found = read(contactMessage=E2E.ContactMessage(displayName="B", vcard=vcard)).contacts
    assert (ContactCard(name="B", vcard=vcard, phone_number=number),) == found


def test_a_choice_is_told_by_its_id() -> None:
    reply = E2E.ListResponseMessage.SingleSelectReply(selectedRowID="r1")
    assert "r1" == read(listResponseMessage=E2E.ListResponseMessage(singleSelectReply=reply)).chosen_id


def test_a_timer_setting_is_no_message() -> None:
    setting = E2E.ProtocolMessage(type=E2E.ProtocolMessage.EPHEMERAL_SETTING, ephemeralExpiration=604800)
    wrapped = E2E.Message(
        ephemeralMessage=E2E.FutureProofMessage(message=E2E.Message(protocolMessage=setting))
    )
    assert (None, 604800) == (interpret(wrapped), timer_of(wrapped))


def test_a_mention_in_somebodys_status_is_told() -> None:
    setting = E2E.ProtocolMessage(key=KEY, type=E2E.ProtocolMessage.STATUS_MENTION_MESSAGE)
    inner = E2E.FutureProofMessage(message=E2E.Message(protocolMessage=setting))
    assert "status_mention" == read(statusMentionMessage=inner).kind


def test_text_that_is_not_utf8_is_read_as_well_as_it_can_be() -> None:
    message = E2E.Message.FromString(b"\x0a\x03a\xffb")
    assert "a\N{REPLACEMENT CHARACTER}b" == text_of(message)
