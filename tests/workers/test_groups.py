"""Groups: what is asked of the engine, what comes of each participant, and members as a table."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.workers.answering import Answering, uploaded
from tests.workers.conftest import ALICE, ALICE_LID, BOB, GROUP, NOON, OWN, OWN_LID, rows
from wagateway.commands import groups as commands
from wagateway.contract import Problem
from wagateway.problems import device_unavailable
from workers.device import Device
from workers.facts import GroupFacts, GroupMember, JoinRequestFacts
from workers.handlers import groups
from workers.shard import messages

BOB_LID = "900000000000003@lid"
CAROL = "4915100000004@s.whatsapp.net"
FACTS = GroupFacts(
    jid=GROUP,
    name="Team",
    owner=OWN,
    owner_lid=OWN_LID,
    name_set_at=NOON // 1000,
    name_set_by=ALICE,
    topic="talk",
    created_at=NOON // 1000,
    members=[
        GroupMember(OWN, OWN_LID, is_admin=True, is_super_admin=True),
        GroupMember(ALICE_LID, ALICE_LID),
        GroupMember(BOB, BOB_LID, is_admin=True, display_name="Bobby"),
    ],
)


@pytest.fixture
def engine() -> Answering:
    return Answering(group=FACTS, identities=("", ""))


@pytest.fixture
async def device(device: Device) -> Device:
    """It knows whose LID Alice's is, and her name."""

    def learn(connection: Any) -> None:
        messages.learn_lid(connection, ALICE_LID, ALICE)
        messages.learn_name(connection, ALICE, "=Alice()")

    device.shard.write(learn).result()
    return device


def add(*participants: str) -> commands.AddMembers:
    return commands.AddMembers(group_id=GROUP, participants=list(participants))


def outcomes(changes: list[commands.MemberChange]) -> list[tuple[str, str, int]]:
    return [(change.participant, change.status, change.error) for change in changes]


async def test_a_group_is_told_with_what_the_shard_knows_of_its_members(device: Device) -> None:
    info = await groups.get_group(device, commands.GetGroup(group_id=GROUP))
    assert (GROUP, "Team", OWN, OWN, 3) == (
        info.jid, info.name, info.owner_jid, info.owner_pn, info.participant_count,
    )  # fmt: skip
    assert ("2027-01-15T08:00:00Z", "2027-01-15T08:00:00Z", "") == (
        info.group_created, info.name_set_at, info.topic_set_at,
    )  # fmt: skip
    alice = info.participants[1]
    assert (ALICE, ALICE, ALICE_LID, "=Alice()") == (
        alice.jid, alice.phone_number, alice.lid, alice.display_name,
    )  # fmt: skip
    assert (None, None, None) == (info.addressing_mode, info.suspended, info.is_join_approval_required)


async def test_members_are_listed_with_digits_and_names(device: Device) -> None:
    found = await groups.list_members(device, commands.ListMembers(group_id=GROUP))
    assert [
        ("4915100000001", "", True, True),
        ("4915100000002", "=Alice()", False, False),
        ("4915100000003", "Bobby", True, False),
    ] == [
        (one.phone_number, one.display_name, one.is_admin, one.is_super_admin) for one in found.participants
    ]


async def test_a_lid_is_no_phone_number(device: Device, engine: Answering) -> None:
    engine.answers["group"] = GroupFacts(jid=GROUP, name="x", members=[GroupMember(BOB_LID, BOB_LID)])
    found = await groups.list_members(device, commands.ListMembers(group_id=GROUP))
    assert [(BOB_LID, "", BOB_LID)] == [(one.jid, one.phone_number, one.lid) for one in found.participants]


