"""What accounts show, hide and block, as devices ask for it, without sockets or processes."""

import msgspec
import pytest
import pytest_asyncio

from tests.sandbox.conftest import ANN, BOB, CAROL, code, got
from tests.sandbox.test_phones import link, send
from wagateway.commands import sandbox as c
from wagateway.contract import Problem
from wagateway.sandbox import control, presence, settings
from wagateway.sandbox.control import people
from wagateway.sandbox.services.catalogue import desk
from wagateway.sandbox.state import LID, SERVER, USER, Endpoint
from wagateway.sandbox.world import World
from wagateway.whatsapp import appstate
from wagateway.whatsapp.protos import SyncAction, VnameCert
from wagateway.whatsapp.stanza import Jid, Node, decode

JPEG = b"\xff\xd8\xff\xe0picture"


@pytest_asyncio.fixture
async def world(world: World) -> World:
    for phone in world.phones.values():
        link(phone)
    return world


def device(world: World, number: str) -> Endpoint:
    return Endpoint(world.phones[number].account, 1)


def ask(world: World, number: str, xmlns: str, kind: str, *body: Node, target: Jid | None = None) -> Node:
    """The answer to a device of this number."""
    attrs: dict[str, str | Jid] = {"xmlns": xmlns, "id": "1", "type": kind, "to": SERVER}
    if target is not None:
        attrs["target"] = target
    return desk(world.network, world.phones, world.media)(device(world, number), Node("iq", attrs, [*body]))


def told(world: World, number: str, kind: str) -> list[Node]:
    waiting = map(decode, world.network.waiting(device(world, number)))
    return [node.children()[0] for node in waiting if node.attr("type") == kind]


def jid(world: World, number: str, server: str = LID) -> Jid:
    return world.network.accounts[number].jid(server)


def show(world: World, viewer: str, owner: Jid, known: str = "") -> Node:
    picture = Node("picture", {"query": "url", "type": "image", "id": known})
    return ask(world, viewer, "w:profile:picture", "get", picture, target=owner)


def asked_of(world: World, viewer: str, *users: Node) -> list[Node]:
    """The answers of a query for everything."""
    tags = ("contact", "business", "status", "picture", "devices", "lid", "username")
    query = Node("query", {}, [Node(tag) for tag in tags])
    body = Node("usync", {"mode": "full"}, [query, Node("list", {}, [*users])])
    return got(ask(world, viewer, "usync", "get", body), "usync", "list").children()


async def test_a_picture_is_set_shown_and_taken_away(world: World) -> None:
    await control.add_contacts(world, c.AddContacts(phone=BOB, contacts=[c.Contact(ANN, "Ann")]))
    assert "404" == code(show(world, BOB, jid(world, ANN)))
    set_ = ask(world, ANN, "w:profile:picture", "set", Node("picture", {"type": "image"}, JPEG))
    id_ = got(set_, "picture").attr("id")
    shown = got(show(world, BOB, jid(world, ANN)), "picture")
    assert id_ == shown.attr("id")
    assert shown.attr("url").startswith("https://pps.whatsapp.net/")
    file = world.media.find(shown.attr("direct_path"))
    assert file is not None
    assert JPEG == file.read_bytes()
    assert [] == show(world, BOB, jid(world, ANN), known=id_).children()
    ask(world, ANN, "w:profile:picture", "set")
    assert "404" == code(show(world, BOB, jid(world, ANN)))
    assert ["set", "delete"] == [node.tag for node in told(world, BOB, "picture")]
    assert [] == told(world, CAROL, "picture")


async def test_a_picture_that_is_none_or_of_somebody_else_is_refused(world: World) -> None:
    picture = Node("picture", {"type": "image"}, b"no picture")
    assert "406" == code(ask(world, ANN, "w:profile:picture", "set", picture))
    picture = Node("picture", {"type": "image"}, JPEG)
    assert "403" == code(ask(world, ANN, "w:profile:picture", "set", picture, target=jid(world, BOB)))


