"""Our engine with the real neonize: what it tells of groups, newsletters, typing and damaged messages."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.sandbox.conftest import Sandbox
from tests.sandbox.test_real_engine import EngineProcess, jid
from wagateway.commands import sandbox as c

pytestmark = pytest.mark.asyncio(loop_scope="session")

NED, OLE, PIA = "628777000001", "628777000002", "628777000003"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ned(sandbox: Sandbox) -> AsyncIterator[EngineProcess]:
    for number, name in ((NED, "Ned"), (OLE, "Ole"), (PIA, "Pia")):
        await sandbox.ask(c.AddPhone(phone=number, name=name))
    started = await EngineProcess(sandbox.folder, "events").start()
    code = await started.hears("qr")
    await sandbox.ask(c.ScanQr(phone=NED, qr=code["code"]))
    await started.hears("caught_up", count=0)
    await started.hears("connected")
    yield started
    await started.kill()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def team(sandbox: Sandbox, ned: EngineProcess) -> str:
    made = await sandbox.ask(c.PhoneCreateGroup(phone=OLE, subject="Team", members=[NED]))
    joined = await ned.hears("group_joined", jid=made.jid)
    assert ("Team", jid(OLE), False) == (joined["name"], joined["actor"], joined["community"])
    assert joined["actor_lid"].endswith("@lid")
    return str(made.jid)


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("subject", "Team 2", {"name": "Team 2"}),
        ("topic", "What we do", {"topic": "What we do"}),
        ("topic", "", {"topic": ""}),
        ("locked", True, {"locked": True}),
        ("announce", True, {"announce": True}),
        ("announce", False, {"announce": False}),
        ("ephemeral", 86_400, {"timer": 86_400}),
        ("ephemeral", 0, {"timer": 0}),
    ],
)
async def test_each_setting_of_a_group_is_told_with_who_changed_it(
    sandbox: Sandbox, ned: EngineProcess, team: str, field: str, value: object, told: dict[str, Any]
) -> None:
    await sandbox.ask(c.PhoneSetGroup(phone=OLE, group=team, **{field: value}))  # type: ignore[arg-type]
    assert jid(OLE) == (await ned.hears("group", jid=team, **told))["actor"]


async def test_a_new_link_of_a_group_is_told(sandbox: Sandbox, ned: EngineProcess, team: str) -> None:
    facts = await sandbox.ask(c.PhoneSetGroup(phone=OLE, group=team, reset=True))
    await ned.hears("group", jid=team, invite_link=f"https://chat.whatsapp.com/{facts.invite}")


@pytest.mark.parametrize(
    ("action", "field"),
    [("add", "joined"), ("promote", "promoted"), ("demote", "demoted"), ("remove", "left")],
)
async def test_changed_members_are_told_with_who_changed_them(
    sandbox: Sandbox, ned: EngineProcess, team: str, action: str, field: str
) -> None:
    [pia] = [each.lid for each in await sandbox.ask(c.ListPhones()) if each.phone == PIA]
    await sandbox.ask(c.PhoneSetMembers(phone=OLE, group=team, action=action, members=[PIA]))  # type: ignore[arg-type]
    members: dict[str, Any] = {field: [pia]}
    heard = await ned.hears("group", jid=team, **members)
    assert (jid(OLE), {pia: jid(PIA)}) == (heard["actor"], heard["phones"])


async def test_typing_and_recording_are_told(sandbox: Sandbox, ned: EngineProcess, team: str) -> None:
    await sandbox.ask(c.SetPresence(phone=NED, state="available"))
    for to, chat in ((NED, jid(OLE)), (team, team)):
        for state, told, media in (
            ("composing", "composing", ""),
            ("recording", "composing", "audio"),
            ("paused", "paused", ""),
        ):
            await sandbox.ask(c.SetPresence(phone=OLE, state=state, to=to))  # type: ignore[arg-type]
            heard = await ned.hears("chat_presence", chat=chat, state=told, media=media)
            assert jid(OLE) == heard["sender"]


async def test_a_newsletter_is_followed_muted_and_left(sandbox: Sandbox, ned: EngineProcess) -> None:
    made = await sandbox.ask(c.CreateNewsletter(phone=OLE, name="News", description="All of it"))

    async def change(**changes: bool) -> None:
        await sandbox.ask(c.PhoneSetNewsletter(phone=NED, newsletter=made.jid, **changes))

    await change(follow=True, muted=True)
    joined = await ned.hears("newsletter", jid=made.jid, change="joined")
    assert ("News", "All of it") == (joined["name"], joined["description"])
    await ned.hears("newsletter", jid=made.jid, change="mute", mute="on")
    await change(muted=False)
    await ned.hears("newsletter", jid=made.jid, change="mute", mute="off")
    await change(follow=False)
    await ned.hears("newsletter", jid=made.jid, change="left", role="guest")


async def test_a_damaged_message_is_told_and_comes_when_it_was_sent_again(
    sandbox: Sandbox, ned: EngineProcess, team: str
) -> None:
    for to, chat in ((NED, jid(OLE)), (team, team)):
        await sandbox.ask(c.GarbleMessages(phone=NED))
        [id_] = (await sandbox.ask(c.PhoneSendText(phone=OLE, to=to, text="once more"))).ids
        heard = await ned.hears("undecryptable", id=id_)
        assert (chat, jid(OLE), "Ole") == (heard["chat"], heard["sender"], heard["push_name"])
        await ned.hears("message", id=id_)


async def test_what_waited_is_counted(sandbox: Sandbox, ned: EngineProcess) -> None:
    await ned.kill()
    await sandbox.ask(c.PhoneSendText(phone=OLE, to=NED, text="later {n}", count=3))
    await ned.start()
    await ned.hears("connected")
    told = await ned.hears("caught_up")
    messages = [each for each in ned.said[: ned.said.index(told)] if each["said"] == "message"]
    assert 3 == len(messages)
    assert told["count"] >= 3