async def test_no_cell_of_the_table_is_a_formula(device: Device) -> None:
    exported = await groups.export_members(device, commands.ExportMembers(group_id=GROUP))
    assert "group-120363000000000001_g.us-participants.csv" == exported.filename
    header, own, alice, bob = csv.reader(io.StringIO(exported.csv, newline=""))
    assert ["participant_jid", "phone_number", "lid", "display_name", "role"] == header
    assert ("super_admin", "admin") == (own[4], bob[4])
    assert [ALICE, "4915100000002", ALICE_LID, "'=Alice()", "member"] == alice
    assert exported.csv.endswith('"admin"\r\n')


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("Ann + Bob = 2", "Ann + Bob = 2"),
        ("Ann; Bob", "Ann; Bob"),
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "' =1"),
        ("\r=1", "' =1"),
        ("\n=1", "' =1"),
        ("  =1", "'  =1"),
        ("\u00a0=1", "'\u00a0=1"),
        ("\u200b\u2060=1", "'\u200b\u2060=1"),
        ("\u2800\u3164=1", "'\u2800\u3164=1"),
        ("\uff1d1", "'\uff1d1"),
        ('"=1"', '\'"=1"'),
        ("a;=1+1", "a;'=1+1"),
        ('a; "\uff0b1', "a;' \"\uff0b1"),
        ("a\t=1+1", "a =1+1"),
        ("a\r\n\u2028=1", "a =1"),
        ('Ann, "the\r\nboss"', 'Ann, "the boss"'),
    ],
)
async def test_no_name_is_a_formula_or_another_line(
    device: Device, engine: Answering, name: str, cell: str
) -> None:
    engine.answers["group"] = GroupFacts(jid=GROUP, name="x", members=[GroupMember(BOB, display_name=name)])
    exported = await groups.export_members(device, commands.ExportMembers(group_id=GROUP))
    _, row, after = exported.csv.split("\r\n")
    assert ("", cell) == (after, next(csv.reader([row]))[3])


async def test_every_cell_of_the_table_is_quoted(device: Device) -> None:
    exported = await groups.export_members(device, commands.ExportMembers(group_id=GROUP))
    assert f'"{ALICE}","4915100000002","{ALICE_LID}","\'=Alice()","member"' == exported.csv.split("\r\n")[2]


async def test_w23_every_participant_has_its_own_outcome_in_the_order_asked(
    device: Device, engine: Answering
) -> None:
    engine.answers["change_members"] = [
        GroupMember(CAROL, error=409),
        GroupMember(ALICE, ALICE_LID),
        GroupMember(BOB, BOB_LID, error=403),
    ]
    changes = await groups.add_members(device, add("+49 151 00000003", ALICE, CAROL))
    assert [(BOB, "error", 403), (ALICE, "success", 0), (CAROL, "error", 409)] == outcomes(changes)
    assert ("change_members", GROUP, "add", [BOB, ALICE, CAROL]) == engine.asked[0]
    assert "invite link" in changes[0].message
    assert "member already" in changes[2].message


async def test_w23_lids_and_jids_are_participants_too(device: Device, engine: Answering) -> None:
    engine.answers["change_members"] = [GroupMember(ALICE_LID, ALICE_LID), GroupMember(BOB, BOB_LID)]
    changes = await groups.add_members(device, add(BOB_LID, ALICE))
    assert [(BOB_LID, "success", 0), (ALICE, "success", 0)] == outcomes(changes)


async def test_an_answer_under_the_other_jid_is_found_by_asking_the_engine(
    device: Device, engine: Answering
) -> None:
    engine.answers["change_members"] = [GroupMember(BOB_LID, BOB_LID, error=408)]
    engine.answers["identities"] = (BOB, BOB_LID)
    assert [(BOB, "error", 408)] == outcomes(await groups.add_members(device, add(BOB)))


async def test_silence_about_a_participant_is_no_success(device: Device, engine: Answering) -> None:
    engine.answers["change_members"] = [GroupMember(BOB)]
    changes = await groups.remove_members(
        device, commands.RemoveMembers(group_id=GROUP, participants=[BOB, CAROL])
    )
    assert [(BOB, "success", 0), (CAROL, "error", 0)] == outcomes(changes)


async def test_an_unknown_error_is_named_by_its_code(device: Device, engine: Answering) -> None:
    engine.answers["change_members"] = [GroupMember(BOB, error=499)]
    (change,) = await groups.promote_members(
        device, commands.PromoteMembers(group_id=GROUP, participants=[BOB])
    )
    assert ("error", 499) == (change.status, change.error)
    assert "499" in change.message