async def test_a_group_has_a_picture_for_its_members(world: World) -> None:
    made = await control.create_group(world, c.PhoneCreateGroup(phone=ANN, subject="Team", members=[BOB]))
    group = Jid.parse(made.jid)
    picture = Node("picture", {"type": "image"}, JPEG)
    id_ = got(ask(world, BOB, "w:profile:picture", "set", picture, target=group), "picture").attr("id")
    assert id_ == got(show(world, ANN, group), "picture").attr("id")
    assert "401" == code(show(world, CAROL, group))
    await people.phone_set_group(world, c.PhoneSetGroup(phone=ANN, group=made.jid, locked=True))
    assert "403" == code(ask(world, BOB, "w:profile:picture", "set", picture, target=group))
    assert [group] == [node.jid("jid") for node in told(world, ANN, "picture")]


async def test_privacy_hides_picture_and_about_from_others(world: World) -> None:
    command = c.SetProfile(phone=ANN, picture=JPEG, about="I", privacy={"profile": "contacts"})
    await people.set_profile(world, command)
    assert "401" == code(show(world, BOB, jid(world, ANN)))
    await control.add_contacts(world, c.AddContacts(phone=ANN, contacts=[c.Contact(BOB, "Bob")]))
    assert got(show(world, BOB, jid(world, ANN)), "picture")
    [user] = asked_of(world, CAROL, Node("user", {"jid": jid(world, ANN, USER)}))
    assert (None, b"I") == (user.child("picture"), got(user, "status").body())
    await people.set_profile(world, c.SetProfile(phone=ANN, privacy={"status": "none"}))
    [user] = asked_of(world, CAROL, Node("user", {"jid": jid(world, ANN, USER)}))
    assert "401" == got(user, "status").attr("code")


async def test_privacy_settings_are_told_changed_and_checked(world: World) -> None:
    change = Node("privacy", {}, [Node("category", {"name": "last", "value": "contacts"})])
    assert "result" == ask(world, ANN, "privacy", "set", change).attr("type")
    found = got(ask(world, ANN, "privacy", "get", Node("privacy")), "privacy").children()
    values = {each.attr("name"): each.attr("value") for each in found}
    assert ("contacts", "all", 7) == (values["last"], values["groupadd"], len(values))
    wrong = Node("privacy", {}, [Node("category", {"name": "readreceipts", "value": "contacts"})])
    assert "400" == code(ask(world, ANN, "privacy", "set", wrong))


