"""Groups with the real neonize client: asking, changing, joining, and hearing what others changed."""

from typing import Literal

import pytest
import pytest_asyncio

from tests.sandbox.conftest import NewClient, RealClient, Sandbox
from wagateway.commands import sandbox as c

pytestmark = pytest.mark.asyncio(loop_scope="session")

KATE, LEO, MIA = "628666000001", "628666000002", "628666000003"
NOBODY = "628999999999"
JPEG = b"\xff\xd8\xff\xe0picture"


def jid(number: str) -> str:
    return f"{number}@s.whatsapp.net"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def kate(sandbox: Sandbox, new_client: NewClient) -> RealClient:
    for number, name in ((LEO, "Leo"), (MIA, "Mia")):
        await sandbox.ask(c.AddPhone(phone=number, name=name))
    return await new_client("kate", KATE)


async def test_a_device_changes_its_group(sandbox: Sandbox, kate: RealClient) -> None:
    made = (await kate.does("create_group", subject="Old", members=[jid(LEO)]))["group"]
    for what, to in (
        ("name", ["New"]),
        ("topic", ["", "", "About"]),
        ("locked", [True]),
        ("announce", [True]),
    ):
        assert "error" not in await kate.does("group", what=what, jid=made, to=to), what
    facts = await sandbox.ask(c.ShowGroup(group=made))
    assert ("New", "About", True, True) == (facts.subject, facts.topic, facts.locked, facts.announce)
    info = await kate.does("group", what="info", jid=made)
    assert ("New", "About", True, True) == (info["subject"], info["topic"], info["locked"], info["announce"])
    assert {jid(KATE): True, jid(LEO): False} == info["members"]
    photo = await kate.does("group", what="photo", jid=made, data=JPEG.hex())
    assert (await sandbox.ask(c.ShowGroup(group=made))).picture == photo["id"]
    bad = await kate.does("group", what="photo", jid=made, data=b"no".hex())
    assert "not a valid image" in bad["error"]


async def test_a_device_hears_each_change_of_a_phone(sandbox: Sandbox, kate: RealClient) -> None:
    group = (await sandbox.ask(c.PhoneCreateGroup(phone=LEO, subject="Leo's", members=[KATE]))).jid
    await kate.hears("joined", group=group)
    changes = c.PhoneSetGroup(
        phone=LEO,
        group=group,
        subject="His",
        topic="About",
        locked=True,
        announce=True,
        ephemeral=86400,
        reset=True,
    )
    await sandbox.ask(changes)
    for field in ("Name", "Topic", "Locked", "Announce", "Ephemeral", "NewInviteLink"):
        await kate.hears("group_change", group=group, changed=[field])
    await sandbox.ask(c.PhoneSetGroup(phone=LEO, group=group, topic="", ephemeral=0, locked=False))
    steps: tuple[tuple[Literal["add", "promote", "demote", "remove"], str], ...] = (
        ("add", "Join"),
        ("promote", "Promote"),
        ("demote", "Demote"),
        ("remove", "Leave"),
    )
    for action, field in steps:
        await sandbox.ask(c.PhoneSetMembers(phone=LEO, group=group, action=action, members=[MIA]))
        assert 1 == len((await kate.hears("group_change", group=group, changed=[field]))["who"])


async def test_what_became_of_each_participant_is_told(sandbox: Sandbox, kate: RealClient) -> None:
    await sandbox.ask(c.SetProfile(phone=MIA, privacy={"groupadd": "none"}))
    made = (await kate.does("create_group", subject="Some", members=[jid(LEO)]))["group"]
    told = await kate.does(
        "group", what="members", jid=made, action="add", who=[jid(MIA), jid(LEO), jid(NOBODY)]
    )
    assert [[403, True], [409, False], [404, False]] == told["errors"]
    await sandbox.ask(c.SetProfile(phone=MIA, privacy={"groupadd": "all"}))
    again = await kate.does("group", what="members", jid=made, action="add", who=[jid(MIA)])
    assert [[0, False]] == again["errors"]


async def test_a_device_joins_by_the_link(sandbox: Sandbox, kate: RealClient) -> None:
    group = (await sandbox.ask(c.PhoneCreateGroup(phone=LEO, subject="Open"))).jid
    invite = (await sandbox.ask(c.ShowGroup(group=group))).invite
    link = f"https://chat.whatsapp.com/{invite}"
    assert "Open" == (await kate.does("group", what="preview", link=link))["subject"]
    outside = await kate.does("group", what="info", jid=group)
    assert "not participating" in outside["error"]
    assert group == (await kate.does("group", what="join", link=link))["group"]
    await kate.hears("joined", group=group)
    assert "permission" in (await kate.does("group", what="link", jid=group))["error"]
    await sandbox.ask(c.PhoneSetGroup(phone=LEO, group=group, reset=True))
    assert "revoked" in (await kate.does("group", what="preview", link=link))["error"]
    assert "not valid" in (await kate.does("group", what="join", link=link + "x"))["error"]


async def test_who_waits_to_be_let_in_is_listed(sandbox: Sandbox, kate: RealClient) -> None:
    made = (await kate.does("create_group", subject="Closed", members=[]))["group"]
    facts = await sandbox.ask(c.PhoneSetGroup(phone=KATE, group=made, approval=True))
    waiting = await sandbox.ask(c.PhoneJoinGroup(phone=MIA, invite=facts.invite))
    assert [jid(MIA)] == waiting.pending
    await kate.hears("group_change", group=made, unknown=["created_membership_requests"])
    assert 1 == len((await kate.does("group", what="requests", jid=made))["who"])
    outcomes = await sandbox.ask(c.PhoneSetMembers(phone=KATE, group=made, action="approve", members=[MIA]))
    assert [0] == [each.error for each in outcomes]
    await kate.hears("group_change", group=made, changed=["Join"])
    other = (await sandbox.ask(c.PhoneCreateGroup(phone=LEO, subject="Shut"))).jid
    facts = await sandbox.ask(c.PhoneSetGroup(phone=LEO, group=other, approval=True))
    assert other == (await kate.does("group", what="join", link=facts.invite))["group"]
    assert [jid(KATE)] == (await sandbox.ask(c.ShowGroup(group=other))).pending
