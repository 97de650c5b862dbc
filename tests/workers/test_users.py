"""People and the account itself: what is asked of the engine, and how its answers are told."""

import io
from typing import Any

import pytest
from PIL import Image

from tests.workers.answering import Answering, uploaded
from tests.workers.conftest import ALICE, ALICE_LID, BOB, GROUP, OWN, OWN_LID
from wagateway.commands import users as commands
from wagateway.contract import Problem
from wagateway.problems import device_unavailable
from workers.device import Device
from workers.facts import ContactFacts, GroupFacts, GroupMember, PictureFacts, RegistrationFacts, UserFacts
from workers.handlers import users
from workers.shard import messages

BOB_LID = "900000000000003@lid"
NUMBER = "4915100000002"


@pytest.fixture
def engine() -> Answering:
    return Answering(identities=(ALICE, ALICE_LID))


def learn(device: Device, lid: str, jid: str, name: str) -> None:
    def write(connection: Any) -> None:
        messages.learn_lid(connection, lid, jid)
        messages.learn_name(connection, jid, name)

    device.shard.write(write).result()


@pytest.mark.parametrize("phone", ["+49 151 00000002", ALICE_LID])
async def test_w25_somebody_is_told_with_plain_names_by_phone_or_lid(
    device: Device, engine: Answering, phone: str
) -> None:
    learn(device, ALICE_LID, ALICE, "Alice")
    engine.answers["users"] = [
        UserFacts(
            jid=ALICE,
            verified_name="Alice Ltd",
            status="busy",
            picture_id="17",
            devices=[ALICE, f"{NUMBER}:3@s.whatsapp.net", f"{NUMBER}.1:4@s.whatsapp.net"],
        )
    ]
    told = await users.get_user_info(device, commands.GetUserInfo(phone=phone))
    assert (ALICE, ALICE_LID, "Alice Ltd", "busy", "17") == (
        told.resolved_phone, told.resolved_lid, told.verified_name, told.status, told.picture_id,
    )  # fmt: skip
    (info,) = told.data
    assert ("Alice", "Alice Ltd", "busy", "17", told.devices) == (
        info.name, info.verified_name, info.status, info.picture_id, info.devices,
    )  # fmt: skip
    assert [(NUMBER, 0, 0, False), (NUMBER, 0, 3, True), (NUMBER, 1, 4, True)] == [
        (one.user, one.agent, one.device, one.ad) for one in told.devices
    ]
    assert ("users", [ALICE]) in engine.asked


async def test_the_name_in_the_address_book_is_the_best(device: Device, engine: Answering) -> None:
    learn(device, ALICE_LID, ALICE, "ali")
    engine.answers |= {
        "users": [UserFacts(jid=ALICE)],
        "contact": ContactFacts(jid=ALICE, full_name="Alice Smith"),
        "registered": RegistrationFacts(is_in=True, jid=ALICE, verified_name="Alice Ltd"),
    }
    told = await users.get_user_info(device, commands.GetUserInfo(phone=ALICE))
    assert "Alice Smith" == told.data[0].name
    assert "Alice Ltd" == told.verified_name  # which neonize drops from the other answer
    assert ("contact", ALICE) in engine.asked


@pytest.mark.parametrize("phone", [OWN, OWN_LID])
async def test_the_account_is_told_under_its_own_name(device: Device, engine: Answering, phone: str) -> None:
    device.lid, device.display_name = OWN_LID, "Me"
    engine.answers |= {
        "identities": (OWN, OWN_LID),
        "users": [UserFacts(jid=OWN, verified_name="Me Ltd")],
        "contact": ContactFacts(jid=OWN, full_name="Somebody"),
    }
    told = await users.get_user_info(device, commands.GetUserInfo(phone=phone))
    assert "Me" == told.data[0].name


async def test_who_is_not_on_whatsapp_is_not_found(device: Device, engine: Answering) -> None:
    engine.answers["users"] = []
    with pytest.raises(Problem) as caught:
        await users.get_user_info(device, commands.GetUserInfo(phone=ALICE))
    assert (404, "USER_NOT_FOUND") == (caught.value.status, caught.value.code)


async def test_a_number_is_checked_by_its_digits(device: Device, engine: Answering) -> None:
    engine.answers["registered"] = RegistrationFacts(is_in=True, jid=ALICE, verified_name="Shop")
    found = await users.check_user(device, commands.CheckUser(phone="+49 (151) 0000-0002"))
    assert (True, ALICE, ALICE_LID, "Shop") == (
        found.is_on_whatsapp, found.jid, found.lid, found.verified_name,
    )  # fmt: skip
    assert ("registered", NUMBER) == engine.asked[0]


