"""What phones send through everything: the sandbox, neonize, the shard, the webhook, and the file's link."""

import hashlib
import re
from typing import Any

import pytest

from tests import samples
from tests.harness import Answer
from tests.processes.conftest import World, ask
from wagateway.commands import sandbox

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def send(world: World, **content: Any) -> str:
    """Carol sends Alice a message of any kind; its id."""
    command = sandbox.PhoneSendMessage(phone=world.carol_number, to=world.alice_number, content=content)
    return (await ask(world, command)).ids[0]


async def send_file(world: World, kind: str, data: bytes, **options: Any) -> str:
    command = sandbox.PhoneSendMedia(
        phone=world.carol_number,
        to=world.alice_number,
        kind=kind,  # type: ignore[arg-type]
        data=data,
        **options,
    )
    return (await ask(world, command)).ids[0]


async def event(world: World, message_id: str, kind: str = "message") -> dict[str, Any]:
    """The payload of Alice's event about the message."""

    def found() -> list[dict[str, Any]]:
        return [
            one["payload"]
            for one in world.sink.events(kind)
            if one["session_id"] == world.alice
            and message_id in (one["payload"].get("id"), one["payload"].get("message_id"))
        ]

    await world.sink.until(lambda _: bool(found()))
    return found()[0]


async def row(world: World, message_id: str) -> dict[str, Any]:
    page = await world.gateway.call("GET", f"/chat/{world.carol_number}/messages", world.alice)
    rows: list[dict[str, Any]] = page.result["data"]
    return next(one for one in rows if one["id"] == message_id)


