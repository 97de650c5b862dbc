"""Every send route: HTTP, conversion, upload, neonize, a phone of the sandbox, and its receipts."""

import asyncio
import hashlib
import zlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from tests import samples
from tests.harness import Answer, Endpoint
from tests.processes.conftest import World
from wagateway.commands import sandbox
from wagateway.commands.sandbox import InboxMessage

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def post(world: World, path: str, **fields: Any) -> Answer:
    """A JSON request to Carol."""
    body = {"phone": world.carol_number, **fields}
    return await world.gateway.call("POST", path, world.alice, json=body)


async def upload(world: World, path: str, field: str, name: str, data: bytes, **fields: str) -> Answer:
    """A multipart request to Carol."""
    form = aiohttp.FormData(quote_fields=False)  # names in UTF-8, as browsers and curl write them
    form.add_field("phone", world.carol_number)
    form.add_field(field, data, filename=name)
    for key, value in fields.items():
        form.add_field(key, value)
    return await world.gateway.call("POST", path, world.alice, data=form)


async def got(world: World, sent: Answer) -> InboxMessage:
    """What Carol's phone made of it."""
    assert sent.status == 200, sent.body
    assert sent.result["status"] == sent.body["message"]
    wanted = sent.result["message_id"]
    after = 0
    while True:
        page = await world.gateway.sandbox.ask(
            sandbox.Inbox(phone=world.carol_number, after=after, wait=10), 15
        )
        for message in page.messages:
            if message.id == wanted:
                return message
        assert page.messages, f"{wanted} did not arrive"
        after = page.total


async def stored(world: World, sent: Answer) -> dict[str, Any]:
    """The row that the gateway keeps of it."""
    page = await world.gateway.call("GET", f"/chat/{world.carol_number}/messages", world.alice)
    rows: list[dict[str, Any]] = page.result["data"]
    return next(row for row in rows if row["id"] == sent.result["message_id"])


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


async def test_w18_an_image_as_it_is_reaches_the_phone_byte_for_byte(world: World) -> None:
    picture = samples.jpeg()
    sent = await upload(
        world,
        "/send/image",
        "image",
        "cat.jpg",
        picture,
        caption="my cat",
        compress="false",
        view_once="true",
    )
    message = await got(world, sent)
    image = message.message["imageMessage"]
    assert ("imageMessage", "my cat", digest(picture)) == (message.kind, message.text, message.media_id)
    assert (640, 480, True, "image/jpeg") == (
        image["width"],
        image["height"],
        image["viewOnce"],
        image["mimetype"],
    )
    assert image["JPEGThumbnail"]
    row = await stored(world, sent)
    assert ("image", "my cat", digest(picture), len(picture)) == (
        row["kind"],
        row["content"],
        row["media_id"],
        row["file_length"],
    )
    assert row["status"] in ("server", "delivered")


async def test_compress_is_the_default_for_images(world: World) -> None:
    sent = await upload(world, "/send/image", "image", "cat.jpg", samples.jpeg(1200, 900, quality=80))
    image = (await got(world, sent)).message["imageMessage"]
    assert (600, 450) == (image["width"], image["height"])


async def test_a_document_keeps_its_name_and_bytes(world: World) -> None:
    sent = await upload(world, "/send/file", "file", "réport.pdf", samples.PDF, caption="read this")
    message = await got(world, sent)
    assert sent.result["status"].startswith("Document sent to 628111000003@s.whatsapp.net (server timestamp")
    assert ("read this", digest(samples.PDF)) == (message.text, message.media_id)
    document = message.message["documentWithCaptionMessage"]["message"]["documentMessage"]
    assert ("réport.pdf", "application/pdf", 1) == (
        document["fileName"],
        document["mimetype"],
        document["pageCount"],
    )
    assert "réport.pdf" == (await stored(world, sent))["filename"]


async def test_any_video_becomes_an_mp4(world: World) -> None:
    sent = await upload(world, "/send/video", "video", "film.avi", samples.video(), gif_playback="true")
    video = (await got(world, sent)).message["videoMessage"]
    assert ("video/mp4", 160, 120, 1, True) == (
        video["mimetype"],
        video["width"],
        video["height"],
        video["seconds"],
        video["gifPlayback"],
    )