async def test_who_is_named_twice_is_asked_for_once(device: Device, engine: Answering) -> None:
    engine.answers["change_members"] = [GroupMember(BOB)]
    await groups.demote_members(
        device, commands.DemoteMembers(group_id=GROUP, participants=[BOB, "4915100000003", BOB])
    )
    assert ("change_members", GROUP, "demote", [BOB]) == engine.asked[0]


async def test_who_is_named_by_number_and_by_lid_is_asked_for_once(device: Device, engine: Answering) -> None:
    engine.answers["change_members"] = [GroupMember(ALICE_LID, ALICE_LID), GroupMember(BOB, BOB_LID)]
    engine.answers["identities"] = (BOB, BOB_LID)  # the shard does not know Bob's LID
    changes = await groups.add_members(device, add(ALICE_LID, BOB, ALICE, BOB_LID))
    assert ("change_members", GROUP, "add", [ALICE_LID, BOB]) in engine.asked
    assert [(ALICE_LID, ALICE, ALICE_LID), (BOB, BOB, BOB_LID)] == [
        (change.participant, change.jid, change.lid) for change in changes
    ]


async def test_a_lid_that_nobody_can_tell_the_number_of_is_changed_all_the_same(
    device: Device, engine: Answering
) -> None:
    engine.answers["change_members"] = [GroupMember(BOB_LID, BOB_LID), GroupMember(ALICE)]
    engine.answers["identities"] = device_unavailable("WhatsApp did not answer")
    changes = await groups.add_members(device, add(BOB_LID, ALICE))
    assert [(BOB_LID, "", BOB_LID), (ALICE, ALICE, ALICE_LID)] == [
        (change.participant, change.jid, change.lid) for change in changes
    ]


@pytest.mark.parametrize("participant", [GROUP, "x", "123@newsletter", "status@broadcast"])
async def test_only_people_are_participants(device: Device, engine: Answering, participant: str) -> None:
    with pytest.raises(Problem, match=r"^participants\[1\]: ") as caught:
        await groups.add_members(device, add(BOB, participant))
    assert (400, []) == (caught.value.status, engine.asked)


async def test_a_group_is_made_without_those_who_do_not_want(device: Device, engine: Answering) -> None:
    members = [GroupMember(OWN, is_admin=True), GroupMember(ALICE), GroupMember(BOB, error=403)]
    engine.answers["create_group"] = GroupFacts(jid=GROUP, name="n" * 100, members=members)
    command = commands.CreateGroup(title="n" * 100, participants=[ALICE, BOB])
    made = await groups.create_group(device, command)
    assert [(ALICE, "success", 0), (BOB, "error", 403)] == outcomes(made.participants)
    assert f"Success created group with id {GROUP}" == command.sentence(made)


async def test_a_blank_name_is_refused(device: Device, engine: Answering) -> None:
    with pytest.raises(Problem, match="title"):
        await groups.create_group(device, commands.CreateGroup(title="  ", participants=[BOB]))
    with pytest.raises(Problem, match="name"):
        await groups.set_group_name(device, commands.SetGroupName(group_id=GROUP, name=" "))
    assert [] == engine.asked


@pytest.mark.parametrize(
    "link",
    [
        "https://chat.whatsapp.com/AbCdEfGhIjKlMnOpQrStUv",
        "https://chat.whatsapp.com/AbCdEfGhIjKlMnOpQrStUv?mode=wwt",
        "chat.whatsapp.com/invite/AbCdEfGhIjKlMnOpQrStUv/",
        " AbCdEfGhIjKlMnOpQrStUv ",
    ],
)
async def test_a_link_is_taken_in_every_form(device: Device, engine: Answering, link: str) -> None:
    engine.answers["join_group"] = GROUP
    assert GROUP == (await groups.join_group(device, commands.JoinGroup(link=link))).group_id
    assert ("join_group", "AbCdEfGhIjKlMnOpQrStUv") == engine.asked[0]


