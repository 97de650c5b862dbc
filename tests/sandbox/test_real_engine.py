"""Our engine with the real neonize: at least one call of each kind that WhatsApp answers."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.sandbox.conftest import RealClient, Sandbox
from wagateway.commands import sandbox as c
from wagateway.whatsapp.protos import bare_neonize

bare_neonize()

from neonize.proto.Neonize_pb2 import HistorySync  # type: ignore[import-untyped, unused-ignore]  # noqa: E402

pytestmark = pytest.mark.asyncio(loop_scope="session")

KATE, LEO, MIA, NOBODY = "628666000001", "628666000002", "628666000003", "628666000009"


class EngineProcess(RealClient):
    """A process with our engine instead of neonize's own client."""

    def _program(self) -> list[str]:
        return ["tests.sandbox.engine_client", str(self._folder)]

    async def call(self, method: str, **arguments: object) -> dict[str, Any]:
        """What came of a method of the engine."""
        return await self.hears("done", order=await self.begin(method, **arguments))

    async def gets(self, method: str, **arguments: object) -> Any:
        """What a method of the engine returned."""
        done = await self.call(method, **arguments)
        assert "code" not in done, done
        return done["got"]

    async def refused(self, method: str, **arguments: object) -> tuple[int, str]:
        """Status and code with which a method of the engine refused."""
        done = await self.call(method, **arguments)
        return done["status"], done["code"]


def jid(number: str) -> str:
    """The JID of a phone number."""
    return f"{number}@s.whatsapp.net"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def engine(sandbox: Sandbox) -> AsyncIterator[EngineProcess]:
    for number, name in ((KATE, "Kate"), (LEO, "Leo"), (MIA, "Mia")):
        await sandbox.ask(c.AddPhone(phone=number, name=name))
    started = await EngineProcess(sandbox.folder, "engine").start()
    code = await started.hears("qr")
    await sandbox.ask(c.ScanQr(phone=KATE, qr=code["code"]))
    await started.hears("connected")
    yield started
    await started.kill()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def team(engine: EngineProcess) -> str:
    return str((await engine.gets("create_group", name="Team", members=[jid(LEO)]))["jid"])


async def test_a_group_is_told_with_its_members_numbers_and_lids(engine: EngineProcess, team: str) -> None:
    group = await engine.gets("group", group=team)

    assert ("Team", jid(KATE)) == (group["name"], group["owner"])
    assert {jid(KATE), jid(LEO)} == {each["jid"] for each in group["members"]}
    assert all(each["lid"].endswith("@lid") for each in group["members"])
    assert [team] == [each["jid"] for each in await engine.gets("groups")]
    assert [{"jid": team, "name": "Team", "timer": 0}] == await engine.gets("group_news")
    assert all(each.endswith("@lid") for each in await engine.gets("group_members", group=team))


async def test_settings_of_a_group_are_changed(engine: EngineProcess, team: str) -> None:
    await engine.gets("set_group_name", group=team, name="Team 2")
    await engine.gets("set_group_topic", group=team, topic="What we do")
    await engine.gets("set_group_locked", group=team, locked=True)
    await engine.gets("set_group_announce", group=team, announce=True)
    await engine.gets("set_timer", group=team, seconds=86_400)

    group = await engine.gets("group", group=team)
    assert ("Team 2", "What we do") == (group["name"], group["topic"])
    assert (True, True, 86_400) == (group["is_locked"], group["is_announce"], group["timer"])


async def test_each_change_of_a_member_has_its_own_outcome(engine: EngineProcess, team: str) -> None:
    added = await engine.gets("change_members", group=team, action="add", members=[jid(MIA), jid(NOBODY)])

    assert [(jid(MIA), 0), (jid(NOBODY), 404)] == [(each["jid"], each["error"]) for each in added]
    for action in ("promote", "demote", "remove"):
        changed = await engine.gets("change_members", group=team, action=action, members=[jid(MIA)])
        assert [(jid(MIA), 0)] == [(each["jid"], each["error"]) for each in changed]
    assert [] == await engine.gets("join_requests", group=team)


