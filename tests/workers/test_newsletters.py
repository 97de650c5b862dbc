"""Newsletters: how they and their posts are told, and what is asked of the engine."""

import pytest

from tests.workers.answering import Answering
from tests.workers.conftest import ALICE, NOON, incoming
from wagateway.commands import newsletters as commands
from wagateway.contract import Problem
from wagateway.whatsapp.protos import E2E
from workers.device import Device
from workers.facts import NewsletterFacts, PictureFacts, PostFacts
from workers.handlers import newsletters
from workers.inbound import Inbound

NEWS = "120363999999999999@newsletter"
FACTS = NewsletterFacts(
    jid=NEWS, state="active", name="News", name_updated=7, created_at=NOON // 1000, subscribers=5,
    invite="0029Va", verification="verified", preview=PictureFacts("https://x", "9", "preview"),
    preview_path="/v/x", reactions="all", role="owner", mute="off",
)  # fmt: skip


@pytest.fixture
def engine() -> Answering:
    return Answering(newsletter=FACTS, newsletter_of_invite=FACTS, newsletters=[FACTS])


def post(text: str, server_id: int = 1) -> PostFacts:
    content = E2E.Message(conversation=text).SerializeToString() if text else b""
    return PostFacts(server_id, 10, {"👍": 2}, content)


async def test_a_newsletter_is_told_under_the_real_servers_names(device: Device) -> None:
    (told,) = (await newsletters.list_newsletters(device, commands.ListNewsletters())).data
    thread = told.thread_metadata
    assert (NEWS, "active", "News", "7", "5") == (
        told.id, told.state.type, thread.name.text, thread.name.update_time, thread.subscribers_count,
    )  # fmt: skip
    assert (str(NOON // 1000), None, "/v/x", "all") == (
        thread.creation_time, thread.picture, thread.preview.direct_path,
        thread.settings.reaction_codes.value,
    )  # fmt: skip
    assert commands.NewsletterViewer("off", "owner") == told.viewer_metadata


async def test_a_newsletter_that_the_account_is_nothing_to_has_no_viewer(
    device: Device, engine: Answering
) -> None:
    engine.answers["newsletter"] = NewsletterFacts(jid=NEWS, state="active", name="x")
    told = await newsletters.get_newsletter(device, commands.GetNewsletter(newsletter_id=NEWS))
    assert (None, "") == (told.viewer_metadata, told.thread_metadata.preview.url)


@pytest.mark.parametrize(
    "invite",
    [
        "https://whatsapp.com/channel/0029VaXyZ123",
        "www.whatsapp.com/channel/0029VaXyZ123?a=b",
        "0029VaXyZ123",
    ],
)
async def test_a_newsletter_is_found_by_its_invite(device: Device, engine: Answering, invite: str) -> None:
    await newsletters.get_newsletter(device, commands.GetNewsletter(invite=invite))
    assert [("newsletter_of_invite", "0029VaXyZ123")] == engine.asked


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({}, "newsletter_id"),
        ({"newsletter_id": NEWS, "invite": "0029VaXyZ123"}, "newsletter_id: exactly one of"),
        ({"newsletter_id": ALICE}, "newsletter_id"),
        ({"newsletter_id": "120363999999999999"}, "newsletter_id"),
        ({"invite": "https://chat.whatsapp.com/AbCdEfGhIj"}, "invite"),
    ],
)
async def test_what_names_no_newsletter_is_refused(
    device: Device, engine: Answering, fields: dict[str, str], named: str
) -> None:
    with pytest.raises(Problem, match=named) as caught:
        await newsletters.get_newsletter(device, commands.GetNewsletter(**fields))
    assert (400, []) == (caught.value.status, engine.asked)


async def test_a_stored_post_tells_what_the_engine_drops(device: Device, engine: Answering) -> None:
    Inbound(device.shard, device, lambda _: None).message(
        incoming("first", id="P1", chat=NEWS, sender=NEWS, push_name="", timestamp=NOON)
    )
    engine.answers["newsletter_posts"] = [post("first", 7), post("unknown", 8)]
    command = commands.ListNewsletterPosts(newsletter_id=NEWS, count=2, before=9)
    first, unknown = (await newsletters.list_newsletter_posts(device, command)).data
    assert (7, "P1", "text", "2027-01-15T08:00:00Z", 10, {"👍": 2}, "first") == (
        first.server_id, first.message_id, first.type, first.timestamp, first.views_count,
        first.reaction_counts, first.text,
    )  # fmt: skip
    assert ("", "", "", "unknown") == (unknown.message_id, unknown.type, unknown.timestamp, unknown.text)
    assert [("newsletter_posts", NEWS, 2, 9)] == engine.asked


async def test_two_stored_posts_that_say_the_same_tell_nothing(device: Device, engine: Answering) -> None:
    inbound = Inbound(device.shard, device, lambda _: None)
    for number in (1, 2):
        inbound.message(incoming("same", id=f"P{number}", chat=NEWS, sender=NEWS, timestamp=NOON + number))
    engine.answers["newsletter_posts"] = [post("same"), post("")]
    found = await newsletters.list_newsletter_posts(device, commands.ListNewsletterPosts(newsletter_id=NEWS))
    assert [("", "same"), ("", "")] == [(one.message_id, one.text) for one in found.data]


async def test_a_post_that_cannot_be_read_has_no_text(device: Device, engine: Answering) -> None:
    engine.answers["newsletter_posts"] = [PostFacts(1, 0, {}, b"\xff\xff")]
    found = await newsletters.list_newsletter_posts(device, commands.ListNewsletterPosts(newsletter_id=NEWS))
    assert [""] == [one.text for one in found.data]


async def test_following_and_muting_reach_the_engine(device: Device, engine: Answering) -> None:
    await newsletters.follow_newsletter(device, commands.FollowNewsletter(newsletter_id=NEWS))
    await newsletters.unfollow_newsletter(device, commands.UnfollowNewsletter(newsletter_id=NEWS))
    await newsletters.mute_newsletter(device, commands.MuteNewsletter(newsletter_id=NEWS))
    assert [
        ("follow_newsletter", NEWS, True),
        ("follow_newsletter", NEWS, False),
        ("mute_newsletter", NEWS, True),
    ] == engine.asked


async def test_newsletters_need_a_login(device: Device, engine: Answering) -> None:
    device.state, device.jid = "disconnected", ""
    with pytest.raises(Problem) as caught:
        await newsletters.list_newsletters(device, commands.ListNewsletters())
    assert (401, []) == (caught.value.status, engine.asked)