@pytest.mark.parametrize(
    ("told", "status", "sentence"),
    [
        (FACTS, "joined", "Success joined group"),
        (Problem(403, "WHATSAPP_FORBIDDEN", "not a member"), "requested", "Join request sent"),
    ],
)
async def test_a_join_says_whether_it_was_only_asked_for(
    device: Device, engine: Answering, told: object, status: str, sentence: str
) -> None:
    engine.answers |= {"join_group": GROUP, "group": told}
    command = commands.JoinGroup(link="AbCdEfGhIjKlMnOpQrStUv")
    joined = await groups.join_group(device, command)
    assert (GROUP, status) == (joined.group_id, joined.status)
    assert sentence == command.sentence(joined)


async def test_a_join_of_which_nothing_is_told_is_no_success(device: Device, engine: Answering) -> None:
    engine.answers |= {"join_group": GROUP, "group": device_unavailable("WhatsApp did not answer")}
    with pytest.raises(Problem, match="WhatsApp took the link") as caught:
        await groups.join_group(device, commands.JoinGroup(link="AbCdEfGhIjKlMnOpQrStUv"))
    assert 503 == caught.value.status


@pytest.mark.parametrize(
    "link", ["https://evil.example/AbCdEfGhIjKlMnOpQrStUv", "https://whatsapp.com/channel/AbCdEfGhIj", "x"]
)
async def test_what_is_no_link_of_a_group_is_refused(device: Device, link: str) -> None:
    with pytest.raises(Problem, match="link") as caught:
        await groups.get_group_of_link(device, commands.GetGroupOfLink(link=link))
    assert 400 == caught.value.status


async def test_a_link_tells_of_its_group(device: Device, engine: Answering) -> None:
    engine.answers["group_of_link"] = FACTS
    found = await groups.get_group_of_link(device, commands.GetGroupOfLink(link="AbCdEfGhIjKl"))
    assert (GROUP, "talk", "talk", 3) == (
        found.group_id, found.topic, found.description, found.participant_count,
    )  # fmt: skip


async def test_the_link_of_a_group_can_be_made_anew(device: Device, engine: Answering) -> None:
    engine.answers["group_link"] = "https://chat.whatsapp.com/new"
    found = await groups.get_group_link(device, commands.GetGroupLink(group_id=GROUP, reset=True))
    assert ("https://chat.whatsapp.com/new", GROUP) == (found.invite_link, found.group_id)
    assert [("group_link", GROUP, True)] == engine.asked


async def test_settings_reach_the_engine(device: Device, engine: Answering) -> None:
    await groups.set_group_name(device, commands.SetGroupName(group_id=GROUP, name=" New "))
    await groups.set_group_topic(device, commands.SetGroupTopic(group_id=GROUP, topic=""))
    await groups.set_group_locked(device, commands.SetGroupLocked(group_id=GROUP, locked=True))
    await groups.set_group_announce(device, commands.SetGroupAnnounce(group_id=GROUP, announce=False))
    await groups.leave_group(device, commands.LeaveGroup(group_id=GROUP))
    assert [
        ("set_group_name", GROUP, "New"),
        ("set_group_topic", GROUP, ""),
        ("set_group_locked", GROUP, True),
        ("set_group_announce", GROUP, False),
        ("leave_group", GROUP),
    ] == engine.asked


async def test_a_description_of_blanks_is_none(device: Device, engine: Answering) -> None:
    command = commands.SetGroupTopic(group_id=GROUP, topic=" \n ")
    await groups.set_group_topic(device, command)
    assert [("set_group_topic", GROUP, "")] == engine.asked
    assert "Success remove group topic" == command.sentence(None)


async def test_the_account_has_its_own_name_among_the_members(device: Device, engine: Answering) -> None:
    device.lid, device.display_name = OWN_LID, "Me"
    engine.answers["group"] = GroupFacts(jid=GROUP, name="x", members=[GroupMember(OWN_LID, OWN_LID)])
    (listed,) = (await groups.list_members(device, commands.ListMembers(group_id=GROUP))).participants
    assert (OWN, OWN_LID, "Me") == (listed.jid, listed.lid, listed.display_name)
    (told,) = (await groups.get_group(device, commands.GetGroup(group_id=GROUP))).participants
    assert (OWN, "Me") == (told.jid, told.display_name)


