"""Groups as devices ask for and change them, without sockets or processes."""

from pathlib import Path

import pytest
import pytest_asyncio

from tests.sandbox.conftest import ANN, BOB, CAROL, code, got
from tests.sandbox.test_phones import link
from wagateway.commands import sandbox as c
from wagateway.contract import Problem
from wagateway.sandbox import control, groups
from wagateway.sandbox.control import people
from wagateway.sandbox.services.catalogue import desk
from wagateway.sandbox.state import GROUP, LID, USER, Endpoint
from wagateway.sandbox.world import World
from wagateway.whatsapp.stanza import Jid, Node, decode

ALL = Jid("", GROUP)
NOBODY = Jid("628999999999", USER)


@pytest_asyncio.fixture
async def world(world: World) -> World:
    for phone in world.phones.values():
        link(phone)
    return world


@pytest_asyncio.fixture
async def team(world: World) -> Jid:
    made = await control.create_group(world, c.PhoneCreateGroup(phone=ANN, subject="Team", members=[BOB]))
    return Jid.parse(made.jid)


def ask(world: World, number: str, to: Jid, kind: str, body: Node) -> Node:
    """The answer to a device of this number."""
    client = Endpoint(world.phones[number].account, 1)
    iq = Node("iq", {"xmlns": "w:g2", "id": "1", "type": kind, "to": to}, [body])
    return desk(world.network, world.phones)(client, iq)


def jid(world: World, number: str) -> Jid:
    return world.network.accounts[number].jid(LID)


def people_of(*jids: Jid) -> list[Node]:
    return [Node("participant", {"jid": each}) for each in jids]


def told(world: World, number: str) -> list[Node]:
    """What the device of this number was told, but for what it was told first: that it is in the group."""
    waiting = map(decode, world.network.waiting(Endpoint(world.phones[number].account, 1)))
    return [node.children()[0] for node in waiting if node.attr("type") == "w:gp2"][1:]


async def test_members_are_told_each_change_of_the_settings(world: World, team: Jid) -> None:
    changes = (
        Node("subject", {}, b"New"),
        Node("description", {"id": "T1"}, [Node("body", {}, b"About us")]),
        Node("locked"),
        Node("announcement"),
        Node("ephemeral", {"expiration": "86400"}),
        Node("membership_approval_mode", {}, [Node("group_join", {"state": "on"})]),
        Node("member_add_mode", {}, b"admin_add"),
        Node("invite"),
    )
    for change in changes:
        assert "result" == ask(world, ANN, team, "set", change).attr("type"), change
    assert [change.tag for change in changes] == [node.tag for node in told(world, BOB)]
    facts = await people.show_group(world, c.ShowGroup(group=str(team)))
    assert ("New", "About us", 86400) == (facts.subject, facts.topic, facts.ephemeral)
    assert facts.locked
    assert facts.announce
    assert facts.approval
    group = got(ask(world, BOB, team, "get", Node("query", {"request": "interactive"})), "group")
    described = {child.tag for child in group.children()}
    assert {"description", "locked", "announcement", "ephemeral", "membership_approval_mode"} <= described


async def test_who_may_not_change_a_group_is_refused(world: World, team: Jid) -> None:
    assert "403" == code(ask(world, BOB, team, "set", Node("locked")))
    assert "401" == code(ask(world, BOB, team, "get", Node("invite")))
    assert "result" == ask(world, BOB, team, "set", Node("subject", {}, b"Bob's")).attr("type")
    ask(world, ANN, team, "set", Node("locked"))
    assert "403" == code(ask(world, BOB, team, "set", Node("subject", {}, b"Again")))
    assert "403" == code(ask(world, CAROL, team, "get", Node("query")))
    assert "404" == code(ask(world, ANN, Jid("120363000000000000", GROUP), "get", Node("query")))