async def test_a_new_invite_link_replaces_the_old_one(engine: EngineProcess, team: str) -> None:
    old = (await engine.gets("group_link", group=team, reset=False)).rpartition("/")[2]
    new = (await engine.gets("group_link", group=team, reset=True)).rpartition("/")[2]

    assert (400, "INVALID_LINK") == await engine.refused("group_of_link", code=old)
    assert team == (await engine.gets("group_of_link", code=new))["jid"]
    assert (400, "INVALID_LINK") == await engine.refused("join_group", code="A" * 22)


async def test_a_group_that_is_not_there_or_was_left_is_refused(engine: EngineProcess, team: str) -> None:
    other = (await engine.gets("create_group", name="Short", members=[jid(LEO)]))["jid"]
    await engine.gets("leave_group", group=other)

    assert (403, "WHATSAPP_FORBIDDEN") == await engine.refused("group", group=other)
    assert (404, "NOT_FOUND_ON_WHATSAPP") == await engine.refused("group", group="120363000000009999@g.us")


async def test_whoever_has_the_link_of_a_group_can_join_it(engine: EngineProcess) -> None:
    group = (await engine.gets("create_group", name="Open", members=[jid(LEO)]))["jid"]
    code = (await engine.gets("group_link", group=group, reset=False)).rpartition("/")[2]
    await engine.gets("leave_group", group=group)

    assert group == await engine.gets("join_group", code=code)
    assert group in [each["jid"] for each in await engine.gets("groups")]
    await engine.gets("leave_group", group=group)


async def test_a_picture_is_set_shown_and_removed(engine: EngineProcess, team: str) -> None:
    jpeg = bytes.fromhex("ffd8ffe0").ljust(500, b"x").hex()

    assert await engine.gets("picture", jid=team, preview=True, community=False) is None
    id_ = await engine.gets("set_group_photo", group=team, jpeg=jpeg)
    await engine.gets("set_picture", jpeg=jpeg)
    shown = [
        await engine.gets("picture", jid=each, preview=True, community=False) for each in (team, jid(KATE))
    ]
    assert [(id_, "preview"), (shown[1]["id"], "preview")] == [(each["id"], each["type"]) for each in shown]
    await engine.gets("set_group_photo", group=team, jpeg="")
    assert await engine.gets("picture", jid=team, preview=True, community=False) is None
    assert await engine.gets("picture", jid=jid(NOBODY), preview=True, community=False) is None


async def test_what_is_no_picture_is_refused(engine: EngineProcess, team: str) -> None:
    text = b"text".hex()

    assert (400, "WHATSAPP_REFUSED") == await engine.refused("set_group_photo", group=team, jpeg=text)
    assert (400, "WHATSAPP_REFUSED") == await engine.refused("set_picture", jpeg=text)


async def test_people_are_told_and_who_is_not_on_whatsapp_is_not(engine: EngineProcess) -> None:
    users = await engine.gets("users", jids=[jid(LEO), jid(NOBODY)])
    found, missing = [await engine.gets("registered", number=each) for each in (LEO, NOBODY)]

    assert [jid(LEO)] == [each["jid"] for each in users]
    assert (True, jid(LEO), users[0]["lid"]) == (found["is_in"], found["jid"], found["lid"])
    assert (False, "") == (missing["is_in"], missing["jid"])


async def test_a_number_leads_to_its_lid_and_back(engine: EngineProcess) -> None:
    phone, lid = await engine.gets("identities", jid=jid(MIA))

    assert jid(MIA) == phone
    assert [phone, lid] == await engine.gets("identities", jid=lid)
    assert [jid(NOBODY), ""] == await engine.gets("identities", jid=jid(NOBODY))
    assert ["", "990099@lid"] == await engine.gets("identities", jid="990099@lid")


