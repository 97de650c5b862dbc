"""The status broadcast with the real neonize client, both ways."""

import pytest
import pytest_asyncio

from tests.sandbox.conftest import NewClient, RealClient, Sandbox
from wagateway.commands import sandbox as c

pytestmark = pytest.mark.asyncio(loop_scope="session")

ERIN, FRED, GINA = "628444000001", "628444000002", "628444000003"
STATUS = "status@broadcast"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def erin(sandbox: Sandbox, new_client: NewClient) -> RealClient:
    for number, name in ((FRED, "Fred"), (GINA, "Gina")):
        await sandbox.ask(c.AddPhone(phone=number, name=name))
    client = await new_client("erin", ERIN)
    await client.hears("done", order=await client.begin("available"))
    await sandbox.ask(c.AddContacts(phone=ERIN, contacts=[c.Contact(FRED, "Fred Frost")]))
    assert "Fred Frost" == (await client.does("knows", number=FRED))["name"]
    return client


async def test_a_post_of_a_device_reaches_its_contacts_only(sandbox: Sandbox, erin: RealClient) -> None:
    sent = await erin.does("send", to=STATUS, text="my status")
    page = await sandbox.ask(c.Inbox(phone=FRED, wait=10))
    assert [(sent["id"], "my status", STATUS, f"{ERIN}@s.whatsapp.net")] == [
        (each.id, each.text, each.chat, each.sender) for each in page.messages
    ]
    own = await sandbox.ask(c.Inbox(phone=ERIN, wait=10))
    assert (sent["id"], True, STATUS) == (
        own.messages[-1].id,
        own.messages[-1].from_me,
        own.messages[-1].chat,
    )
    assert 0 == (await sandbox.ask(c.Inbox(phone=GINA))).total
    receipt = await erin.hears("receipt", ids=[sent["id"]])
    await sandbox.ask(c.MarkRead(phone=FRED, ids=[sent["id"]]))
    assert receipt["who"] == (await erin.hears("receipt", ids=[sent["id"]], type=4))["who"]


async def test_a_post_of_a_phone_reaches_the_devices_of_its_contacts(
    sandbox: Sandbox, erin: RealClient
) -> None:
    await sandbox.ask(c.AddContacts(phone=FRED, contacts=[c.Contact(ERIN, "Erin East")]))
    for text in ("fred was here", "and again"):
        sent = await sandbox.ask(c.PhoneSendText(phone=FRED, to=STATUS, text=text))
        got = await erin.hears("message", text=text)
        assert (sent.ids[0], STATUS, f"{FRED}@s.whatsapp.net", False) == (
            *(got["id"], got["chat"], got["alt"], got["from_me"]),
        )
    page = await sandbox.ask(c.Receipts(phone=FRED, wait=10))
    assert sent.ids[0] in [each.id for each in page.receipts]


async def test_a_contact_that_saw_a_post_can_be_written_to(sandbox: Sandbox, erin: RealClient) -> None:
    before = (await sandbox.ask(c.Inbox(phone=FRED))).total
    await sandbox.ask(c.PhoneSendText(phone=FRED, to=ERIN, text="nice status"))
    await erin.hears("message", text="nice status")
    await erin.does("send", to=FRED, text="thank you")
    page = await sandbox.ask(c.Inbox(phone=FRED, after=before, wait=10))
    assert ["thank you"] == [each.text for each in page.messages]