async def test_last_seen_is_hidden(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[str] = []
    monkeypatch.setattr(world.network, "mention", lambda _, stanza: heard.append(stanza.attr("last")))
    presence.change(world.network, world.phones[ANN].account, available=False)
    subscription = Node("presence", {"type": "subscribe", "to": jid(world, ANN)})
    presence.received(world.network, device(world, BOB), subscription)
    await people.set_profile(world, c.SetProfile(phone=ANN, privacy={"last": "none"}))
    presence.received(world.network, device(world, BOB), subscription)
    assert [True, False] == [each.isdigit() for each in heard]


async def test_blocking_is_known_to_the_other_devices_and_undone(world: World) -> None:
    item = Node("item", {"jid": jid(world, BOB), "action": "block", "pn_jid": jid(world, BOB, USER)})
    listed = got(ask(world, ANN, "blocklist", "set", item), "list")
    assert [jid(world, BOB)] == [each.jid("jid") for each in listed.children()]
    again = got(ask(world, ANN, "blocklist", "get"), "list")
    assert listed.attr("dhash") == again.attr("dhash")
    shown = await people.show_profile(world, c.ShowProfile(phone=ANN))
    assert [f"{BOB}@s.whatsapp.net"] == shown.blocked
    await people.set_profile(world, c.SetProfile(phone=ANN, unblock=[BOB]))
    [change] = told(world, ANN, "account_sync")
    assert "unblock" == got(change, "item").attr("action")
    assert [] == got(ask(world, ANN, "blocklist", "get"), "list").children()


async def test_what_is_asked_about_people_is_answered(world: World) -> None:
    await people.set_profile(world, c.SetProfile(phone=BOB, business="Bob's Bakery"))
    known, other, unknown = (
        Node("user", {}, [Node("contact", {}, f"+{n}@c.us".encode())]) for n in (BOB, CAROL, 1)
    )
    bob, carol, nobody = asked_of(world, ANN, known, other, unknown)
    states = [got(each, "contact").attr("type") for each in (bob, carol, nobody)]
    assert (["in", "in", "out"], None) == (states, carol.child("business"))
    assert (jid(world, BOB), jid(world, BOB, USER)) == (bob.jid("jid"), bob.jid("pn_jid"))
    certificate = VnameCert.VerifiedNameCertificate.FromString(got(bob, "business", "verified_name").body())
    details = VnameCert.VerifiedNameCertificate.Details.FromString(certificate.details)
    assert "Bob's Bakery" == details.verifiedName


async def test_somebody_is_asked_about_by_lid(world: World) -> None:
    by_lid, by_phone, missing = asked_of(
        world,
        ANN,
        Node("user", {"jid": jid(world, BOB)}),
        Node("user", {"jid": jid(world, BOB, USER)}),
        Node("user", {"jid": Jid("1", LID)}),
    )
    assert got(by_lid, "devices", "device-list").children()
    assert by_lid.child("lid") is None
    assert jid(world, BOB) == got(by_phone, "lid").jid("val")
    assert [] == missing.children()


async def test_a_devices_new_name_becomes_the_accounts(world: World) -> None:
    account = world.phones[ANN].account
    value = SyncAction.SyncActionValue()
    value.pushNameSetting.name = "Ann the Great"
    state = appstate.Collection("critical_block")
    mutation = appstate.Mutation(["setting_pushName"], value)
    patch, _ = appstate.build_patch(state, settings.key(account), [mutation])
    patch.ClearField("version")
    sent = Node("patch", {}, patch.SerializeToString())
    collection = Node("collection", {"name": "critical_block", "version": "0"}, [sent])
    ask(world, ANN, "w:sync:app:state", "set", Node("sync", {}, [collection]))
    assert "Ann the Great" == account.name


async def test_a_new_about_is_told_to_those_who_know_the_account(world: World) -> None:
    await control.add_contacts(world, c.AddContacts(phone=BOB, contacts=[c.Contact(ANN, "Ann")]))
    body = msgspec.json.encode({"variables": {"input": {"text": "Busy", "ephemeral_duration_sec": 0}}})
    ask(world, ANN, "w:mex", "get", Node("query", {"query_id": "9152604461510864"}, body))
    assert "Busy" == world.phones[ANN].account.about
    assert [b"Busy"] == [node.body() for node in told(world, BOB, "status")]


async def test_a_setting_that_whatsapp_does_not_have_is_refused_to_a_phone(world: World) -> None:
    with pytest.raises(Problem) as refused:
        await people.set_profile(world, c.SetProfile(phone=ANN, privacy={"shoe_size": "all"}))
    assert "REFUSED" == refused.value.code


async def test_nothing_passes_between_who_blocks_and_who_is_blocked(world: World) -> None:
    await people.set_profile(world, c.SetProfile(phone=ANN, block=[BOB]))
    await send(world, "to the blocked")
    await send(world, "from the blocked", sender=BOB, to=ANN)
    assert [] == [*world.phones[ANN].inbox, *world.phones[BOB].inbox, *world.phones[BOB].receipts]
    await people.set_profile(world, c.SetProfile(phone=ANN, unblock=[BOB]))
    await send(world, "to the free")
    assert ["to the free"] == [each.text for each in world.phones[BOB].inbox]


async def test_who_hides_reading_sends_no_read_receipts(world: World) -> None:
    await people.set_profile(world, c.SetProfile(phone=BOB, privacy={"readreceipts": "none"}))
    await send(world, "read this")
    assert 1 == world.phones[BOB].mark_read([])
    assert ["delivered"] == [each.type for each in world.phones[ANN].receipts]


async def test_only_administrators_write_to_a_group_that_announces(world: World) -> None:
    made = await control.create_group(world, c.PhoneCreateGroup(phone=ANN, subject="Team", members=[BOB]))
    await people.phone_set_group(world, c.PhoneSetGroup(phone=ANN, group=made.jid, announce=True))
    await send(world, "mine", sender=BOB, to=made.jid)
    await send(world, "news", to=made.jid)
    assert ["news"] == [each.text for each in world.phones[BOB].inbox]
    assert [] == world.phones[ANN].inbox