async def statics(world: World, path: str, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await world.gateway.call("GET", "/" + path, headers=named)


PLAIN: list[tuple[dict[str, Any], str, str]] = [
    ({"extendedTextMessage": {"text": "see https://example.org"}}, "text", "see https://example.org"),
    ({"locationMessage": {"degreesLatitude": 1.5, "degreesLongitude": -2.25}}, "location", "1.5, -2.25"),
    ({"liveLocationMessage": {"degreesLatitude": 1.5, "degreesLongitude": 2.5}}, "live_location", "1.5, 2.5"),
    (
        {"contactMessage": {"displayName": "Ann", "vcard": "BEGIN:VCARD\nTEL;waid=62811:+62811\nEND:VCARD"}},
        "contact",
        "Ann",
    ),
    (
        {
            "contactsArrayMessage": {
                "displayName": "2",
                "contacts": [{"displayName": "Ann"}, {"displayName": "Bo"}],
            }
        },
        "contacts",
        "Bo",
    ),
    (
        {"buttonsResponseMessage": {"selectedButtonID": "1", "selectedDisplayText": "Yes please", "type": 1}},
        "buttons_reply",
        "Yes please",
    ),
    (
        {"listResponseMessage": {"title": "Large", "singleSelectReply": {"selectedRowID": "l"}}},
        "list_reply",
        "Large",
    ),
]


@pytest.mark.parametrize(("content", "kind", "text"), PLAIN, ids=[kind for _, kind, _ in PLAIN])
async def test_each_kind_is_told_and_stored(
    world: World, content: dict[str, Any], kind: str, text: str
) -> None:
    sent = await send(world, **content)
    payload = await event(world, sent)
    assert (kind, sent, f"{world.carol_number}@s.whatsapp.net", False) == (
        payload["kind"],
        payload["message_id"],
        payload["chat_jid"],
        payload["is_from_me"],
    )
    assert payload["from_lid"].endswith("@lid")
    assert payload["chat_lid"].endswith("@lid")
    kept = await row(world, sent)
    assert kind == kept["kind"]
    assert text in kept["content"]
    found = await world.gateway.call(
        "GET", f"/chat/{world.carol_number}/messages", world.alice, params={"search": text}
    )
    assert sent in [one["id"] for one in found.result["data"]]


FILES: list[tuple[str, bytes, dict[str, Any], str]] = [
    ("image", samples.jpeg(), {"caption": "look"}, "image"),
    ("video", samples.video("libx264", "mp4"), {}, "video"),
    ("video_note", samples.video("libx264", "mp4", 8), {}, "video_note"),
    ("audio", samples.wav(0.5), {"mime_type": "audio/wav"}, "audio"),
    ("voice_note", samples.wav(0.4), {}, "audio"),
    ("document", samples.PDF, {"filename": "../../bad\u202e.html", "mime_type": "text/html"}, "document"),
    ("sticker", samples.png(), {"mime_type": "image/webp"}, "sticker"),
]


@pytest.mark.parametrize(("kind", "data", "options", "key"), FILES, ids=[kind for kind, *_ in FILES])
async def test_each_file_is_named_at_once_and_served_when_it_is_there(
    world: World, kind: str, data: bytes, options: dict[str, Any], key: str
) -> None:
    sent = await send_file(world, kind, data, **options)
    payload = await event(world, sent)
    digest = hashlib.sha256(data).hexdigest()
    assert (kind, digest) == (payload["kind"], payload["media"]["id"])
    told = payload[key]
    path = told["path"] if isinstance(told, dict) else told
    assert re.fullmatch(rf"statics/media/[0-9a-f]+/{digest}\.[a-z0-9]+", path), path
    ready = await event(world, sent, "media.ready")
    assert (digest, path) == (ready["media_id"], ready["path"])
    got = await statics(world, path)
    assert (200, data) == (got.status, got.body)
    assert "nosniff" == got.headers["X-Content-Type-Options"]
    assert got.headers["Content-Disposition"].startswith("attachment")
    assert "html" not in got.headers["Content-Type"]
    answer = await world.gateway.call(
        "GET", f"/message/{sent}/download", world.alice, params={"phone": world.carol_number}
    )
    assert (200, len(data)) == (answer.status, answer.result["file_size"]), answer.body


async def test_a_file_that_is_there_is_told_for_every_message(world: World) -> None:
    first = await send_file(world, "image", samples.jpeg(seed=21))
    await event(world, first, "media.ready")
    again = await send_file(world, "image", samples.jpeg(seed=21))
    assert (
        hashlib.sha256(samples.jpeg(seed=21)).hexdigest()
        == (await event(world, again, "media.ready"))["media_id"]
    )


async def test_what_is_revoked_is_not_edited_any_more(world: World) -> None:
    original = await send(world, conversation="first")
    await event(world, original)
    chat = {"phone": world.carol_number, "chat": world.alice_number, "message_id": original}
    revoked = (await ask(world, sandbox.PhoneRevoke(**chat))).ids[0]
    await event(world, revoked, "message.revoked")
    await ask(world, sandbox.PhoneEdit(**chat, text="late"))
    await event(world, await send(world, conversation="after the late edit"))
    assert ("first", True) == (
        (await row(world, original))["content"],
        (await row(world, original))["is_revoked"],
    )


async def test_huge_texts_stay_within_what_a_link_carries(world: World) -> None:
    for _ in range(30):
        last = await send(world, conversation="€" * 200_000)
    assert 65536 == len((await event(world, last))["body"])
    page = await world.gateway.call(
        "GET", f"/chat/{world.carol_number}/messages", world.alice, params={"limit": "100"}
    )
    assert (200, 65536) == (page.status, len(page.result["data"][0]["content"]))
    assert 200 == (await world.gateway.send(world.alice, world.carol_number, "still here")).status


async def test_a_signed_link_needs_no_credentials_and_cannot_be_changed(world: World) -> None:
    sent = await send_file(world, "image", samples.jpeg(seed=3))
    await event(world, sent, "media.ready")
    answer = await world.gateway.call(
        "GET", f"/message/{sent}/download", world.alice, params={"phone": world.carol_number}
    )
    link: str = answer.result["file_url"]
    async with world.gateway.http.get(link) as response:
        assert (200, samples.jpeg(seed=3)) == (response.status, await response.read())
    async with world.gateway.http.get(link[:-1] + ("0" if link[-1] != "0" else "1")) as response:
        assert 403 == response.status


async def test_a_dead_link_is_told_and_harms_nothing(world: World) -> None:
    sent = await send_file(world, "image", samples.jpeg(seed=4), lost=True)
    assert "image" == (await event(world, sent))["kind"]
    failed = await event(world, sent, "media.failed")
    assert hashlib.sha256(samples.jpeg(seed=4)).hexdigest() == failed["media_id"]
    answer = await world.gateway.call(
        "GET", f"/message/{sent}/download", world.alice, params={"phone": world.carol_number}
    )
    assert (410, "MEDIA_EXPIRED") == (answer.status, answer.body["code"])


async def test_a_download_that_fails_is_tried_again(world: World) -> None:
    await ask(world, sandbox.MediaFaults(download_failures=1, status=503))
    sent = await send_file(world, "image", samples.jpeg(seed=5))
    assert (await event(world, sent, "media.ready"))["size"] == len(samples.jpeg(seed=5))


async def test_w37_a_slow_media_host_does_not_delay_the_event(world: World) -> None:
    await ask(world, sandbox.MediaFaults(delay=1.0))
    try:
        sent = await send_file(world, "image", samples.jpeg(seed=6))
        payload = await event(world, sent)
        assert not [one for one in world.sink.events("media.ready") if one["payload"]["message_id"] == sent]
        got = await statics(world, payload["image"])  # waits for the file
        assert (200, samples.jpeg(seed=6)) == (got.status, got.body)
    finally:
        await ask(world, sandbox.MediaFaults())


async def test_view_once_forwarded_quoted_and_mentions_are_told(world: World) -> None:
    first = await send(world, conversation="the first")
    context = {
        "stanzaID": first,
        "participant": f"{world.carol_number}@s.whatsapp.net",
        "quotedMessage": {"conversation": "the first"},
        "isForwarded": True,
        "forwardingScore": 1,
        "mentionedJID": [f"{world.alice_number}@s.whatsapp.net"],
        "expiration": 86400,
    }
    sent = await send(world, extendedTextMessage={"text": "@me", "contextInfo": context})
    payload = await event(world, sent)
    assert (first, "the first", True) == (
        payload["replied_to_id"],
        payload["quoted_body"],
        payload["forwarded"],
    )
    assert [f"{world.alice_number}@s.whatsapp.net"] == [one["jid"] for one in payload["mentions"]]
    once = await send_file(world, "image", samples.jpeg(seed=8), view_once=True)
    assert (await event(world, once))["view_once"] is True


async def test_a_reaction_and_its_end(world: World) -> None:
    target = (await world.gateway.send(world.alice, world.carol_number, "like it?")).result["message_id"]
    for emoji in ("👍", ""):
        command = sandbox.PhoneReact(
            phone=world.carol_number, chat=world.alice_number, message_id=target, emoji=emoji
        )
        sent = (await ask(world, command)).ids[0]
        payload = await event(world, sent, "message.reaction")
        assert (emoji, target) == (payload["reaction"], payload["reacted_message_id"])


async def test_an_edit_changes_what_is_stored(world: World) -> None:
    original = await send(world, conversation="teh text")
    await event(world, original)
    command = sandbox.PhoneEdit(
        phone=world.carol_number, chat=world.alice_number, message_id=original, text="the text"
    )
    sent = (await ask(world, command)).ids[0]
    payload = await event(world, sent, "message.edited")
    assert (original, "the text") == (payload["original_message_id"], payload["body"])
    kept = await row(world, original)
    assert ("the text", True) == (kept["content"], kept["is_edited"])


async def test_a_revoke_marks_what_is_stored(world: World) -> None:
    original = await send(world, conversation="oops")
    await event(world, original)
    command = sandbox.PhoneRevoke(phone=world.carol_number, chat=world.alice_number, message_id=original)
    sent = (await ask(world, command)).ids[0]
    assert original == (await event(world, sent, "message.revoked"))["revoked_message_id"]
    assert (await row(world, original))["is_revoked"] is True


async def test_w14_polls_of_others_and_their_votes(world: World) -> None:
    command = sandbox.PhonePoll(
        phone=world.carol_number, to=world.alice_number, question="when?", options=["now", "later"]
    )
    poll = (await ask(world, command)).ids[0]
    payload = await event(world, poll)
    assert ("poll", "when?", ["now", "later"]) == (
        payload["kind"],
        payload["poll"]["question"],
        payload["poll"]["options"],
    )
    vote = sandbox.PhoneVote(
        phone=world.carol_number, chat=world.alice_number, message_id=poll, options=["later"]
    )
    sent = (await ask(world, vote)).ids[0]
    assert ["later"] == (await event(world, sent, "poll.vote"))["poll_vote"]["options"]
    assert "later" == (await row(world, sent))["content"]


async def test_a_newsletter_post_of_others_arrives(world: World) -> None:
    made = await ask(
        world,
        sandbox.CreateNewsletter(phone=world.carol_number, name="Carol's", followers=[world.alice_number]),
    )
    post = sandbox.PhoneSendText(phone=world.carol_number, to=made.jid, text="news of the day")
    payload = await event(world, (await ask(world, post)).ids[0])
    assert (made.jid, "news of the day") == (payload["chat_id"], payload["body"])


async def test_a_status_post_is_stored_and_not_told_to_hooks(world: World) -> None:
    contact = sandbox.Contact(phone=world.alice_number, name="Alice")
    await ask(world, sandbox.AddContacts(phone=world.carol_number, contacts=[contact]))
    status = sandbox.PhoneSendText(phone=world.carol_number, to="status@broadcast", text="my day")
    posted = (await ask(world, status)).ids[0]
    await event(world, await send(world, conversation="after the status"))
    page = await world.gateway.call("GET", "/chat/status@broadcast/messages", world.alice)
    assert [(posted, "my day", f"{world.carol_number}@s.whatsapp.net")] == [
        (one["id"], one["content"], one["sender_jid"]) for one in page.result["data"] if one["id"] == posted
    ]
    assert posted not in [one["payload"].get("id") for one in world.sink.events()]


async def test_a_group_message_names_its_author_by_both_identities(world: World) -> None:
    group = await ask(
        world,
        sandbox.PhoneCreateGroup(phone=world.carol_number, subject="Kinds", members=[world.alice_number]),
    )
    command = sandbox.PhoneSendMedia(
        phone=world.carol_number, to=group.jid, kind="image", data=samples.jpeg(seed=13), caption="all of us"
    )
    payload = await event(world, (await ask(world, command)).ids[0])
    assert (group.jid, f"{world.carol_number}@s.whatsapp.net", "all of us") == (
        payload["chat_id"],
        payload["from"],
        payload["body"],
    )
    assert payload["from_lid"].endswith("@lid")


async def test_what_the_owner_sends_from_the_phone_is_ours(world: World) -> None:
    own = sandbox.PhoneSendText(phone=world.alice_number, to=world.carol_number, text="from my phone")
    sent = (await ask(world, own)).ids[0]
    assert (await event(world, sent))["is_from_me"] is True
    assert "from my phone" == (await row(world, sent))["content"]


async def test_files_survive_a_kill_in_the_middle_of_a_download(world: World) -> None:
    await ask(world, sandbox.MediaFaults(delay=3.0))
    sent = await send_file(world, "image", samples.jpeg(seed=9))
    await event(world, sent)
    await world.gateway.kill_worker(world.alice)
    await ask(world, sandbox.MediaFaults())
    await world.gateway.logged_in(world.alice)
    assert len(samples.jpeg(seed=9)) == (await event(world, sent, "media.ready"))["size"]
