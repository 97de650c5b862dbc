"""Groups through everything: HTTP, worker, neonize and the sandbox."""

import csv
import io
from typing import Any

import aiohttp
import pytest

from tests import samples
from tests.harness import Answer
from tests.processes.conftest import World, get, post
from wagateway.commands import sandbox

pytestmark = pytest.mark.asyncio(loop_scope="session")

MISSING = "628999999999"


async def made(world: World, title: str, *members: str) -> str:
    answer = await post(world, "/group", title=title, participants=list(members))
    assert 200 == answer.status, answer.body
    assert f"Success created group with id {answer.result['group_id']}" == answer.body["message"]
    return str(answer.result["group_id"])


async def photo(world: World, group: str, data: bytes) -> Answer:
    form = aiohttp.FormData({"group_id": group})
    form.add_field("photo", data, filename="photo.jpg")
    return await world.gateway.call("POST", "/group/photo", world.alice, data=form)


def jid(number: str) -> str:
    return f"{number}@s.whatsapp.net"


async def test_a_group_is_created_and_told(world: World) -> None:
    group = await made(world, "Kitchen", world.bob_number, world.carol_number)
    info = (await get(world, "/group/info", group_id=group)).result
    assert (group, "Kitchen", 3) == (info["JID"], info["Name"], info["ParticipantCount"])
    assert {jid(n) for n in (world.alice_number, world.bob_number, world.carol_number)} == {
        one["JID"] for one in info["Participants"]
    }
    assert all(one["LID"].endswith("@lid") for one in info["Participants"])
    listed = await get(world, "/group/participants", group_id=group)
    owner = next(one for one in listed.result["participants"] if one["jid"] == jid(world.alice_number))
    assert owner["is_super_admin"]
    mine = await world.gateway.call("GET", "/user/my/groups", world.bob)
    assert group in [one["JID"] for one in mine.result["data"]]


async def test_each_change_of_members_says_what_became_of_each(world: World) -> None:
    group = await made(world, "Members", world.bob_number)
    both = [world.carol_number, MISSING, world.bob_number]
    added = (await post(world, "/group/participants", group_id=group, participants=both)).result
    assert [jid(number) for number in both] == [one["participant"] for one in added]
    assert ["success", "error", "error"] == [one["status"] for one in added]
    assert 409 == added[2]["error"]
    for path, told in (("promote", "promote"), ("demote", "demote"), ("remove", "delete")):
        changed = await post(
            world, f"/group/participants/{path}", group_id=group, participants=[world.carol_number]
        )
        assert f"Success {told} participants" == changed.body["message"]
        assert ["success"] == [one["status"] for one in changed.result], changed.body
    again = await post(world, "/group/participants/remove", group_id=group, participants=[world.carol_number])
    assert "error" == again.result[0]["status"]


async def test_the_settings_of_a_group_are_seen_by_its_members(world: World) -> None:
    group = await made(world, "Old name", world.bob_number)
    renamed = await post(world, "/group/name", group_id=group, name="A name of more than 25 characters")
    assert "Success update group name to 'A name of more than 25 characters'" == renamed.body["message"]
    assert "results" not in renamed.body
    for path, body in (
        ("topic", {"topic": "About us"}),
        ("locked", {"locked": True}),
        ("announce", {"announce": True}),
    ):
        assert 200 == (await post(world, f"/group/{path}", group_id=group, **body)).status
    timer = await post(world, f"/chat/{group}/disappearing", timer_seconds=86400)
    assert 200 == timer.status, timer.body
    seen = await world.gateway.call("GET", "/group/info", world.bob, params={"group_id": group})
    facts = seen.result
    assert ("A name of more than 25 characters", "About us") == (facts["Name"], facts["Topic"])
    assert facts["IsLocked"]
    assert facts["IsAnnounce"]
    assert 86400 == facts["DisappearingTimer"]
    gone = await post(world, "/group/topic", group_id=group, topic="")
    assert "Success remove group topic" == gone.body["message"]


