"""Lost keys on either side, with the real neonize client and the network in this process."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio

from tests.sandbox.conftest import RealClient
from wagateway.commands import sandbox as c
from wagateway.sandbox import control
from wagateway.sandbox.identity import tls_context
from wagateway.sandbox.phones import Phone
from wagateway.sandbox.proxy import opener
from wagateway.sandbox.server import announce
from wagateway.sandbox.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")

ANN, BOB = "628333000001", "628333000002"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    folder = tmp_path_factory.mktemp("network")
    world = World(folder)
    make = opener(world, tls_context(world.identity, folder))
    listener = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0)
    announce(world, folder, listener.sockets[0].getsockname()[1])
    yield world
    listener.close()
    world.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def bob(world: World) -> Phone:
    return world.add_phone(BOB, "Bob")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ann(
    world: World, bob: Phone, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[RealClient]:
    world.add_phone(ANN, "Ann")
    client = RealClient(world.folder, "ann")
    await client.start()
    await control.scan_qr(world, c.ScanQr(phone=ANN, qr=(await client.hears("qr"))["code"]))
    await client.hears("connected")
    await client.does("send", to=BOB, text="hello")
    await control.phone_send_text(world, c.PhoneSendText(phone=BOB, to=ANN, text="hello back"))
    await client.hears("message", text="hello back")
    yield client
    await client.kill()


async def arrives(phone: Phone, text: str) -> bool:
    return await phone.bell.until(lambda: phone.inbox[-1:] != [] and phone.inbox[-1].text == text, 10)


async def test_a_device_sends_again_to_a_phone_that_lost_its_sessions(ann: RealClient, bob: Phone) -> None:
    bob.sessions.store.sessions.clear()
    await ann.does("send", to=BOB, text="can you read this?")
    assert await arrives(bob, "can you read this?")


async def test_a_phone_sends_again_to_a_device_that_cannot_decrypt(
    world: World, ann: RealClient, bob: Phone
) -> None:
    sessions = bob.sessions.store.sessions
    [address] = [each for each in sessions if each.startswith(world.network.accounts[ANN].lid + ":1")]
    newest, *older = sessions[address]
    sessions[address] = (msgspec.structs.replace(newest, key=bytes(32)), *older)
    await control.phone_send_text(world, c.PhoneSendText(phone=BOB, to=ANN, text="garbled at first"))
    await ann.hears("message", text="garbled at first")


async def test_a_group_message_is_sent_again_to_a_phone_that_lost_the_keys(
    world: World, ann: RealClient, bob: Phone
) -> None:
    group = await control.create_group(world, c.PhoneCreateGroup(phone=BOB, subject="Team", members=[ANN]))
    await ann.hears("joined", group=group.jid)
    bob.sessions.store.sessions.clear()
    bob.sessions.store.sender_keys.clear()
    await ann.does("send", to=group.jid, text="to the team")
    assert await arrives(bob, "to the team")


async def test_devices_of_one_account_see_what_each_other_sends(
    world: World, ann: RealClient, bob: Phone
) -> None:
    second = RealClient(world.folder, "second")
    await second.start()
    try:
        await control.scan_qr(world, c.ScanQr(phone=ANN, qr=(await second.hears("qr"))["code"]))
        await second.hears("connected")
        await second.does("send", to=BOB, text="from the second")
        assert (await ann.hears("message", text="from the second"))["from_me"]
        await ann.does("send", to=BOB, text="from the first")
        assert (await second.hears("message", text="from the first"))["from_me"]
        await control.phone_send_text(world, c.PhoneSendText(phone=BOB, to=ANN, text="to both"))
        await ann.hears("message", text="to both")
        await second.hears("message", text="to both")
    finally:
        await second.kill()


async def test_a_status_is_sent_again_to_a_phone_that_lost_the_keys(
    world: World, ann: RealClient, bob: Phone
) -> None:
    await control.add_contacts(world, c.AddContacts(phone=ANN, contacts=[c.Contact(BOB, "Bob Brown")]))
    await ann.does("knows", number=BOB)
    bob.sessions.store.sessions.clear()
    bob.sessions.store.sender_keys.clear()
    await ann.does("send", to="status@broadcast", text="to everybody")
    assert await arrives(bob, "to everybody")


async def test_a_status_is_sent_again_to_a_device_that_cannot_decrypt(
    world: World, ann: RealClient, bob: Phone
) -> None:
    await control.add_contacts(world, c.AddContacts(phone=BOB, contacts=[c.Contact(ANN, "Ann Archer")]))
    sessions = bob.sessions.store.sessions
    [address] = [each for each in sessions if each.startswith(world.network.accounts[ANN].lid + ":1")]
    newest, *older = sessions[address]
    sessions[address] = (msgspec.structs.replace(newest, key=bytes(32)), *older)
    await control.phone_send_text(
        world, c.PhoneSendText(phone=BOB, to="status@broadcast", text="garbled status")
    )
    await ann.hears("message", text="garbled status")