async def test_what_whatsapp_takes_no_group_with_is_refused(world: World, team: Jid) -> None:
    assert "406" == code(ask(world, ANN, team, "set", Node("subject", {}, b"x" * 101)))
    assert "406" == code(ask(world, ANN, ALL, "set", Node("create", {}, people_of(jid(world, BOB)))))
    assert "400" == code(ask(world, ANN, team, "set", Node("ephemeral", {"expiration": "17"})))


async def test_a_description_is_changed_only_by_who_knows_the_last_one(world: World, team: Jid) -> None:
    first = Node("description", {"id": "T1"}, [Node("body", {}, b"one")])
    assert "result" == ask(world, ANN, team, "set", first).attr("type")
    assert "409" == code(ask(world, ANN, team, "set", Node("description", {"id": "T2", "delete": "true"})))
    gone = Node("description", {"id": "T2", "prev": "T1", "delete": "true"})
    assert "result" == ask(world, ANN, team, "set", gone).attr("type")
    assert got(told(world, BOB)[-1], "delete")
    assert "" == world.network.groups[team.user].topic


async def test_each_participant_succeeds_or_fails_alone(world: World, team: Jid) -> None:
    await people.set_profile(world, c.SetProfile(phone=CAROL, privacy={"groupadd": "contacts"}))
    wanted = people_of(jid(world, BOB), jid(world, CAROL), NOBODY)
    already, private, nobody = got(ask(world, ANN, team, "set", Node("add", {}, wanted)), "add").children()
    assert ["409", "403", "404"] == [each.attr("error") for each in (already, private, nobody)]
    request = got(private, "add_request")
    query = Node("query", {}, [Node("add_request", {**request.attrs})])
    assert "Team" == got(ask(world, CAROL, team, "get", query), "group").attr("subject")
    assert "result" == ask(world, CAROL, team, "set", Node("accept", {**request.attrs})).attr("type")
    assert "406" == code(ask(world, CAROL, team, "set", Node("accept", {**request.attrs})))
    assert CAROL in world.network.groups[team.user].members


async def test_roles_are_given_and_taken(world: World, team: Jid) -> None:
    bob, ann = people_of(jid(world, BOB)), people_of(jid(world, ANN))
    changes = (
        ("promote", bob, ""),
        ("promote", bob, "409"),
        ("demote", bob, ""),
        ("demote", bob, "406"),
        ("remove", ann, "406"),
        ("remove", bob, ""),
        ("promote", bob, "404"),
    )
    for action, who, error in changes:
        answer = ask(world, ANN, team, "set", Node(action, {}, who))
        assert error == got(answer, action, "participant").attr("error"), action
    assert ["promote", "demote", "remove"] == [node.tag for node in told(world, BOB)]


async def test_who_is_added_hears_of_the_group_and_the_others_of_who_is_new(world: World, team: Jid) -> None:
    ask(world, ANN, team, "set", Node("add", {}, people_of(jid(world, CAROL))))
    assert ["add"] == [node.tag for node in told(world, BOB)]
    [created] = [
        node.children()[0]
        for node in map(decode, world.network.waiting(Endpoint(world.phones[CAROL].account, 1)))
    ]
    assert ("create", "") == (created.tag, created.attr("type"))
    assert "3" == got(created, "group").attr("size")


async def test_a_new_group_tells_of_those_who_could_not_be_added(world: World) -> None:
    await people.set_profile(world, c.SetProfile(phone=CAROL, privacy={"groupadd": "none"}))
    children = [*people_of(jid(world, BOB), jid(world, CAROL), NOBODY), Node("announcement")]
    group = got(ask(world, ANN, ALL, "set", Node("create", {"subject": "New"}, children)), "group")
    errors = [each.attr("error") for each in group.children("participant")]
    assert ["", "", "403", "404"] == errors
    assert "2" == group.attr("size")
    assert group.child("announcement") is not None