async def test_a_member_who_is_no_administrator_is_refused(world: World) -> None:
    group = await made(world, "Mine", world.bob_number)
    refused = await world.gateway.call(
        "POST",
        "/group/participants/remove",
        world.bob,
        json={"group_id": group, "participants": [world.alice_number]},
    )
    assert refused.status in (200, 403), refused.body
    if refused.status == 200:
        assert ["error"] == [one["status"] for one in refused.result]


async def test_a_group_is_joined_by_its_link_and_left(world: World) -> None:
    group = await made(world, "Open", world.carol_number)
    link = (await get(world, "/group/invite-link", group_id=group)).result["invite_link"]
    assert link.startswith("https://chat.whatsapp.com/")
    looked = await world.gateway.call("GET", "/group/info-from-link", world.bob, params={"link": link})
    assert (group, "Open") == (looked.result["group_id"], looked.result["name"])
    joined = await world.gateway.call("POST", "/group/join-with-link", world.bob, json={"link": link})
    assert (200, {"group_id": group, "status": "joined"}) == (joined.status, joined.result), joined.body
    left = await world.gateway.call("POST", "/group/leave", world.bob, json={"group_id": group})
    assert "Success leave group" == left.body["message"]
    fresh = (await get(world, "/group/invite-link", group_id=group, reset="true")).result["invite_link"]
    assert fresh != link
    stale = await world.gateway.call("POST", "/group/join-with-link", world.bob, json={"link": link})
    assert 400 <= stale.status < 500


async def test_a_picture_is_set_and_found(world: World) -> None:
    group = await made(world, "Picture", world.bob_number)
    answer = await photo(world, group, samples.jpeg(900, 700))
    assert 200 == answer.status, answer.body
    assert answer.result["picture_id"]
    avatar = await get(world, "/user/avatar", phone=group)
    assert (200, answer.result["picture_id"]) == (avatar.status, avatar.result["id"]), avatar.body
    refused = await photo(world, group, b"no picture at all")
    assert (400, "INVALID_IMAGE_FORMAT") == (refused.status, refused.body["code"])


async def test_the_members_are_exported_as_csv(world: World) -> None:
    group = await made(world, "Export", world.bob_number)
    answer = await get(world, "/group/participants/export", group_id=group)
    assert 200 == answer.status
    assert answer.headers["Content-Type"].startswith("text/csv")
    name = f"group-{group.replace('@', '_')}-participants.csv"
    assert name in answer.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.body.decode())))
    assert {jid(world.alice_number), jid(world.bob_number)} == {row["participant_jid"] for row in rows}
    assert {"super_admin", "member"} == {row["role"] for row in rows}


async def test_join_requests_are_listed_and_their_answers_are_honestly_missing(world: World) -> None:
    group = await made(world, "Requests", world.bob_number)
    listed = await get(world, "/group/participant-requests", group_id=group)
    assert (200, []) == (listed.status, listed.result)
    for verb in ("approve", "reject"):
        answer = await post(
            world, f"/group/participant-requests/{verb}", group_id=group, participants=[world.carol_number]
        )
        assert (501, "ENGINE_UNSUPPORTED") == (answer.status, answer.body["code"])


async def test_a_group_that_is_none_is_refused_by_name(world: World) -> None:
    person = await get(world, "/group/info", group_id=world.bob_number)
    assert (400, "VALIDATION_ERROR") == (person.status, person.body["code"])
    assert person.body["message"].startswith("group_id:")
    unknown = await get(world, "/group/info", group_id="120363000000000000@g.us")
    assert 400 <= unknown.status < 500