async def test_a_lid_is_checked_by_its_number(device: Device, engine: Answering) -> None:
    engine.answers["registered"] = RegistrationFacts(is_in=False)
    found = await users.check_user(device, commands.CheckUser(phone=ALICE_LID))
    assert (False, "", "") == (found.is_on_whatsapp, found.jid, found.lid)
    assert [("identities", ALICE_LID), ("registered", NUMBER)] == engine.asked


async def test_a_lid_without_a_number_cannot_be_checked(device: Device, engine: Answering) -> None:
    engine.answers["identities"] = ("", ALICE_LID)
    with pytest.raises(Problem) as caught:
        await users.check_user(device, commands.CheckUser(phone=ALICE_LID))
    assert (404, "USER_NOT_FOUND") == (caught.value.status, caught.value.code)


async def test_w24_a_check_that_failed_is_no_no(device: Device, engine: Answering) -> None:
    engine.answers["registered"] = device_unavailable("WhatsApp did not answer")
    with pytest.raises(Problem) as caught:
        await users.check_user(device, commands.CheckUser(phone=ALICE))
    assert 503 == caught.value.status


async def test_w24_a_number_with_many_spaces_is_a_person(device: Device, engine: Answering) -> None:
    engine.answers["registered"] = RegistrationFacts(is_in=False)
    await users.check_user(device, commands.CheckUser(phone="+49 1 5 1 0 0 0 0 0 0 0 2"))
    assert [("registered", NUMBER)] == engine.asked


@pytest.mark.parametrize("phone", [GROUP, "123456789@newsletter", "x"])
async def test_a_person_must_be_one(device: Device, engine: Answering, phone: str) -> None:
    for handler, kind in (
        (users.check_user, commands.CheckUser),
        (users.get_user_info, commands.GetUserInfo),
        (users.block_user, commands.BlockUser),
        (users.get_identities, commands.GetIdentities),
        (users.get_business_profile, commands.GetBusinessProfile),
    ):
        with pytest.raises(Problem, match="phone") as caught:
            await handler(device, kind(phone=phone))  # type: ignore[arg-type]
        assert (400, []) == (caught.value.status, engine.asked)


async def test_a_business_profile_cannot_be_had_and_that_is_said(device: Device) -> None:
    with pytest.raises(Problem) as caught:
        await users.get_business_profile(device, commands.GetBusinessProfile(phone=ALICE))
    assert (501, "ENGINE_UNSUPPORTED") == (caught.value.status, caught.value.code)


@pytest.mark.parametrize("phone", [ALICE, GROUP])
async def test_people_and_groups_have_pictures(device: Device, engine: Answering, phone: str) -> None:
    engine.answers["picture"] = PictureFacts("https://pps.whatsapp.net/x", "17", "preview")
    found = await users.get_avatar(device, commands.GetAvatar(phone=phone, is_preview=True))
    assert commands.Avatar("https://pps.whatsapp.net/x", "17", "preview") == found
    assert [("picture", phone, True, False)] == engine.asked


async def test_no_picture_is_not_found(device: Device) -> None:
    with pytest.raises(Problem) as caught:
        await users.get_avatar(device, commands.GetAvatar(phone=ALICE))
    assert (404, "AVATAR_NOT_FOUND") == (caught.value.status, caught.value.code)


async def test_the_accounts_picture_becomes_a_square(device: Device, engine: Answering) -> None:
    source = io.BytesIO()
    Image.new("RGBA", (300, 200), (0, 0, 0, 0)).save(source, "WEBP")
    await users.set_avatar(device, commands.SetAvatar(avatar=uploaded(device, source.getvalue())))
    ((name, jpeg),) = engine.asked
    assert "set_picture" == name
    assert isinstance(jpeg, bytes)
    with Image.open(io.BytesIO(jpeg)) as image:
        assert ("JPEG", (200, 200), (255, 255, 255)) == (image.format, image.size, image.getpixel((9, 9)))


async def test_an_empty_picture_is_refused(device: Device, engine: Answering) -> None:
    with pytest.raises(Problem, match="avatar") as caught:
        await users.set_avatar(device, commands.SetAvatar(avatar=uploaded(device, b"")))
    assert (400, "VALIDATION_ERROR", []) == (caught.value.status, caught.value.code, engine.asked)


async def test_the_push_name_is_set_trimmed_and_never_blank(device: Device, engine: Answering) -> None:
    await users.set_push_name(device, commands.SetPushName(push_name=" Shop "))
    with pytest.raises(Problem, match="push_name"):
        await users.set_push_name(device, commands.SetPushName(push_name="  "))
    assert [("set_push_name", "Shop")] == engine.asked


