"""The real neonize client on the sandbox: linking, texts, groups, restarts."""

import signal

import pytest
import pytest_asyncio

from tests.sandbox.conftest import NewClient, RealClient, Sandbox
from wagateway.commands import sandbox as c
from wagateway.contract import Problem

pytestmark = pytest.mark.asyncio(loop_scope="session")

ANN, BOB, CAROL, DAVE = "628111000001", "628111000002", "628111000003", "628111000004"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ann(new_client: NewClient) -> RealClient:
    return await new_client("ann", ANN)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def bob(new_client: NewClient) -> RealClient:
    return await new_client("bob", BOB)


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def carol(sandbox: Sandbox) -> None:
    await sandbox.ask(c.AddPhone(phone=CAROL, name="Carol"))


async def next_in_inbox(sandbox: Sandbox, phone: str, after: int) -> c.InboxMessage:
    page = await sandbox.ask(c.Inbox(phone=phone, after=after, wait=10))
    assert page.messages, "nothing came"
    first: c.InboxMessage = page.messages[0]
    return first


async def seen(sandbox: Sandbox, phone: str) -> int:
    total: int = (await sandbox.ask(c.Inbox(phone=phone))).total
    return total


async def test_a_text_of_a_device_reaches_the_phone_and_the_own_phone(
    sandbox: Sandbox, ann: RealClient
) -> None:
    after, own = await seen(sandbox, CAROL), await seen(sandbox, ANN)
    sent = await ann.does("send", to=CAROL, text="hello carol")
    got = await next_in_inbox(sandbox, CAROL, after)
    assert (sent["id"], "hello carol", f"{ANN}@s.whatsapp.net") == (got.id, got.text, got.sender)
    copy = await next_in_inbox(sandbox, ANN, own)
    assert (sent["id"], True, f"{CAROL}@s.whatsapp.net") == (copy.id, copy.from_me, copy.chat)
    await ann.hears("receipt", ids=[sent["id"]])


async def test_a_text_of_a_phone_reaches_the_device_and_its_receipt_comes_back(
    sandbox: Sandbox, ann: RealClient
) -> None:
    before = (await sandbox.ask(c.Receipts(phone=CAROL))).total
    sent = await sandbox.ask(c.PhoneSendText(phone=CAROL, to=ANN, text="hello ann"))
    got = await ann.hears("message", text="hello ann")
    assert (sent.ids[0], f"{CAROL}@s.whatsapp.net", "Carol") == (got["id"], got["alt"], got["name"])
    page = await sandbox.ask(c.Receipts(phone=CAROL, after=before, wait=10))
    assert sent.ids[0] in [receipt.id for receipt in page.receipts]


async def test_what_the_own_phone_sends_shows_on_its_device(sandbox: Sandbox, ann: RealClient) -> None:
    await sandbox.ask(c.PhoneSendText(phone=ANN, to=CAROL, text="from my phone"))
    got = await ann.hears("message", text="from my phone")
    assert got["from_me"]


async def test_devices_of_two_accounts_talk_to_each_other(
    sandbox: Sandbox, ann: RealClient, bob: RealClient
) -> None:
    sent = await ann.does("send", to=BOB, text="device to device")
    assert sent["id"] == (await bob.hears("message", text="device to device"))["id"]
    back = await bob.does("send", to=ANN, text="and back")
    assert back["id"] == (await ann.hears("message", text="and back"))["id"]


async def test_a_read_message_is_told_to_its_sender(sandbox: Sandbox, ann: RealClient) -> None:
    after = await seen(sandbox, CAROL)
    sent = await ann.does("send", to=CAROL, text="read me")
    await next_in_inbox(sandbox, CAROL, after)
    await sandbox.ask(c.MarkRead(phone=CAROL, ids=[sent["id"]]))
    await ann.hears("receipt", ids=[sent["id"]], type=4)


async def test_a_number_unknown_to_the_network_cannot_be_sent_to(ann: RealClient) -> None:
    assert "no LID found" in (await ann.does("send", to="628999999999", text="anyone?"))["error"]
    assert [True, False] == (await ann.does("check", numbers=["+" + CAROL, "+628999999999"]))["found"]