async def test_a_group_message_is_acted_on_under_its_author(world: World) -> None:
    group = await made(world, "Actions", world.carol_number, world.bob_number)
    command = sandbox.PhoneSendText(phone=world.carol_number, to=group, text="who wrote this?")
    (message_id,) = (await world.gateway.sandbox.ask(command, 20)).ids
    await world.sink.until(
        lambda sink: (
            {world.alice, world.bob}
            <= {one["session_id"] for one in sink.events() if one["payload"]["id"] == message_id}
        )
    )
    before = await world.gateway.sandbox.ask(sandbox.Receipts(phone=world.carol_number), 10)
    read = await post(world, f"/message/{message_id}/read", phone=group)
    assert 200 == read.status, read.body
    seen = await world.gateway.sandbox.ask(
        sandbox.Receipts(phone=world.carol_number, after=len(before.receipts), wait=10), 15
    )
    assert message_id in {receipt.id for receipt in seen.receipts if receipt.type == "read"}
    reacted = await post(world, f"/message/{message_id}/reaction", phone=group, emoji="👍")
    assert 200 == reacted.status, reacted.body
    await world.sink.until(
        lambda sink: any(
            (world.bob, message_id, "👍")
            == (one["session_id"], one["payload"]["reacted_message_id"], one["payload"]["reaction"])
            for one in sink.events("message.reaction")
        )
    )
    page = await get(world, f"/chat/{group}/messages")
    (stored,) = [one for one in page.result["data"] if one["id"] == message_id]
    assert [("👍", True)] == [(one["emoji"], one["is_from_me"]) for one in stored["reactions"]]
    revoked = await post(world, f"/message/{message_id}/revoke", phone=group)  # Alice is its administrator
    assert 200 == revoked.status, revoked.body
    await world.sink.until(
        lambda sink: any(
            (world.bob, message_id) == (one["session_id"], one["payload"]["revoked_message_id"])
            for one in sink.events("message.revoked")
        )
    )


async def test_who_only_lets_contacts_add_them_is_not_added(world: World) -> None:
    ask = world.gateway.sandbox.ask
    await ask(sandbox.SetProfile(phone=world.carol_number, privacy={"groupadd": "none"}), 10)
    try:
        created = await post(
            world, "/group", title="Private", participants=[world.bob_number, world.carol_number]
        )
        group = created.result["group_id"]
        became = {one["participant"]: one["status"] for one in created.result["participants"]}
        assert {jid(world.bob_number): "success", jid(world.carol_number): "error"} == became, created.body
        added = await post(world, "/group/participants", group_id=group, participants=[world.carol_number])
        assert [("error", 403)] == [(one["status"], one["error"]) for one in added.result], added.body
    finally:
        await ask(sandbox.SetProfile(phone=world.carol_number, privacy={"groupadd": "all"}), 10)


async def test_who_comes_by_the_link_waits_and_is_listed(world: World) -> None:
    ask = world.gateway.sandbox.ask
    group = await made(world, "Asked", world.bob_number)
    facts = await ask(sandbox.PhoneSetGroup(phone=world.alice_number, group=group, approval=True), 10)
    waits = await ask(sandbox.PhoneJoinGroup(phone=world.carol_number, invite=facts.invite), 10)
    assert [jid(world.carol_number)] == waits.pending
    listed = await get(world, "/group/participant-requests", group_id=group)
    assert [jid(world.carol_number)] == [one["jid"] for one in listed.result], listed.body
    refused = await world.gateway.call(
        "GET", "/group/participant-requests", world.bob, params={"group_id": group}
    )
    assert 403 == refused.status, refused.body
    approve = sandbox.PhoneSetMembers(
        phone=world.alice_number, group=group, action="approve", members=[world.carol_number]
    )
    assert [0] == [one.error for one in await ask(approve, 10)]
    assert [] == (await get(world, "/group/participant-requests", group_id=group)).result


async def test_whoever_has_to_wait_for_an_administrator_is_told_so(world: World) -> None:
    group = await made(world, "Asked too", world.carol_number)
    approval = sandbox.PhoneSetGroup(phone=world.alice_number, group=group, approval=True)
    facts = await world.gateway.sandbox.ask(approval, 10)
    waits = await world.gateway.call("POST", "/group/join-with-link", world.bob, json={"link": facts.invite})
    assert {"group_id": group, "status": "requested"} == waits.result, waits.body
    assert "Join request sent" == waits.body["message"]
    listed = await get(world, "/group/participant-requests", group_id=group)
    assert [jid(world.bob_number)] == [one["jid"] for one in listed.result], listed.body


