"""Virtual phones among themselves, and what waits for a linked device: without sockets or processes."""

import asyncio
from pathlib import Path

import pytest

from tests.sandbox.conftest import ANN, BOB, CAROL
from wagateway.commands import sandbox as c
from wagateway.contract import Problem
from wagateway.sandbox import control, linking, relay
from wagateway.sandbox.control import people
from wagateway.sandbox.phones import Phone
from wagateway.sandbox.state import LID, USER, Companion, Endpoint
from wagateway.sandbox.world import World
from wagateway.whatsapp.protos import E2E
from wagateway.whatsapp.signal import SignalStore
from wagateway.whatsapp.stanza import Node, decode


async def settle(world: World) -> None:
    """Let turns follow on each other until nothing changes any more."""
    done = asyncio.Event()
    for _ in range(8):
        world.network.after(done.set)
        await done.wait()
        done.clear()


def link(phone: Phone, prekeys: int = 5) -> tuple[Endpoint, SignalStore]:
    """A companion of the phone that is never connected, with its Signal keys."""
    store = SignalStore.create(prekeys=prekeys)
    bundle = store.bundle()
    phone.account.companions[1] = Companion(
        *(1, b"noise", store.identity.public, b"identity", "test", store.registration_id),
        *(bundle.signed_id, bundle.signed_public, bundle.signed_signature),
        one_time=[(number, pair.public) for number, pair in store.prekeys.items()],
        uploaded=True,
        greeted=True,
    )
    return Endpoint(phone.account, 1), store


async def send(world: World, text: str, sender: str = ANN, to: str = BOB, **more: str) -> str:
    reply = await control.phone_send_text(world, c.PhoneSendText(phone=sender, to=to, text=text, **more))  # type: ignore[arg-type]
    await settle(world)
    return reply.ids[0]


async def test_a_text_arrives_with_its_sender_and_is_receipted(world: World) -> None:
    id_ = await send(world, "hello")
    [got] = world.phones[BOB].inbox
    assert (id_, "hello", f"{ANN}@s.whatsapp.net", False) == (got.id, got.text, got.sender, got.from_me)
    [receipt] = world.phones[ANN].receipts
    assert (id_, "delivered", f"{BOB}@s.whatsapp.net") == (receipt.id, receipt.type, receipt.sender)


async def test_a_reply_names_what_it_replies_to(world: World) -> None:
    id_ = await send(world, "question")
    await send(world, "answer", sender=BOB, to=ANN, reply_message_id=id_)
    assert id_ == world.phones[ANN].inbox[0].quoted_id


async def test_reading_sends_a_receipt_once(world: World) -> None:
    id_ = await send(world, "read this")
    assert [1, 0] == [world.phones[BOB].mark_read([]), world.phones[BOB].mark_read([])]
    assert [(id_, "delivered"), (id_, "read")] == [
        (each.id, each.type) for each in world.phones[ANN].receipts
    ]


async def test_a_phone_that_lost_its_sessions_asks_again(world: World) -> None:
    await send(world, "first")
    await send(world, "back", sender=BOB, to=ANN)
    world.phones[BOB].sessions.store.sessions.clear()
    await send(world, "second")
    assert ["first", "second"] == [each.text for each in world.phones[BOB].inbox]


async def test_a_member_that_lost_its_keys_asks_the_group_message_again(world: World) -> None:
    group = await control.create_group(
        world, c.PhoneCreateGroup(phone=ANN, subject="Team", members=[BOB, CAROL])
    )
    await send(world, "one", to=group.jid)
    world.phones[BOB].sessions.store.sender_keys.clear()
    await send(world, "two", to=group.jid)
    for number in (BOB, CAROL):
        assert [("one", group.jid), ("two", group.jid)] == [
            (m.text, m.chat) for m in world.phones[number].inbox
        ]


async def test_who_is_in_no_such_group_cannot_send_to_it(world: World) -> None:
    group = await control.create_group(world, c.PhoneCreateGroup(phone=ANN, subject="Team", members=[BOB]))
    with pytest.raises(Problem):
        await send(world, "let me in", sender=CAROL, to=group.jid)


async def test_a_stranger_cannot_be_sent_to(world: World) -> None:
    with pytest.raises(Problem) as refused:
        await send(world, "anyone?", to="628999999999")
    assert "NOT_ON_WHATSAPP" == refused.value.code


async def test_a_message_waits_for_a_companion_until_it_acknowledges(world: World) -> None:
    companion, store = link(world.phones[BOB])
    ids = [await send(world, text) for text in ("one", "two")]
    waiting = [decode(raw) for raw in world.network.waiting(companion)]
    assert ids == [stanza.attr("id") for stanza in waiting]
    assert [b"one", b"two"] == [opened(store, world.phones[ANN], stanza) for stanza in waiting]
    sender = world.phones[ANN].me.jid(LID)
    relay.receipt(world.network, companion, Node("receipt", {"id": ids[0], "to": sender, "type": "retry"}))
    assert 2 == len(world.network.waiting(companion))
    relay.receipt(world.network, companion, Node("receipt", {"id": ids[0], "to": sender}))
    assert ids[1:] == [decode(raw).attr("id") for raw in world.network.waiting(companion)]