async def test_any_audio_becomes_a_voice_note(world: World) -> None:
    sent = await upload(world, "/send/audio", "audio", "note.wav", samples.wav(), ptt="true")
    message = await got(world, sent)
    audio = message.message["audioMessage"]
    assert ("audio/ogg; codecs=opus", True, 1) == (audio["mimetype"], audio["PTT"], audio["seconds"])
    assert audio["waveform"]
    assert "" != message.media_id == (await stored(world, sent))["media_id"]


async def test_a_gif_becomes_an_animated_sticker(world: World) -> None:
    sent = await upload(world, "/send/sticker", "sticker", "wave.gif", samples.gif())
    sticker = (await got(world, sent)).message["stickerMessage"]
    assert ("image/webp", 512, 512, True) == (
        sticker["mimetype"],
        sticker["width"],
        sticker["height"],
        sticker["isAnimated"],
    )
    assert sent.result["status"].startswith("Animated sticker sent to ")


async def test_a_contact_card(world: World) -> None:
    sent = await post(world, "/send/contact", contact_name="Ann; Lee", contact_phone="+62 811-1000-009")
    contact = (await got(world, sent)).message["contactMessage"]
    assert "Ann; Lee" == contact["displayName"]
    assert "TEL;type=CELL;waid=6281110000" in contact["vcard"]


async def test_a_location_in_texts_as_the_real_server_wants_it(world: World) -> None:
    sent = await post(world, "/send/location", latitude="-7.797068", longitude="110.370529")
    place = (await got(world, sent)).message["locationMessage"]
    assert (-7.797068, 110.370529) == (place["degreesLatitude"], place["degreesLongitude"])
    assert "-7.797068, 110.370529" == (await stored(world, sent))["content"]


async def test_a_poll_and_the_votes_on_it(world: World) -> None:
    options = ["tea", "coffee", "water"]
    sent = await post(world, "/send/poll", question="What to drink?", options=options, max_answer=2)
    poll = (await got(world, sent)).message["pollCreationMessage"]
    assert options == [option["optionName"] for option in poll["options"]]
    assert 2 == poll["selectableOptionsCount"]
    vote = sandbox.PhoneVote(
        phone=world.carol_number,
        chat=world.alice_number,
        message_id=sent.result["message_id"],
        options=["coffee", "water"],
    )
    seen = len(world.sink.events("poll.vote"))
    await world.gateway.sandbox.ask(vote, 10)
    await world.sink.until(lambda sink: len(sink.events("poll.vote")) > seen)
    payload = world.sink.events("poll.vote")[-1]["payload"]
    assert ["coffee", "water"] == payload["poll_vote"]["options"]
    assert sent.result["message_id"] == payload["poll_vote"]["poll_message_id"]


async def test_presence_and_recording(world: World) -> None:
    await world.gateway.table.until(lambda rows: rows[world.alice].display_name != "", 20)
    online = await world.gateway.call("POST", "/send/presence", world.alice, json={"type": "available"})
    assert (200, "presence") == (online.status, online.result["message_id"]), online.body
    for action in ("start", "recording", "stop"):
        shown = await post(world, "/send/chat-presence", action=action)
        assert (200, f"chat-presence-{action}") == (shown.status, shown.result["message_id"]), shown.body


PAGE = """<html><head><title>Plain</title><meta property="og:title" content="A page">
<meta property="og:description" content="about it"><meta property="og:image" content="/cat.jpg">
</head></html>"""