async def test_a_member_named_by_number_and_by_lid_counts_once(world: World) -> None:
    group = await made(world, "Twice", world.bob_number)
    listed = await get(world, "/group/participants", group_id=group)
    (bob,) = [one for one in listed.result["participants"] if jid(world.bob_number) == one["jid"]]
    both = [bob["lid"], world.bob_number]
    changed = await post(world, "/group/participants/promote", group_id=group, participants=both)
    assert [(bob["lid"], "success", bob["jid"], bob["lid"])] == [
        (one["participant"], one["status"], one["jid"], one["lid"]) for one in changed.result
    ], changed.body


async def test_only_administrators_write_into_a_group_that_announces(world: World) -> None:
    group = await made(world, "Announcements", world.bob_number)
    assert 200 == (await post(world, "/group/announce", group_id=group, announce=True)).status
    refused = await world.gateway.send(world.bob, group, "may I?")
    assert (502, "WHATSAPP_REFUSED") == (refused.status, refused.body["code"]), refused.body
    assert 200 == (await world.gateway.send(world.alice, group, "I may")).status


async def settled(world: World, group: str) -> None:
    """Returns when Alice and Bob have got all that the group told before: another member writes into it."""
    command = sandbox.PhoneSendText(phone=world.carol_number, to=group, text="settled")
    (message_id,) = (await world.gateway.sandbox.ask(command, 20)).ids
    await world.sink.until(
        lambda sink: (
            {world.alice, world.bob}
            <= {one["session_id"] for one in sink.events() if one["payload"]["id"] == message_id}
        )
    )


async def chat_of(world: World, device: str, group: str) -> dict[str, Any]:
    chats = (await world.gateway.call("GET", "/chats", device, params={"limit": "100"})).result["data"]
    (chat,) = [one for one in chats if group == one["jid"]]
    return dict(chat)


async def expiration(world: World, device: str, group: str) -> int:
    """What Carol's phone gets with the device's next message: after how many seconds it disappears."""
    inbox = await world.gateway.sandbox.ask(sandbox.Inbox(phone=world.carol_number), 10)
    sent = await world.gateway.send(device, group, "how long?")
    assert 200 == sent.status, sent.body
    page = await world.gateway.sandbox.ask(
        sandbox.Inbox(phone=world.carol_number, after=inbox.total, wait=10), 15
    )
    return page.messages[0].expiration


async def test_chats_follow_the_names_of_their_groups(world: World) -> None:
    group = await made(world, "First name", world.bob_number, world.carol_number)
    await settled(world, group)
    assert ["First name"] * 2 == [
        (await chat_of(world, device, group))["name"] for device in (world.alice, world.bob)
    ]
    rename = sandbox.PhoneSetGroup(phone=world.carol_number, group=group, subject="Second name")
    await world.gateway.sandbox.ask(rename, 10)
    await settled(world, group)
    assert ["Second name"] * 2 == [
        (await chat_of(world, device, group))["name"] for device in (world.alice, world.bob)
    ]


async def test_what_is_sent_follows_the_timer_of_the_group(world: World) -> None:
    group = await made(world, "Timers", world.bob_number, world.carol_number)
    on = sandbox.PhoneSetGroup(phone=world.alice_number, group=group, ephemeral=604800)
    await world.gateway.sandbox.ask(on, 10)
    await settled(world, group)
    assert [604800] * 2 == [await expiration(world, device, group) for device in (world.alice, world.bob)]
    assert 200 == (await post(world, f"/chat/{group}/disappearing", timer_seconds=0)).status
    await settled(world, group)
    assert [0] * 2 == [await expiration(world, device, group) for device in (world.alice, world.bob)]
    assert 0 == (await chat_of(world, world.bob, group))["ephemeral_expiration"]