async def test_w25_privacy_tells_every_setting(device: Device, engine: Answering) -> None:
    engine.answers["privacy"] = {"last_seen": "none", "group_add": "all"}
    told = await users.get_privacy(device, commands.GetPrivacy())
    assert ("none", "all", "") == (told.last_seen, told.group_add, told.online)


async def test_privacy_takes_what_whatsapp_takes(device: Device, engine: Answering) -> None:
    engine.answers["set_privacy"] = {"online": "match_last_seen"}
    told = await users.set_privacy(device, commands.SetPrivacy(name="online", value="match_last_seen"))
    assert "match_last_seen" == told.online
    with pytest.raises(Problem, match="value: read_receipts can only be all, none"):
        await users.set_privacy(device, commands.SetPrivacy(name="read_receipts", value="contacts"))
    assert [("set_privacy", "online", "match_last_seen")] == engine.asked


async def test_groups_are_listed_with_their_members_names(device: Device, engine: Answering) -> None:
    learn(device, ALICE_LID, ALICE, "Alice")
    engine.answers["groups"] = [
        GroupFacts(jid=GROUP, name="Team", members=[GroupMember(ALICE_LID, ALICE_LID), GroupMember(BOB)])
    ]
    (group,) = (await users.list_groups(device, commands.ListGroups())).data
    assert [(ALICE, "Alice"), (BOB, "")] == [(one.jid, one.display_name) for one in group.participants]


async def test_contacts_are_everybody_once_by_their_best_names(device: Device, engine: Answering) -> None:
    learn(device, ALICE_LID, ALICE, "ali")
    learn(device, BOB_LID, BOB, "bob")
    engine.answers["contacts"] = [
        ContactFacts(jid="4915100000009@s.whatsapp.net"),
        ContactFacts(jid=ALICE_LID, push_name="al"),
        ContactFacts(jid=ALICE, full_name="Zoe", first_name="Z"),
        ContactFacts(jid="4915100000008@s.whatsapp.net", business_name="Shop", first_name="S"),
        ContactFacts(jid=GROUP, full_name="no person"),
    ]
    found = (await users.list_contacts(device, commands.ListContacts())).data
    assert [
        ("4915100000009@s.whatsapp.net", "4915100000009", ""),
        (BOB, "bob", BOB_LID),
        ("4915100000008@s.whatsapp.net", "Shop", ""),
        (ALICE, "Zoe", ALICE_LID),
    ] == [(one.jid, one.name, one.lid) for one in found]
    assert "al" == found[3].push_name


async def test_both_jids_of_somebody_are_told(device: Device, engine: Answering) -> None:
    for asked in (ALICE, ALICE_LID):
        found = await users.get_identities(device, commands.GetIdentities(phone=asked))
        assert commands.Identities(ALICE, ALICE_LID) == found
    engine.answers["identities"] = ("", "")
    found = await users.get_identities(device, commands.GetIdentities(phone=ALICE_LID))
    assert commands.Identities("", ALICE_LID) == found


async def test_blocking_answers_who_is_blocked(device: Device, engine: Answering) -> None:
    learn(device, ALICE_LID, ALICE, "Alice")
    engine.answers |= {"blocked": [], "set_blocked": [(ALICE_LID, ALICE_LID), (BOB_LID, BOB_LID)]}
    assert [] == (await users.get_blocked(device, commands.GetBlocked())).data
    found = await users.block_user(device, commands.BlockUser(phone=NUMBER))
    assert [commands.Identities(ALICE, ALICE_LID), commands.Identities("", BOB_LID)] == found.data
    await users.unblock_user(device, commands.UnblockUser(phone=ALICE_LID))
    assert [
        ("blocked",), ("set_blocked", ALICE, True), ("set_blocked", ALICE_LID, False),
    ] == engine.asked  # fmt: skip


@pytest.mark.parametrize("phone", [OWN, OWN_LID])
async def test_nobody_blocks_themselves(device: Device, engine: Answering, phone: str) -> None:
    device.lid = OWN_LID
    with pytest.raises(Problem, match=r"^phone: ") as caught:
        await users.block_user(device, commands.BlockUser(phone=phone))
    assert (400, "VALIDATION_ERROR", []) == (caught.value.status, caught.value.code, engine.asked)


async def test_people_need_a_login(device: Device, engine: Answering) -> None:
    device.state, device.jid = "disconnected", ""
    with pytest.raises(Problem) as caught:
        await users.check_user(device, commands.CheckUser(phone="nonsense"))
    assert (401, []) == (caught.value.status, engine.asked)
    device.state, device.jid = "connecting", OWN
    with pytest.raises(Problem) as caught:
        await users.get_privacy(device, commands.GetPrivacy())
    assert 503 == caught.value.status
