"""Calls from virtual phones to devices that are never connected: without sockets or processes."""

from pathlib import Path

import pytest

from tests.sandbox.conftest import ANN, BOB, CAROL
from tests.sandbox.test_phones import link
from wagateway.commands import sandbox as c
from wagateway.contract import Problem
from wagateway.sandbox import calls, control
from wagateway.sandbox.control.calls import list_calls, phone_call, phone_hang_up, show_presence
from wagateway.sandbox.network import waiting_key
from wagateway.sandbox.state import LID, USER, Endpoint
from wagateway.sandbox.world import World
from wagateway.whatsapp.stanza import Jid, Node, decode


def told(world: World, companion: Endpoint) -> list[Node]:
    return [node for node in map(decode, world.network.waiting(companion)) if node.tag == "call"]


def reject(world: World, device: Endpoint, offer: Node) -> Node:
    """As a real client does it: to whom the offer names as the call's creator."""
    (child,) = offer.children()
    creator = child.jid("call-creator")
    about: dict[str, str | Jid] = {"call-id": child.attr("call-id"), "call-creator": creator, "count": "0"}
    stanza = Node("call", {"id": "R1", "from": device.jid(USER), "to": creator}, [Node("reject", about)])
    return calls.received(world.network, device, stanza)


async def only(world: World) -> c.CallInfo:
    (call,) = await list_calls(world, c.Calls(phone=ANN))
    return call


async def test_a_call_is_offered_to_linked_devices_until_they_acknowledge(world: World) -> None:
    device, _ = link(world.phones[BOB])
    made = await phone_call(world, c.PhoneCall(phone=ANN, to=BOB, video=True))
    (stanza,) = told(world, device)
    (offer,) = stanza.children()
    ann = world.phones[ANN].account
    assert ("offer", made.id, ann.jid(LID)) == (offer.tag, offer.attr("call-id"), offer.jid("call-creator"))
    assert (ann.jid(LID), ann.jid(USER)) == (stanza.jid("from"), offer.jid("caller_pn"))
    assert ["audio", "video"] == [child.tag for child in offer.children()]
    assert "" == offer.attr("group-jid")
    key = waiting_key("call", stanza.attr("id"), stanza.jid("from"), Node("ack"))
    world.network.acknowledged(device, key)
    assert [] == told(world, device)


async def test_a_rejection_is_acknowledged_and_ends_the_ringing(world: World) -> None:
    device, _ = link(world.phones[BOB])
    made = await phone_call(world, c.PhoneCall(phone=ANN, to=BOB))
    assert "ringing" == (await only(world)).state
    ack = reject(world, device, told(world, device)[0])
    assert ("call", "R1", "reject") == (ack.attr("class"), ack.attr("id"), ack.attr("type"))
    call = await only(world)
    assert (made.id, "rejected", [str(device.jid(USER))]) == (call.id, call.state, call.rejected)
    assert "terminate" == told(world, device)[-1].children()[0].tag


async def test_a_call_in_a_group_rings_on_when_one_has_rejected_it(world: World) -> None:
    devices = [link(world.phones[number])[0] for number in (BOB, CAROL)]
    create = c.PhoneCreateGroup(phone=ANN, subject="Team", members=[BOB, CAROL])
    group = await control.create_group(world, create)
    await phone_call(world, c.PhoneCall(phone=ANN, to=group.jid))
    offers = [told(world, device)[0] for device in devices]
    assert [Jid.parse(group.jid)] * 2 == [one.children()[0].jid("group-jid") for one in offers]
    reject(world, devices[0], offers[0])
    assert "ringing" == (await only(world)).state


async def test_a_call_that_was_hung_up_is_over_and_stays_so(world: World) -> None:
    device, _ = link(world.phones[BOB])
    made = await phone_call(world, c.PhoneCall(phone=ANN, to=BOB))
    await phone_hang_up(world, c.PhoneHangUp(phone=ANN, call_id=made.id))
    offer, end = told(world, device)
    assert "terminate" == end.children()[0].tag
    reject(world, device, offer)
    assert "ended" == (await only(world)).state


async def test_calls_are_remembered(tmp_path: Path) -> None:
    first = World(tmp_path)
    for number in (ANN, BOB):
        first.add_phone(number, "X")
    made = await phone_call(first, c.PhoneCall(phone=ANN, to=BOB))
    first.close()
    second = World(tmp_path)
    assert made == await only(second)
    second.close()


async def test_nobody_calls_those_who_blocked_them(world: World) -> None:
    device, _ = link(world.phones[BOB])
    world.phones[BOB].account.blocked.append(ANN)
    await phone_call(world, c.PhoneCall(phone=ANN, to=BOB))
    assert [] == told(world, device)


async def test_only_calls_of_the_own_can_be_hung_up(world: World) -> None:
    made = await phone_call(world, c.PhoneCall(phone=ANN, to=BOB))
    with pytest.raises(Problem, match="no such call"):
        await phone_hang_up(world, c.PhoneHangUp(phone=BOB, call_id=made.id))


async def test_it_shows_who_is_online(world: World) -> None:
    assert not (await show_presence(world, c.ShowPresence(phone=ANN))).available
    await control.set_presence(world, c.SetPresence(phone=ANN, state="available"))
    assert (await show_presence(world, c.ShowPresence(phone=ANN, available=True, wait=1))).available
