"""People with the real neonize client: pictures, privacy, blocks, names and muted newsletters."""

import pytest
import pytest_asyncio

from tests.sandbox.conftest import NewClient, RealClient, Sandbox
from wagateway.commands import sandbox as c

pytestmark = pytest.mark.asyncio(loop_scope="session")

NINA, OTTO, PAUL = "628777000001", "628777000002", "628777000003"
JPEG = b"\xff\xd8\xff\xe0picture"


def jid(number: str) -> str:
    return f"{number}@s.whatsapp.net"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def nina(sandbox: Sandbox, new_client: NewClient) -> RealClient:
    for number, name in ((OTTO, "Otto"), (PAUL, "Paul")):
        await sandbox.ask(c.AddPhone(phone=number, name=name))
    return await new_client("nina", NINA)


async def test_what_somebody_shows_is_seen(sandbox: Sandbox, nina: RealClient) -> None:
    await sandbox.ask(c.AddContacts(phone=NINA, contacts=[c.Contact(OTTO, "Otto")]))
    command = c.SetProfile(phone=OTTO, about="Baking", business="Otto's Bakery", picture=JPEG)
    otto = await sandbox.ask(command)
    await nina.hears("picture", of=jid(OTTO), removed=False)
    info = await nina.does("person", what="info", jid=jid(OTTO))
    assert ("Baking", otto.picture) == (info["about"], info["picture"])
    assert "Otto's Bakery" == (await nina.does("person", what="verified", number=f"+{OTTO}"))["name"]
    lid = next(each.lid for each in await sandbox.ask(c.ListPhones()) if each.phone == OTTO)
    assert "Baking" == (await nina.does("person", what="info", jid=lid))["about"]
    shown = await nina.does("person", what="picture", jid=jid(OTTO))
    assert otto.picture == shown["id"]
    assert shown["url"].startswith("https://pps.whatsapp.net/")
    assert "" == (await nina.does("person", what="picture", jid=jid(OTTO), known=otto.picture))["id"]


async def test_a_picture_that_is_hidden_or_missing_is_told_apart(sandbox: Sandbox, nina: RealClient) -> None:
    await sandbox.ask(c.SetProfile(phone=PAUL, picture=JPEG, privacy={"profile": "none"}))
    assert "hidden" in (await nina.does("person", what="picture", jid=jid(PAUL)))["error"]
    await sandbox.ask(c.SetProfile(phone=PAUL, picture=b"", privacy={"profile": "all"}))
    assert "does not have" in (await nina.does("person", what="picture", jid=jid(PAUL)))["error"]


async def test_the_own_picture_and_name_are_changed(sandbox: Sandbox, nina: RealClient) -> None:
    id_ = (await nina.does("person", what="set_picture", data=JPEG.hex()))["id"]
    assert "error" not in await nina.does("person", what="rename", name="Nina the Great")
    profile = await sandbox.ask(c.ShowProfile(phone=NINA))
    assert (id_, "Nina the Great") == (profile.picture, profile.name)


async def test_nothing_passes_between_who_blocks_and_who_is_blocked(
    sandbox: Sandbox, nina: RealClient
) -> None:
    lid = next(each.lid for each in await sandbox.ask(c.ListPhones()) if each.phone == PAUL)
    blocked = await nina.does("person", what="block", action="block", jid=jid(PAUL))
    assert [lid] == blocked["blocked"] == (await nina.does("person", what="blocked"))["blocked"]
    await sandbox.ask(c.PhoneSendText(phone=PAUL, to=NINA, text="blocked"))
    await nina.does("send", to=jid(PAUL), text="to the blocked")
    assert [] == (await nina.does("person", what="block", action="unblock", jid=jid(PAUL)))["blocked"]
    await sandbox.ask(c.PhoneSendText(phone=PAUL, to=NINA, text="free"))
    await nina.hears("message", text="free")
    await nina.does("send", to=jid(PAUL), text="to the free")
    page = await sandbox.ask(c.Inbox(phone=PAUL, wait=10))
    assert ["to the free"] == [each.text for each in page.messages]
    assert "blocked" not in [each["text"] for each in nina.said if each["said"] == "message"]


async def test_a_device_hears_what_its_phone_has_set(sandbox: Sandbox, nina: RealClient) -> None:
    lid = next(each.lid for each in await sandbox.ask(c.ListPhones()) if each.phone == PAUL)
    await sandbox.ask(c.SetProfile(phone=NINA, block=[PAUL], unblock=[PAUL], privacy={"last": "none"}))
    await nina.hears("blocklist", who=[lid])
    await nina.hears("privacy")


async def test_a_newsletter_is_muted_and_left(sandbox: Sandbox, nina: RealClient) -> None:
    made = await sandbox.ask(c.CreateNewsletter(phone=OTTO, name="Bread", followers=[NINA]))
    await nina.hears("newsletter_joined", jid=made.jid)
    assert "error" not in await nina.does("person", what="mute", jid=made.jid, muted=True)
    muted = await nina.hears("muted", jid=made.jid)
    assert "error" not in await nina.does("newsletter", what="unfollow", jid=made.jid)
    await nina.hears("left", jid=made.jid)
    assert muted["mute"] is not None
