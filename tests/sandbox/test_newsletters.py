"""Newsletters among virtual phones and devices that are never connected: without sockets or processes."""

from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from tests.sandbox.conftest import ANN, BOB, CAROL
from tests.sandbox.test_phones import link, send, settle
from wagateway.commands import sandbox as c
from wagateway.contract import Problem
from wagateway.sandbox import relay
from wagateway.sandbox.control.newsletters import create_newsletter, phone_set_newsletter
from wagateway.sandbox.services.catalogue import desk
from wagateway.sandbox.state import NEWSLETTER, SERVER, Endpoint
from wagateway.sandbox.world import World
from wagateway.whatsapp.protos import E2E
from wagateway.whatsapp.stanza import Jid, Node, decode

FOLLOW, UNFOLLOW = "9926858900719341", "6392786840836363"
CREATE, SUBSCRIBED, INFO = "6234210096708695", "6388546374527196", "6563316087068696"


@pytest_asyncio.fixture
async def news(world: World) -> Jid:
    made = await create_newsletter(world, c.CreateNewsletter(phone=ANN, name="News", followers=[BOB]))
    return Jid.parse(made.jid)


def post(world: World, news: Jid, text: str, sender: Endpoint, id_: str = "P1", edit: str = "") -> str:
    """Post as a device would; the id that the acknowledgement gives, or the error."""
    body = E2E.Message(conversation=text).SerializeToString() if text else b""
    attrs: relay.Attrs = {"to": news, "id": id_, "type": "text", "edit": edit}
    answer = relay.message(world.network, sender, Node("message", attrs, [Node("plaintext", {}, body)]))
    return answer.get("server_id") or answer["error"]


def waiting(world: World, companion: Endpoint, tag: str) -> list[Node]:
    return [node for node in map(decode, world.network.waiting(companion)) if node.tag == tag]


def ask(world: World, client: Endpoint, query: str, **variables: object) -> object:
    body = msgspec.json.encode({"variables": variables})
    child = Node("query", {"query_id": query}, body)
    iq = Node("iq", {"xmlns": "w:mex", "id": "1", "type": "get", "to": SERVER}, [child])
    result = desk(world.network, world.phones)(client, iq).child("result")
    assert result is not None
    return msgspec.json.decode(result.body())


async def test_a_post_of_a_phone_reaches_the_followers(world: World, news: Jid) -> None:
    id_ = await send(world, "breaking", to=str(news))
    [got] = world.phones[BOB].inbox
    assert (id_, "breaking", str(news), str(news)) == (got.id, got.text, got.chat, got.sender)
    assert [] == [*world.phones[CAROL].inbox, *world.phones[ANN].inbox]
    assert 0 == world.phones[BOB].mark_read([])


async def test_a_post_of_a_device_shows_on_its_own_phone(world: World, news: Jid) -> None:
    companion, _ = link(world.phones[ANN])
    assert "100" == post(world, news, "from the device", companion)
    await settle(world)
    [own] = world.phones[ANN].inbox
    assert ("from the device", True) == (own.text, own.from_me)
    assert [False] == [each.from_me for each in world.phones[BOB].inbox]


async def test_posts_are_numbered_and_one_sent_twice_counts_once(world: World, news: Jid) -> None:
    companion, _ = link(world.phones[ANN])
    numbers = [post(world, news, "text", companion, id_) for id_ in ("P1", "P2", "P1")]
    assert ["100", "101", "100"] == numbers
    assert 2 == len(world.phones[BOB].inbox)


async def test_an_edit_and_a_revocation_keep_the_number(world: World, news: Jid) -> None:
    author, (follower, _) = Endpoint(world.phones[ANN].account, 0), link(world.phones[BOB])
    changes = (("a", ""), ("b", "3"), ("", "8"))
    numbers = [post(world, news, text, author, "P1", edit) for text, edit in changes]
    assert ["100", "100", "100"] == numbers
    assert ["404"] == [post(world, news, "c", author, "P9", "3")]
    [last] = waiting(world, follower, "message")  # the newest of one id replaces the older
    assert ("8", "100") == (last.attr("edit"), last.attr("server_id"))