async def test_messages_wait_for_a_killed_client(sandbox: Sandbox, bob: RealClient) -> None:
    await bob.kill()
    texts = [f"while away {n}" for n in range(20)]
    await sandbox.ask(c.PhoneSendText(phone=CAROL, to=BOB, text="while away {n}", count=20))
    await bob.start()
    await bob.hears("message", text=texts[-1])
    assert texts == [each["text"] for each in bob.said if each["said"] == "message"]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
async def test_sessions_outlive_a_restart_of_the_sandbox(
    sandbox: Sandbox, ann: RealClient, how: signal.Signals
) -> None:
    after = await seen(sandbox, CAROL)
    await sandbox.ask(c.PhoneSendText(phone=CAROL, to=ANN, text=f"before {how.name}"))
    await sandbox.stop(how)
    ann.said.clear()
    await sandbox.start()
    await ann.hears("connected", seconds=30)
    assert (await sandbox.ask(c.Inbox(phone=CAROL))).total == after
    assert "id" in await ann.does("send", to=CAROL, text=f"after {how.name}")
    assert f"after {how.name}" == (await next_in_inbox(sandbox, CAROL, after)).text
    await sandbox.ask(c.PhoneSendText(phone=CAROL, to=ANN, text=f"again {how.name}"))
    await ann.hears("message", text=f"again {how.name}")


async def test_a_device_is_linked_by_code(sandbox: Sandbox, new_client: NewClient) -> None:
    await sandbox.ask(c.AddPhone(phone=DAVE, name="Dave"))
    client = await new_client("dave")
    await client.hears("qr")
    code = (await client.does("pair_code", number=DAVE))["code"]
    wrong = "AAAA" + code[4:]
    with pytest.raises(Problem) as refused:
        await sandbox.ask(c.EnterCode(phone=DAVE, code=wrong))
    assert "WRONG_CODE" == refused.value.code
    code = (await client.does("pair_code", number=DAVE))["code"]
    linked = await sandbox.ask(c.EnterCode(phone=DAVE, code=code))
    assert DAVE == linked.phone
    await client.hears("connected")
    assert "id" in await client.does("send", to=CAROL, text="linked by code")


async def test_a_group_text_goes_both_ways(sandbox: Sandbox, ann: RealClient, bob: RealClient) -> None:
    group = await sandbox.ask(c.PhoneCreateGroup(phone=CAROL, subject="Team", members=[ANN, BOB]))
    await ann.hears("joined", group=group.jid)
    for text in ("hello team", "hello again"):
        await sandbox.ask(c.PhoneSendText(phone=CAROL, to=group.jid, text=text))
        got = await ann.hears("message", text=text)
        assert (group.jid, f"{CAROL}@s.whatsapp.net") == (got["chat"], got["alt"])
        await bob.hears("message", text=text)
    after = await seen(sandbox, CAROL)
    sent = await ann.does("send", to=group.jid, text="hello from ann")
    assert (sent["id"], "hello from ann", group.jid) == (
        (got_ := await next_in_inbox(sandbox, CAROL, after)).id,
        got_.text,
        got_.chat,
    )
    await bob.hears("message", text="hello from ann")
    await bob.does("send", to=group.jid, text="hello from bob")
    await ann.hears("message", text="hello from bob")


async def test_a_device_creates_a_group(sandbox: Sandbox, ann: RealClient, bob: RealClient) -> None:
    made = await ann.does("create_group", subject="Made by ann", members=[BOB, CAROL])
    await bob.hears("joined", group=made["group"])
    assert made["group"] in (await bob.does("groups"))["groups"]


async def test_presence_and_typing_are_seen(sandbox: Sandbox, ann: RealClient) -> None:
    assert "error" not in await ann.does("available")
    await sandbox.ask(c.SetPresence(phone=CAROL, state="available"))
    assert "error" not in await ann.does("subscribe", to=CAROL)
    await ann.hears("presence", unavailable=False)
    await sandbox.ask(c.SetPresence(phone=CAROL, state="composing", to=ANN))
    await ann.hears("typing")


async def test_media_survives_upload_and_download(ann: RealClient) -> None:
    assert (await ann.does("upload", bytes=300_000))["same"]


async def test_a_history_of_6_mb_arrives(sandbox: Sandbox, ann: RealClient) -> None:
    await sandbox.ask(c.SendHistory(phone=ANN, bytes=6_000_000, conversations=30))
    history = await ann.hears("history")
    assert 30 == history["chats"]
    assert 5_000_000 < history["bytes"] < 7_000_000