@pytest_asyncio.fixture(loop_scope="session")
async def pages(world: World) -> AsyncIterator[str]:
    """A web server at the one private address that the gateway may fetch from."""

    async def page(request: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")

    async def file(request: web.Request) -> web.Response:
        kinds = {"/cat.jpg": samples.jpeg(seed=11), "/note.wav": samples.wav(0.5), "/a.pdf": samples.PDF}
        return web.Response(body=kinds[request.path], content_type="application/octet-stream")

    async def away(request: web.Request) -> web.Response:
        raise web.HTTPFound(f"http://127.0.0.1:{world.pages_port}/cat.jpg")

    application = web.Application()
    application.router.add_get("/page", page)
    application.router.add_get("/away.jpg", away)
    application.router.add_get("/{name}", file)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    for host in ("127.0.0.1", "127.0.0.2"):
        await web.TCPSite(runner, host, world.pages_port).start()
    yield f"http://127.0.0.2:{world.pages_port}"
    await runner.cleanup()


async def test_files_by_url(world: World, pages: str) -> None:
    image = await got(world, await post(world, "/send/image", image_url=f"{pages}/cat.jpg", compress=False))
    assert ("imageMessage", digest(samples.jpeg(seed=11))) == (image.kind, image.media_id)
    document = await got(world, await post(world, "/send/file", file_url=f"{pages}/a.pdf"))
    assert ("a.pdf", digest(samples.PDF)) == (
        document.message["documentMessage"]["fileName"],
        document.media_id,
    )
    form = aiohttp.FormData({"phone": world.carol_number, "audio_url": f"{pages}/note.wav", "ptt": "true"})
    voice = await world.gateway.call("POST", "/send/audio", world.alice, data=form)  # urlencoded
    assert (await got(world, voice)).message["audioMessage"]["PTT"] is True


async def test_a_link_has_the_preview_of_its_page(world: World, pages: str) -> None:
    sent = await post(world, "/send/link", link=f"{pages}/page", caption="look")
    text = (await got(world, sent)).message["extendedTextMessage"]
    assert (f"look\n{pages}/page", "A page", "about it", f"{pages}/page") == (
        text["text"],
        text["title"],
        text["description"],
        text["matchedText"],
    )
    assert text["JPEGThumbnail"]
    assert text["thumbnailDirectPath"]


async def test_w29_a_private_address_is_not_fetched_not_even_by_redirect(world: World, pages: str) -> None:
    for link in (pages.replace("127.0.0.2", "127.0.0.1") + "/cat.jpg", f"{pages}/away.jpg"):
        for path, field in (("/send/image", "image_url"), ("/send/file", "file_url"), ("/send/link", "link")):
            answer = await post(world, path, **{field: link, "caption": "x"})
            assert (400, "URL_NOT_ALLOWED") == (answer.status, answer.body["code"]), answer.body


async def test_forwarding_marks_and_keeps_the_file(world: World) -> None:
    picture = samples.jpeg(seed=7)
    sent = await upload(world, "/send/image", "image", "a.jpg", picture, compress="false", caption="once")
    path = f"/message/{sent.result['message_id']}/forward"
    for force in (False, True):
        message = await got(world, await post(world, path, force_reupload=force))
        context = message.message["imageMessage"]["contextInfo"]
        assert (digest(picture), "once", True) == (message.media_id, message.text, context["isForwarded"])


async def test_what_is_not_stored_cannot_be_forwarded(world: World) -> None:
    answer = await post(world, "/message/3EB0NOTHING/forward")
    assert (404, "MESSAGE_NOT_FOUND") == (answer.status, answer.body["code"])


@pytest.mark.parametrize(
    ("path", "fields", "named"),
    [
        ("/send/image", {}, "image"),
        ("/send/image", {"image": "cat.jpg"}, "image"),
        ("/send/location", {"latitude": "91", "longitude": "0"}, "latitude"),
        ("/send/location", {"latitude": "north", "longitude": "0"}, "latitude"),
        ("/send/poll", {"question": "?", "options": ["a", "a"], "max_answer": 1}, "options"),
        ("/send/poll", {"question": "?", "options": ["a", " "], "max_answer": 1}, "options"),
        ("/send/poll", {"question": "?", "options": ["a"], "max_answer": 2}, "max_answer"),
        ("/send/contact", {"contact_name": "Ann", "contact_phone": "0811"}, "contact_phone"),
        ("/send/link", {"link": "ftp://example.org/", "caption": "x"}, "link"),
        ("/send/chat-presence", {"action": "dance"}, "action"),
        ("/send/chat-presence", {"action": "start", "phone": "status@broadcast"}, "phone"),
        ("/send/link", {"link": "notaurl", "caption": "x"}, "link"),
        ("/send/message", {"message": "x", "duration": 5}, "duration"),
    ],
)
async def test_what_cannot_be_sent_is_a_clear_400(
    world: World, path: str, fields: dict[str, Any], named: str
) -> None:
    answer = await post(world, path, **fields)
    assert 400 == answer.status, answer.body
    assert named in answer.body["message"]


async def test_a_picture_that_is_a_bomb_costs_one_request(world: World) -> None:
    before = world.gateway.table.rows[world.alice].pid
    rows = zlib.compress(b"\0" * (30_000 * 30_000 // 8 // 100) * 100, 9)
    answer = await upload(world, "/send/image", "image", "bomb.png", samples.png_of(30_000, 30_000, rows))
    assert (400, "VALIDATION_ERROR") == (answer.status, answer.body["code"]), answer.body
    assert before == world.gateway.table.rows[world.alice].pid
    assert 200 == (await post(world, "/send/message", message="still here")).status


async def test_a_worker_that_is_killed_in_an_upload_leaves_nothing(world: World) -> None:
    counts = await world.gateway.sandbox.ask(sandbox.MediaCounts(), 10)
    await world.gateway.sandbox.ask(sandbox.MediaFaults(delay=30), 10)
    sending = asyncio.create_task(upload(world, "/send/file", "file", "slow.bin", b"slow" * 1000))
    try:
        await world.gateway.sandbox.ask(sandbox.MediaCounts(begun=counts.begun + 1, wait=10), 15)
        await world.gateway.kill_worker(world.alice)
        answer = await sending
        assert (503, "DEVICE_UNAVAILABLE") == (answer.status, answer.body["code"])
    finally:
        await world.gateway.sandbox.ask(sandbox.MediaFaults(), 10)
        await world.gateway.logged_in(world.alice)
    assert [] == list((world.gateway.storage / "spool").iterdir())
    assert [] == list(world.gateway.storage.glob("devices/*/tmp/*"))
    assert 200 == (await upload(world, "/send/file", "file", "slow.bin", b"slow" * 1000)).status


async def test_our_own_file_can_be_downloaded(world: World) -> None:
    sent = await upload(world, "/send/file", "file", "mine.txt", b"this is mine")
    path = f"/message/{sent.result['message_id']}/download"
    answer = await world.gateway.call("GET", path, world.alice, params={"phone": world.carol_number})
    assert 200 == answer.status, answer.body
    async with world.gateway.http.get(answer.result["file_url"]) as response:
        assert b"this is mine" == await response.read()


async def test_a_status_post_reaches_contacts(world: World) -> None:
    contact = sandbox.Contact(phone=world.carol_number, name="Carol")
    await world.gateway.sandbox.ask(sandbox.AddContacts(phone=world.alice_number, contacts=[contact]), 10)
    for _ in range(10):  # the device fetches its new contacts in its own time, and tells nobody
        body = {"phone": "status@broadcast", "message": "my status"}
        sent = await world.gateway.call("POST", "/send/message", world.alice, json=body)
        assert 200 == sent.status, sent.body
        after = (await world.gateway.sandbox.ask(sandbox.Inbox(phone=world.carol_number), 10)).total
        page = await world.gateway.sandbox.ask(
            sandbox.Inbox(phone=world.carol_number, after=max(after - 1, 0), wait=0.3), 15
        )
        if [message for message in page.messages if message.chat == "status@broadcast"]:
            return
    raise AssertionError("no status arrived")


async def test_text_and_a_picture_reach_a_newsletter(world: World) -> None:
    made = await world.gateway.sandbox.ask(
        sandbox.CreateNewsletter(phone=world.alice_number, name="News", followers=[world.carol_number]), 10
    )
    text = await world.gateway.call(
        "POST", "/send/message", world.alice, json={"phone": made.jid, "message": "breaking"}
    )
    assert "breaking" == (await got(world, text)).text
    form = aiohttp.FormData({"phone": made.jid, "compress": "false"})
    form.add_field("image", samples.jpeg(seed=12), filename="n.jpg")
    picture = await got(world, await world.gateway.call("POST", "/send/image", world.alice, data=form))
    assert ("imageMessage", digest(samples.jpeg(seed=12))) == (picture.kind, picture.media_id)
    # A file for a newsletter is not encrypted, so between it and anywhere else it is uploaded anew.
    forwarded = await got(world, await post(world, f"/message/{picture.id}/forward"))
    assert digest(samples.jpeg(seed=12)) == forwarded.media_id
    assert forwarded.message["imageMessage"]["mediaKey"]
    path = f"/message/{forwarded.id}/forward"
    back = await world.gateway.call("POST", path, world.alice, json={"phone": made.jid})
    image = (await got(world, back)).message["imageMessage"]
    assert "mediaKey" not in image
    assert "fileEncSHA256" not in image
    path = f"/message/{picture.id}/download"
    answer = await world.gateway.call("GET", path, world.alice, params={"phone": made.jid})
    assert (200, len(samples.jpeg(seed=12))) == (answer.status, answer.result["file_size"])


async def test_files_that_are_none_are_refused(world: World) -> None:
    for path, field in (
        ("/send/image", "image"),
        ("/send/video", "video"),
        ("/send/audio", "audio"),
        ("/send/sticker", "sticker"),
    ):
        answer = await upload(world, path, field, "x.jpg", b"this is no media at all" * 10)
        assert (400, "VALIDATION_ERROR") == (answer.status, answer.body["code"]), answer.body
        assert field in answer.body["message"]


async def test_receipts_move_the_state_and_are_told(world: World) -> None:
    def acks(sink: Endpoint) -> list[dict[str, Any]]:
        return [
            event["payload"] for event in sink.events("message.ack") if sent_id in event["payload"]["ids"]
        ]

    sent = await post(world, "/send/message", message="are you there?")
    sent_id = sent.result["message_id"]
    await world.sink.until(lambda sink: len(acks(sink)) == 1)
    assert "delivered" == acks(world.sink)[0]["receipt_type"]
    await world.gateway.sandbox.ask(sandbox.MarkRead(phone=world.carol_number, ids=[sent_id]), 10)
    await world.sink.until(lambda sink: len(acks(sink)) == 2)
    assert "read" == acks(world.sink)[1]["receipt_type"]
    state = await world.gateway.call("GET", f"/message/{sent_id}/status", world.alice)
    assert "read" == state.result["status"] == (await stored(world, sent))["status"]
    assert [f"{world.carol_number}@s.whatsapp.net"] == [one["jid"] for one in state.result["recipients"]]


async def test_a_refused_send_is_kept_with_its_reason(world: World) -> None:
    await world.gateway.sandbox.ask(sandbox.RejectSends(phone=world.alice_number, count=1, error=463), 10)
    answer = await post(world, "/send/message", message="spam?")
    assert (429, "WA_REACHOUT_TIMELOCK") == (answer.status, answer.body["code"])
    state = await world.gateway.call(
        "GET", f"/message/{answer.body['results']['message_id']}/status", world.alice
    )
    assert "failed" == state.result["status"]
    assert "463" in state.result["reason"]


async def test_an_upload_that_whatsapp_does_not_take_sends_nothing(world: World) -> None:
    await world.gateway.sandbox.ask(sandbox.MediaFaults(upload_failures=1), 10)
    answer = await upload(world, "/send/file", "file", "a.txt", b"hello")
    assert (502, "UPLOAD_MEDIA_ERROR") == (answer.status, answer.body["code"])
    assert 200 == (await upload(world, "/send/file", "file", "a.txt", b"hello")).status


async def test_the_same_file_with_the_same_key_is_sent_once(world: World) -> None:
    answers = []
    for _ in range(2):
        form = aiohttp.FormData({"phone": world.carol_number})
        form.add_field("file", b"only once", filename="a.txt")
        answers.append(
            await world.gateway.call(
                "POST", "/send/file", world.alice, data=form, headers={"Idempotency-Key": "file-1"}
            )
        )
    assert [200, 200] == [answer.status for answer in answers]
    assert answers[0].body == answers[1].body


async def test_nothing_is_left_of_the_files(world: World) -> None:
    await upload(world, "/send/audio", "audio", "note.wav", samples.wav(), ptt="true")
    assert [] == list((world.gateway.storage / "spool").iterdir())
    assert [] == list(world.gateway.storage.glob("devices/*/tmp/*"))