async def test_who_asks_to_join_is_named(device: Device, engine: Answering) -> None:
    engine.answers["join_requests"] = [JoinRequestFacts(ALICE_LID, ALICE_LID, NOON // 1000)]
    (request,) = await groups.list_join_requests(device, commands.ListJoinRequests(group_id=GROUP))
    assert (ALICE, "4915100000002", ALICE_LID, "=Alice()", "2027-01-15T08:00:00Z") == (
        request.jid, request.phone_number, request.lid, request.display_name, request.requested_at,
    )  # fmt: skip


async def test_join_requests_cannot_be_answered_and_that_is_said(device: Device, engine: Answering) -> None:
    for handler, kind in (
        (groups.approve_join_requests, commands.ApproveJoinRequests),
        (groups.reject_join_requests, commands.RejectJoinRequests),
    ):
        with pytest.raises(Problem) as caught:
            await handler(device, kind(group_id=GROUP, participants=[BOB]))  # type: ignore[arg-type]
        assert (501, "ENGINE_UNSUPPORTED") == (caught.value.status, caught.value.code)
        with pytest.raises(Problem, match="participants"):
            await handler(device, kind(group_id=GROUP, participants=["x"]))  # type: ignore[arg-type]
    assert [] == engine.asked


async def test_a_photo_becomes_a_small_square(device: Device, engine: Answering, tmp_path: Path) -> None:
    engine.answers["set_group_photo"] = "123"
    source = io.BytesIO()
    Image.effect_noise((1000, 700), 90).save(source, "PNG")
    upload = uploaded(device, source.getvalue())
    command = commands.SetGroupPhoto(group_id=GROUP, photo=upload)
    reply = await groups.set_group_photo(device, command)
    assert ("123", "Success update group photo") == (reply.picture_id, command.sentence(reply))
    _, _, jpeg = engine.asked[0]
    assert isinstance(jpeg, bytes)
    assert len(jpeg) <= 100 << 10
    with Image.open(io.BytesIO(jpeg)) as image:
        assert ("JPEG", (640, 640)) == (image.format, image.size)
    assert [] == list((tmp_path / "tmp").iterdir())


async def test_what_is_no_photo_has_the_real_servers_code(device: Device, engine: Answering) -> None:
    command = commands.SetGroupPhoto(group_id=GROUP, photo=uploaded(device, b"no picture"))
    with pytest.raises(Problem, match="photo") as caught:
        await groups.set_group_photo(device, command)
    assert (400, "INVALID_IMAGE_FORMAT") == (caught.value.status, caught.value.code)
    assert [] == engine.asked


async def test_no_photo_removes_it(device: Device, engine: Answering) -> None:
    reply = await groups.set_group_photo(device, commands.SetGroupPhoto(group_id=GROUP))
    assert "Success remove group photo" == reply.message
    assert [("set_group_photo", GROUP, b"")] == engine.asked


async def test_a_group_must_be_one(device: Device, engine: Answering) -> None:
    with pytest.raises(Problem, match="group_id") as caught:
        await groups.get_group(device, commands.GetGroup(group_id=BOB))
    assert (400, []) == (caught.value.status, engine.asked)


async def test_groups_need_a_login_before_anything_else(device: Device, engine: Answering) -> None:
    device.state, device.jid = "disconnected", ""
    with pytest.raises(Problem) as caught:
        await groups.get_group(device, commands.GetGroup(group_id="nonsense"))
    assert (401, []) == (caught.value.status, engine.asked)


async def test_a_group_that_was_asked_for_names_its_chat(device: Device) -> None:
    await groups.get_group(device, commands.GetGroup(group_id=GROUP))
    assert [("Team",)] == rows(device.shard, "SELECT name FROM chats WHERE jid = ?", GROUP)