async def test_the_account_has_a_name_privacy_and_people_it_blocks(engine: EngineProcess) -> None:
    await engine.gets("set_push_name", name="Kate K")
    changed = await engine.gets("set_privacy", name="last_seen", value="contacts")
    blocked = await engine.gets("set_blocked", jid=jid(MIA), blocked=True)

    assert "Kate K" == (await engine.gets("own_jid"))[2]
    assert "contacts" == changed["last_seen"]
    assert changed == await engine.gets("privacy")
    assert [jid(MIA)] == [phone for phone, _ in blocked]
    assert blocked == await engine.gets("blocked")
    assert [] == await engine.gets("set_blocked", jid=jid(MIA), blocked=False)
    refused = await engine.refused("set_blocked", jid=jid(NOBODY), blocked=True)
    assert (404, "NOT_FOUND_ON_WHATSAPP") == refused


async def test_the_phones_contacts_become_the_sessions(sandbox: Sandbox, engine: EngineProcess) -> None:
    await sandbox.ask(c.AddContacts(phone=KATE, contacts=[c.Contact(phone=MIA, name="Mia M")]))

    async with asyncio.timeout(10):
        while not (known := [one for one in await engine.gets("contacts") if one["full_name"]]):
            pass
    assert [(jid(MIA), "Mia M")] == [(each["jid"], each["full_name"]) for each in known]
    assert known[0] == await engine.gets("contact", jid=jid(MIA))
    assert await engine.gets("contact", jid=jid(NOBODY)) is None


async def test_a_newsletter_is_followed_muted_read_and_left(sandbox: Sandbox, engine: EngineProcess) -> None:
    news = (await sandbox.ask(c.CreateNewsletter(phone=LEO, name="News", description="All of it"))).jid
    for text in ("one", "two"):
        await sandbox.ask(c.PhoneSendText(phone=LEO, to=news, text=text))

    await engine.gets("follow_newsletter", jid=news, follow=True)
    await engine.gets("mute_newsletter", jid=news, muted=True)
    told = await engine.gets("newsletter", jid=news)
    assert ("News", "active", "subscriber", "on") == (
        told["name"],
        told["state"],
        told["role"],
        told["mute"],
    )
    assert told["name_updated"] // 1_000_000 == told["created_at"]
    assert [news] == [each["jid"] for each in await engine.gets("newsletters")]
    assert news == (await engine.gets("newsletter_of_invite", code=told["invite"]))["jid"]
    posts = await engine.gets("newsletter_posts", jid=news, count=10, before=0)
    assert [100, 101] == [each["server_id"] for each in posts]
    assert posts[:1] == await engine.gets("newsletter_posts", jid=news, count=1, before=101)
    await engine.gets("follow_newsletter", jid=news, follow=False)
    assert [] == await engine.gets("newsletters")
    unknown = await engine.refused("newsletter", jid="120363000000000000@newsletter")
    assert (404, "NOT_FOUND_ON_WHATSAPP") == unknown


async def test_a_message_is_marked_as_read(sandbox: Sandbox, engine: EngineProcess) -> None:
    await sandbox.ask(c.PhoneSendText(phone=LEO, to=KATE, text="hello"))
    came = await engine.hears("message", chat=jid(LEO))

    await engine.gets("mark_read", chat=came["chat"], sender=came["sender"], ids=[came["id"]])

    page = await sandbox.ask(c.Receipts(phone=LEO, after=0, wait=10))
    while not any((came["id"], "read") == (each.id, each.type) for each in page.receipts):
        page = await sandbox.ask(c.Receipts(phone=LEO, after=page.total, wait=10))


async def test_a_history_sync_becomes_a_file_as_it_came(sandbox: Sandbox, engine: EngineProcess) -> None:
    await sandbox.ask(c.SendHistory(phone=KATE, bytes=300_000, conversations=3))
    await engine.hears("history")

    (file,) = (sandbox.folder / "engine.history").glob("*.history")
    told = HistorySync.FromString(file.read_bytes())
    assert 3 == len(told.Data.conversations)


async def test_a_file_goes_through_the_proxy_like_all_else(sandbox: Sandbox, engine: EngineProcess) -> None:
    file = sandbox.folder / "engine.bin"
    file.write_bytes(bytes(100_000))

    uploaded = await engine.gets("upload", file=str(file), kind="document", chat=jid(LEO))

    assert 100_000 == uploaded["file_length"]
