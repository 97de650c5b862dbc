"""Status posts and address books among virtual phones: without sockets or processes."""

from pathlib import Path

from tests.sandbox.conftest import ANN, BOB, CAROL
from tests.sandbox.test_phones import link, send, settle
from wagateway.commands import sandbox as c
from wagateway.sandbox import control, settings, welcome
from wagateway.sandbox.state import USER
from wagateway.sandbox.world import World
from wagateway.whatsapp import appstate
from wagateway.whatsapp.protos import ServerSync
from wagateway.whatsapp.stanza import decode

STATUS = "status@broadcast"


async def know(world: World, number: str, *contacts: tuple[str, str]) -> None:
    await control.add_contacts(
        world, c.AddContacts(phone=number, contacts=[c.Contact(*each) for each in contacts])
    )


async def test_a_status_reaches_the_contacts_of_its_author(world: World) -> None:
    await know(world, ANN, (BOB, "Bob Brown"), (ANN, "Myself"))
    id_ = await send(world, "my day", to=STATUS)
    [got] = world.phones[BOB].inbox
    assert (id_, "my day", STATUS, f"{ANN}@{USER}") == (got.id, got.text, got.chat, got.sender)
    assert [] == [*world.phones[CAROL].inbox, *world.phones[ANN].inbox]


async def test_the_author_of_a_status_hears_who_got_and_read_it(world: World) -> None:
    await know(world, ANN, (BOB, "Bob Brown"))
    await send(world, "my day", to=STATUS)
    world.phones[BOB].mark_read([])
    assert [("delivered", f"{BOB}@{USER}"), ("read", f"{BOB}@{USER}")] == [
        (each.type, each.sender) for each in world.phones[ANN].receipts
    ]


async def test_a_contact_that_lost_its_keys_asks_the_status_again(world: World) -> None:
    await know(world, ANN, (BOB, "Bob Brown"))
    await send(world, "first", to=STATUS)
    world.phones[BOB].sessions.store.sessions.clear()
    world.phones[BOB].sessions.store.sender_keys.clear()
    await send(world, "second", to=STATUS)
    assert ["first", "second"] == [each.text for each in world.phones[BOB].inbox]


async def test_contacts_are_written_into_app_state_and_told_to_companions(world: World) -> None:
    companion, _ = link(world.phones[ANN])
    await know(world, ANN, (BOB, "Bob Brown"))
    await know(world, ANN, (CAROL, "Carol Clark"), (BOB, "Robert Brown"))
    told = [decode(each) for each in world.network.waiting(companion)]
    versions = [each.content[0].attr("version") for each in told if each.attr("type") == "server_sync"]  # type: ignore[union-attr, index]
    assert ["1", "2"] == versions
    account = world.phones[ANN].account
    state = appstate.Collection("critical_unblock_low")
    names: dict[str, str] = {}
    for raw in account.collections["critical_unblock_low"].patches:
        patch = ServerSync.SyncdPatch.FromString(raw)
        mutations, state = appstate.decode_patch(state, settings.key(account), patch)
        names |= {each.index[1]: each.value.contactAction.fullName for each in mutations}
    assert {f"{BOB}@{USER}": "Robert Brown", f"{CAROL}@{USER}": "Carol Clark"} == names


async def test_a_new_companion_hears_of_settings_only_with_their_key(world: World) -> None:
    await know(world, ANN, (BOB, "Bob Brown"))
    phone = world.phones[ANN]
    companion, _ = link(phone)
    companion.companion.greeted = False
    welcome.greet(world.network, phone, companion)
    told = [decode(each) for each in world.network.waiting(companion)]
    assert [("message", "peer"), ("message", "peer")] == [(each.tag, each.attr("category")) for each in told]


async def test_contacts_outlive_the_process(tmp_path: Path) -> None:
    first = World(tmp_path)
    first.add_phone(ANN, "Ann"), first.add_phone(BOB, "Bob")
    await know(first, ANN, (BOB, "Bob Brown"))
    first.close()
    second = World(tmp_path)
    await send(second, "still here", to=STATUS)
    assert ["still here"] == [each.text for each in second.phones[BOB].inbox]
    await settle(second)
    second.close()