async def test_the_last_administrator_hands_the_group_on(world: World, team: Jid) -> None:
    left = ask(world, ANN, ALL, "set", Node("leave", {}, [Node("group", {"id": team})]))
    assert "" == got(left, "leave", "group").attr("error")
    assert ["remove", "promote"] == [node.tag for node in told(world, BOB)]
    assert {BOB: "admin"} == world.network.groups[team.user].members
    again = ask(world, ANN, ALL, "set", Node("leave", {}, [Node("group", {"id": team})]))
    assert "404" == got(again, "leave", "group").attr("error")


async def test_a_link_lets_in_until_it_is_reset(world: World, team: Jid) -> None:
    old = got(ask(world, ANN, team, "get", Node("invite")), "invite").attr("code")
    new = got(ask(world, ANN, team, "set", Node("invite")), "invite").attr("code")
    assert "410" == code(ask(world, CAROL, ALL, "get", Node("invite", {"code": old})))
    assert "406" == code(ask(world, CAROL, ALL, "get", Node("invite", {"code": "never"})))
    preview = ask(world, CAROL, ALL, "get", Node("invite", {"code": new}))
    assert (team.user, "Team") == (got(preview, "group").attr("id"), got(preview, "group").attr("subject"))
    joined = ask(world, CAROL, ALL, "set", Node("invite", {"code": new}))
    assert team == got(joined, "group").jid("jid")
    assert "409" == code(ask(world, CAROL, ALL, "set", Node("invite", {"code": new})))


@pytest.mark.parametrize(("action", "members"), [("approve", [ANN, BOB, CAROL]), ("reject", [ANN, BOB])])
async def test_who_asks_to_join_is_let_in_or_not(
    world: World, team: Jid, action: str, members: list[str]
) -> None:
    facts = await people.phone_set_group(world, c.PhoneSetGroup(phone=ANN, group=str(team), approval=True))
    waits = ask(world, CAROL, ALL, "set", Node("invite", {"code": facts.invite}))
    assert team == got(waits, "membership_approval_request").jid("jid")
    [request] = got(
        ask(world, ANN, team, "get", Node("membership_approval_requests")), "membership_approval_requests"
    ).children()
    assert jid(world, CAROL) == request.jid("jid")
    assert int(request.attr("request_time")) > 0
    assert "403" == code(ask(world, BOB, team, "get", Node("membership_approval_requests")))
    decision = Node(action, {}, people_of(jid(world, CAROL), jid(world, BOB)))
    answer = ask(world, ANN, team, "set", Node("membership_requests_action", {}, [decision]))
    outcomes = got(answer, "membership_requests_action", action).children()
    assert ["", "404"] == [each.attr("error") for each in outcomes]
    group = world.network.groups[team.user]
    assert (members, {}) == (list(group.members), group.requests)


async def test_a_phone_changes_a_group_and_is_refused_like_a_device(world: World, team: Jid) -> None:
    facts = await people.show_group(world, c.ShowGroup(group=str(team)))
    joined = await people.phone_join_group(world, c.PhoneJoinGroup(phone=CAROL, invite=facts.invite))
    assert "member" == joined.members[f"{CAROL}@s.whatsapp.net"]
    with pytest.raises(Problem) as refused:
        await people.phone_set_group(world, c.PhoneSetGroup(phone=CAROL, group=str(team), locked=True))
    assert "REFUSED" == refused.value.code
    command = c.PhoneSetMembers(phone=ANN, group=str(team), action="remove", members=[CAROL, NOBODY.user])
    assert [0, 404] == [each.error for each in await people.phone_set_members(world, command)]
    await people.phone_leave_group(world, c.PhoneLeaveGroup(phone=BOB, group=str(team)))
    assert [ANN] == list(world.network.groups[team.user].members)


async def test_groups_outlive_the_process(tmp_path: Path) -> None:
    first = World(tmp_path)
    ann = first.add_phone(ANN, "Ann").account
    group = groups.draft(ann, "Team")
    group.members[ANN] = "superadmin"
    groups.set_topic(first.network, ann, group, "About us", "T1", "")
    first.close()
    second = World(tmp_path)
    assert ("About us", group.invite) == (second.network.groups[group.id].topic, group.invite)
    second.close()