def opened(store: SignalStore, sender: Phone, stanza: Node) -> bytes:
    enc = stanza.child("enc")
    assert enc is not None
    padded = store.decrypt(sender.me.address, enc.attr("type"), enc.body())
    text: str = E2E.Message.FromString(padded[: -padded[-1]]).conversation
    return text.encode()


async def test_everything_outlives_the_process(tmp_path: Path, world: World) -> None:
    link(world.phones[BOB])
    world.network.save(world.phones[BOB].account)
    ids = [await send(world, text) for text in ("one", "two", "three")]
    world.close()
    again = World(tmp_path)
    assert ["one", "two", "three"] == [each.text for each in again.phones[BOB].inbox]
    companion = Endpoint(again.network.accounts[BOB], 1)
    assert ids == [decode(raw).attr("id") for raw in again.network.waiting(companion)]
    await send(again, "four")
    assert "four" == again.phones[BOB].inbox[-1].text
    again.close()


async def test_an_unlinked_companion_gets_nothing_more(world: World) -> None:
    companion, _ = link(world.phones[BOB])
    await send(world, "while linked")
    linking.unlink(world.network, companion)
    await send(world, "after that")
    assert [] == world.network.waiting(companion)
    assert [0] == world.phones[BOB].account.devices()


async def test_watchers_hear_of_a_changed_device_list(world: World) -> None:
    watcher, _ = link(world.phones[ANN])
    gone, _ = link(world.phones[BOB])
    world.phones[BOB].account.watchers.add(ANN)
    linking.unlink(world.network, gone)
    [told] = [decode(raw) for raw in world.network.waiting(watcher)]
    assert ("notification", "devices") == (told.tag, told.attr("type"))
    assert world.phones[BOB].account.jid(LID) == told.jid("from")


async def test_one_time_prekeys_are_given_away_once(world: World) -> None:
    companion, _ = link(world.phones[BOB], prekeys=2)
    given = [world.network.bundle(companion) for _ in range(3)]
    assert [1, 2, None] == [bundle.one_time_id for bundle in given if bundle]


async def test_device_numbers_are_not_used_again_at_once(world: World) -> None:
    account = world.phones[ANN].account
    assert [1, 2, 3] == [world.network.new_device(account) for _ in range(3)]
    account.next_device = 255
    link(world.phones[ANN])
    assert [255, 2] == [world.network.new_device(account) for _ in range(2)]


async def test_a_phone_answers_to_both_its_addresses(world: World) -> None:
    account = world.phones[ANN].account
    assert account is world.network.account(account.jid(USER)) is world.network.account(account.jid(LID))


async def set_profile(world: World, number: str, **more: object) -> None:
    await people.set_profile(world, c.SetProfile(phone=number, **more))  # type: ignore[arg-type]


async def test_nothing_passes_between_those_of_whom_one_blocks_the_other(world: World) -> None:
    companion, _ = link(world.phones[BOB])
    await set_profile(world, BOB, block=[ANN])
    await send(world, "from who is blocked")
    await send(world, "to who is blocked", sender=BOB, to=ANN)
    assert [] == [*world.phones[BOB].inbox, *world.phones[ANN].inbox, *world.phones[ANN].receipts]
    own = [decode(raw) for raw in world.network.waiting(companion)]
    assert ["message"] == [stanza.tag for stanza in own if stanza.tag != "notification"]
    await set_profile(world, BOB, unblock=[ANN])
    await send(world, "again")
    assert ["again"] == [each.text for each in world.phones[BOB].inbox]


async def test_a_group_hears_also_whom_a_member_has_blocked(world: World) -> None:
    group = await control.create_group(world, c.PhoneCreateGroup(phone=ANN, subject="Team", members=[BOB]))
    await set_profile(world, BOB, block=[ANN])
    await send(world, "to all", to=group.jid)
    assert ["to all"] == [each.text for each in world.phones[BOB].inbox]


@pytest.mark.parametrize("hides", [ANN, BOB])
async def test_reading_is_hidden_both_ways_but_not_from_a_group(world: World, hides: str) -> None:
    group = await control.create_group(world, c.PhoneCreateGroup(phone=ANN, subject="Team", members=[BOB]))
    await set_profile(world, hides, privacy={"readreceipts": "none"})
    alone = await send(world, "read this")
    shared = await send(world, "and this", to=group.jid)
    assert 2 == world.phones[BOB].mark_read([])
    kinds = {(each.id, each.type) for each in world.phones[ANN].receipts}
    assert {(alone, "delivered"), (shared, "delivered"), (shared, "read")} == kinds


async def test_only_administrators_write_into_a_group_that_announces(world: World) -> None:
    group = await control.create_group(world, c.PhoneCreateGroup(phone=ANN, subject="Team", members=[BOB]))
    await people.phone_set_group(world, c.PhoneSetGroup(phone=ANN, group=group.jid, announce=True))
    await send(world, "may I?", sender=BOB, to=group.jid)
    await send(world, "I may", to=group.jid)
    assert ([], ["I may"]) == (world.phones[ANN].inbox, [each.text for each in world.phones[BOB].inbox])
