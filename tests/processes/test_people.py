"""People, the account itself and newsletters through everything: HTTP, worker, neonize and the sandbox."""

import aiohttp
import pytest

from tests import samples
from tests.processes.conftest import World, get, post
from wagateway.commands import sandbox

pytestmark = pytest.mark.asyncio(loop_scope="session")

MISSING = "628999999999"


async def test_what_whatsapp_tells_of_somebody(world: World) -> None:
    info = await get(world, "/user/info", phone=world.bob_number)
    assert 200 == info.status, info.body
    (facts,) = info.result["data"]
    assert "Hey there! I am using WhatsApp." == facts["status"] == info.result["status"]
    assert world.bob_number in {one["User"] for one in facts["devices"]} | {
        info.result["resolved_phone"].partition("@")[0]
    }
    assert info.result["resolved_lid"].endswith("@lid")
    missing = await get(world, "/user/info", phone=MISSING)
    assert 404 == missing.status


async def test_a_number_is_checked(world: World) -> None:
    assert (await get(world, "/user/check", phone=world.carol_number)).result["is_on_whatsapp"]
    assert not (await get(world, "/user/check", phone=MISSING)).result["is_on_whatsapp"]


async def test_both_identities_of_somebody_are_found_by_either(world: World) -> None:
    by_phone = (await get(world, "/user/lid", phone=world.carol_number)).result
    assert f"{world.carol_number}@s.whatsapp.net" == by_phone["phone"]
    by_lid = (await get(world, "/user/lid", phone=by_phone["lid"])).result
    assert by_phone == by_lid


async def test_the_own_picture_and_that_of_somebody_without(world: World) -> None:
    form = aiohttp.FormData()
    form.add_field("avatar", samples.jpeg(800, 600), filename="me.jpg")
    changed = await world.gateway.call("POST", "/user/avatar", world.alice, data=form)
    assert (200, "Success change avatar") == (changed.status, changed.body["message"]), changed.body
    seen = await world.gateway.call("GET", "/user/avatar", world.bob, params={"phone": world.alice_number})
    assert 200 == seen.status, seen.body
    assert seen.result["url"].startswith("https://")
    none = await get(world, "/user/avatar", phone=world.carol_number)
    assert 404 == none.status


async def test_the_own_name_is_seen_by_others(world: World) -> None:
    named = await post(world, "/user/pushname", push_name="Alice the Great")
    assert 200 == named.status, named.body
    sent = await world.gateway.send(world.alice, world.bob_number, "who am I?")
    await world.sink.until(
        lambda sink: any(one["payload"]["id"] == sent.result["message_id"] for one in sink.events())
    )
    (event,) = [one for one in world.sink.events() if one["payload"]["id"] == sent.result["message_id"]]
    assert "Alice the Great" == event["payload"]["from_name"]


async def test_privacy_is_told_and_changed(world: World) -> None:
    told = await get(world, "/user/my/privacy")
    assert "all" == told.result["group_add"] == told.result["last_seen"]
    changed = await post(world, "/user/my/privacy", name="last_seen", value="contacts")
    assert (200, "contacts") == (changed.status, changed.result["last_seen"]), changed.body
    await post(world, "/user/my/privacy", name="last_seen", value="all")


async def test_contacts_have_names(world: World) -> None:
    book = sandbox.AddContacts(
        phone=world.alice_number, contacts=[sandbox.Contact(world.carol_number, "Carol Contact")]
    )
    await world.gateway.sandbox.ask(book, 10)

    names: list[str] = []
    for _ in range(50):  # the address book travels in its own time, and nothing tells of its arrival
        names = [one["name"] for one in (await get(world, "/user/my/contacts")).result["data"]]
        if "Carol Contact" in names:
            break
    assert "Carol Contact" in names


async def test_somebody_is_blocked_and_unblocked(world: World) -> None:
    blocked = await post(world, "/user/block", phone=world.carol_number)
    assert 200 == blocked.status, blocked.body
    assert [f"{world.carol_number}@s.whatsapp.net"] == [one["phone"] for one in blocked.result["data"]]
    assert blocked.result == (await get(world, "/user/my/blocklist")).result
    unblocked = await post(world, "/user/unblock", phone=world.carol_number)
    assert [] == unblocked.result["data"]


async def test_what_the_engine_cannot_do_is_said(world: World) -> None:
    sent = await world.gateway.send(world.alice, world.bob_number, "star me")
    before = (await get(world, "/chats")).result["data"]
    message = f"/message/{sent.result['message_id']}"
    chat = f"/chat/{world.bob_number}"
    asked = [
        await get(world, "/user/business-profile", phone=world.bob_number),
        await post(world, f"{message}/star", phone=world.bob_number),
        await post(world, f"{message}/unstar", phone=world.bob_number),
        await post(world, f"{message}/delete", phone=world.bob_number),
        await post(world, f"{chat}/pin", pinned=True),
        await post(world, f"{chat}/archive", archived=True),
        await post(world, f"{chat}/label", label_id="1"),
        await post(world, f"{chat}/mute"),
        await post(world, f"{chat}/unread"),
        await post(world, f"{chat}/history"),
        await post(world, "/app/passkey/confirm"),
    ]
    assert {(501, "ENGINE_UNSUPPORTED")} == {(one.status, one.body["code"]) for one in asked}
    assert all("neonize 0.5.2" in one.body["message"] for one in asked)
    assert before == (await get(world, "/chats")).result["data"]


