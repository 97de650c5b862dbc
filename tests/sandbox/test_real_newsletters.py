"""Newsletters with the real neonize client: asking about them, posting and receiving."""

import pytest
import pytest_asyncio

from tests.sandbox.conftest import NewClient, RealClient, Sandbox
from wagateway.commands import sandbox as c

pytestmark = pytest.mark.asyncio(loop_scope="session")

HANK, IRIS, JACK = "628555000001", "628555000002", "628555000003"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def hank(sandbox: Sandbox, new_client: NewClient) -> RealClient:
    for number, name in ((IRIS, "Iris"), (JACK, "Jack")):
        await sandbox.ask(c.AddPhone(phone=number, name=name))
    return await new_client("hank", HANK)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def news(sandbox: Sandbox, hank: RealClient) -> str:
    made = await sandbox.ask(
        c.CreateNewsletter(phone=HANK, name="News", description="All of it", followers=[IRIS])
    )
    await hank.hears("newsletter_joined", jid=made.jid, role="OWNER")
    return str(made.jid)


async def test_an_owner_can_ask_about_its_newsletter(hank: RealClient, news: str) -> None:
    assert [[news, "News", "OWNER", 2]] == (await hank.does("newsletters"))["newsletters"]
    assert "News" == (await hank.does("newsletter", what="info", jid=news))["name"]
    unknown = await hank.does("newsletter", what="info", jid="120363000000000000@newsletter")
    assert "Not Found" in unknown["error"]


async def test_a_post_of_a_device_reaches_the_followers(
    sandbox: Sandbox, hank: RealClient, news: str
) -> None:
    sent = await hank.does("send", to=news, text="breaking")
    assert [100] == sent["server_ids"]
    page = await sandbox.ask(c.Inbox(phone=IRIS, wait=10))
    assert [(sent["id"], "breaking", news)] == [(each.id, each.text, each.chat) for each in page.messages]
    assert [[100, "breaking", 0, {}]] == (await hank.does("newsletter", what="posts", jid=news))["posts"]


async def test_a_picture_is_posted_in_the_clear(sandbox: Sandbox, hank: RealClient, news: str) -> None:
    before = (await sandbox.ask(c.Inbox(phone=IRIS))).total
    sent = await hank.does("newsletter_upload", to=news, bytes=100_000)
    page = await sandbox.ask(c.Inbox(phone=IRIS, after=before, wait=10))
    assert [(sent["id"], "imageMessage")] == [(each.id, each.kind) for each in page.messages]


async def test_a_post_of_a_phone_reaches_following_devices(sandbox: Sandbox, hank: RealClient) -> None:
    made = await sandbox.ask(c.CreateNewsletter(phone=JACK, name="Jack's"))
    assert "error" not in await hank.does("newsletter", what="follow", jid=made.jid)
    await hank.hears("newsletter_joined", jid=made.jid, role="SUBSCRIBER")
    sent = await sandbox.ask(c.PhoneSendText(phone=JACK, to=made.jid, text="hello followers"))
    got = await hank.hears("message", text="hello followers")
    assert (sent.ids[0], made.jid, made.jid, 100) == (got["id"], got["chat"], got["sender"], got["server_id"])
    assert "403" in (await hank.does("send", to=made.jid, text="not mine"))["error"]


async def test_views_and_reactions_are_counted_live(hank: RealClient, news: str) -> None:
    assert (await hank.does("newsletter", what="watch", jid=news))["duration"] > 0
    assert "error" not in await hank.does("newsletter", what="view", jid=news, number=100)
    assert "error" not in await hank.does("newsletter", what="react", jid=news, number=100, reaction="👍")
    await hank.hears("live_update", posts=[[100, "", 1, {"👍": 1}]])