async def test_only_its_owner_posts_to_a_newsletter(world: World, news: Jid) -> None:
    bob = Endpoint(world.phones[BOB].account, 0)
    assert "403" == post(world, news, "me too", bob)
    assert "404" == post(world, Jid("120363000000000000", NEWSLETTER), "who?", bob)
    with pytest.raises(Problem) as refused:
        await send(world, "me too", sender=BOB, to=str(news))
    assert "NEWSLETTER_NOT_FOUND" == refused.value.code


async def test_a_device_follows_and_unfollows(world: World, news: Jid) -> None:
    companion, _ = link(world.phones[CAROL])
    ask(world, companion, FOLLOW, newsletter_id=str(news))
    found = msgspec.convert(ask(world, companion, SUBSCRIBED), dict[str, dict[str, list[dict[str, object]]]])
    [mine] = found["data"]["xwa2_newsletter_subscribed"]
    assert (str(news), {"mute": "OFF", "role": "SUBSCRIBER"}) == (mine["id"], mine["viewer_metadata"])
    ask(world, companion, UNFOLLOW, newsletter_id=str(news))
    assert {"data": {"xwa2_newsletter_subscribed": []}} == ask(world, companion, SUBSCRIBED)
    told = [node.children()[0].body() for node in waiting(world, companion, "notification")]
    assert [True, True] == [b"on_join" in told[0], b"on_leave" in told[1]]


async def test_a_phone_follows_mutes_and_unfollows(world: World, news: Jid) -> None:
    companion, _ = link(world.phones[CAROL])
    steps: tuple[dict[str, bool], ...] = (
        {"follow": True},
        {"muted": True},
        {"muted": False},
        {"follow": False},
    )
    followers = []
    for step in steps:
        command = c.PhoneSetNewsletter(phone=CAROL, newsletter=str(news), **step)
        followers.append(len((await phone_set_newsletter(world, command)).followers))
    assert [2, 2, 2, 1] == followers
    told = [node.children()[0].body() for node in waiting(world, companion, "notification")]
    expected = [b"on_join", b'"ON"', b'"OFF"', b"on_leave"]
    assert [True] * 4 == [word in body for word, body in zip(expected, told, strict=True)]


@pytest.mark.parametrize(
    ("phone", "change"), [(ANN, {"follow": False}), (CAROL, {"follow": False}), (CAROL, {"muted": True})]
)
async def test_owners_stay_and_strangers_cannot_mute(
    world: World, news: Jid, phone: str, change: dict[str, bool]
) -> None:
    with pytest.raises(Problem) as refused:
        await phone_set_newsletter(world, c.PhoneSetNewsletter(phone=phone, newsletter=str(news), **change))
    assert "REFUSED" == refused.value.code


async def test_an_owner_cannot_leave_and_the_unknown_cannot_be_found(world: World, news: Jid) -> None:
    companion, _ = link(world.phones[ANN])
    for query, variables in (
        (UNFOLLOW, {"newsletter_id": str(news)}),
        (INFO, {"input": {"key": "1@newsletter", "type": "JID"}}),
    ):
        assert b"errors" in msgspec.json.encode(ask(world, companion, query, **variables))


async def test_a_device_creates_a_newsletter(world: World) -> None:
    companion, _ = link(world.phones[ANN])
    ask(world, companion, CREATE, newsletter_input={"name": "Mine", "description": "all of it"})
    [made] = world.network.newsletters.values()
    assert ("Mine", {ANN: "OWNER"}) == (made.name, made.roles)


async def test_newsletters_and_posts_outlive_the_process(tmp_path: Path) -> None:
    first = World(tmp_path)
    first.add_phone(ANN, "Ann"), first.add_phone(BOB, "Bob")
    made = await create_newsletter(first, c.CreateNewsletter(phone=ANN, name="News", followers=[BOB]))
    await send(first, "one", to=made.jid)
    first.close()
    second = World(tmp_path)
    id_ = await send(second, "two", to=made.jid)
    assert [101] == [post.number for post in second.network.posts[Jid.parse(made.jid).user] if post.id == id_]
    assert ["one", "two"] == [each.text for each in second.phones[BOB].inbox]
    second.close()