async def test_newsletters_are_followed_muted_read_and_left(world: World) -> None:
    made = await world.gateway.sandbox.ask(
        sandbox.CreateNewsletter(phone=world.carol_number, name="News", description="All of it"), 10
    )
    post_text = sandbox.PhoneSendText(phone=world.carol_number, to=made.jid, text="first post")
    await world.gateway.sandbox.ask(post_text, 10)
    followed = await post(world, "/newsletter/follow", newsletter_id=made.jid)
    assert 200 == followed.status, followed.body
    listed = (await get(world, "/user/my/newsletters")).result["data"]
    (news,) = [one for one in listed if one["id"] == made.jid]
    assert ("News", "active") == (news["thread_metadata"]["name"]["text"], news["state"]["type"])
    assert 200 == (await post(world, "/newsletter/mute", newsletter_id=made.jid)).status
    posts = await get(world, "/newsletter/messages", newsletter_id=made.jid, count="10")
    assert ["first post"] == [one["text"] for one in posts.result["data"]], posts.body
    by_invite = await get(world, "/newsletter/info", invite=made.invite)
    assert made.jid == by_invite.result["id"], by_invite.body
    assert 200 == (await post(world, "/newsletter/unfollow", newsletter_id=made.jid)).status
    listed = (await get(world, "/user/my/newsletters")).result["data"]
    assert made.jid not in [one["id"] for one in listed]


async def test_a_picture_that_is_hidden_is_not_found(world: World) -> None:
    ask, jpeg = world.gateway.sandbox.ask, samples.jpeg(64, 64)
    shown = await ask(sandbox.SetProfile(phone=world.carol_number, picture=jpeg), 10)
    seen = await get(world, "/user/avatar", phone=world.carol_number)
    assert (200, shown.picture) == (seen.status, seen.result["id"]), seen.body
    await ask(sandbox.SetProfile(phone=world.carol_number, privacy={"profile": "none"}), 10)
    hidden = await get(world, "/user/avatar", phone=world.carol_number)
    assert (404, "AVATAR_NOT_FOUND") == (hidden.status, hidden.body["code"]), hidden.body
    await ask(sandbox.SetProfile(phone=world.carol_number, picture=b"", privacy={"profile": "all"}), 10)


async def test_what_a_blocked_account_writes_does_not_arrive(world: World) -> None:
    ask = world.gateway.sandbox.ask
    await ask(sandbox.PhoneSendText(phone=world.carol_number, to=world.alice_number, text="before"), 10)
    assert 200 == (await post(world, "/user/block", phone=world.carol_number)).status
    lost = sandbox.PhoneSendText(phone=world.carol_number, to=world.alice_number, text="while blocked")
    (lost_id,) = (await ask(lost, 10)).ids
    assert 200 == (await post(world, "/user/unblock", phone=world.carol_number)).status
    after = sandbox.PhoneSendText(phone=world.carol_number, to=world.alice_number, text="after")
    (id_,) = (await ask(after, 10)).ids
    await world.sink.until(lambda sink: any(id_ == one["payload"]["id"] for one in sink.events()))
    assert lost_id not in [one["payload"]["id"] for one in world.sink.events()]


async def test_who_hides_what_is_read_sends_no_read_receipt(world: World) -> None:
    ask = world.gateway.sandbox.ask

    async def read(text: str) -> str:
        command = sandbox.PhoneSendText(phone=world.carol_number, to=world.alice_number, text=text)
        (id_,) = (await ask(command, 10)).ids
        await world.sink.until(lambda sink: any(id_ == one["payload"]["id"] for one in sink.events()))
        answer = await post(world, f"/message/{id_}/read", phone=world.carol_number)
        assert 200 == answer.status, answer.body
        return str(id_)

    changed = await post(world, "/user/my/privacy", name="read_receipts", value="none")
    assert 200 == changed.status, changed.body
    hidden = await read("hidden")
    await post(world, "/user/my/privacy", name="read_receipts", value="all")
    shown = await read("shown")
    seen: set[str] = set()
    count = 0
    while shown not in seen:
        page = await ask(sandbox.Receipts(phone=world.carol_number, after=count, wait=10), 15)
        assert page.receipts, "no read receipt came"
        seen |= {one.id for one in page.receipts if one.type == "read"}
        count = page.total
    assert hidden not in seen


async def test_a_business_is_known_by_its_verified_name(world: World) -> None:
    ask = world.gateway.sandbox.ask
    await ask(sandbox.SetProfile(phone=world.carol_number, business="Carol's Bakery", about="Bread"), 10)
    checked = await get(world, "/user/check", phone=world.carol_number)
    assert "Carol's Bakery" == checked.result["verified_name"], checked.body
    info = await get(world, "/user/info", phone=world.carol_number)
    assert "Bread" == info.result["status"], info.body
    await ask(sandbox.SetProfile(phone=world.carol_number, business="", privacy={"status": "none"}), 10)
    info = await get(world, "/user/info", phone=world.carol_number)
    assert (200, "") == (info.status, info.result["status"]), info.body
    await ask(sandbox.SetProfile(phone=world.carol_number, privacy={"status": "all"}), 10)
