"""Decoding neonize's events about groups, newsletters and people who type, and telling them."""

import pytest

from wagateway.whatsapp.protos import bare_neonize

bare_neonize()

from neonize.proto import Neonize_pb2 as pb  # type: ignore[import-untyped, unused-ignore]  # noqa: E402

from tests.workers.test_engine_events import (  # noqa: E402
    ALICE,
    ALICE_LID,
    GROUP,
    ME,
    ME_LID,
    jid,
    nobody,
    offer,
    receipt,
)
from workers.engine import ChatPresence, GroupChange, GroupJoined, NewsletterChange, PostChange  # noqa: E402
from workers.neonize_changes import (  # noqa: E402
    read_chat_presence,
    read_group_change,
    read_joined_group,
    read_newsletter_joined,
    read_newsletter_left,
    read_newsletter_muted,
    read_newsletter_posts,
)
from workers.neonize_events import SUBSCRIBED, Code  # noqa: E402
from workers.neonize_telling import Telling  # noqa: E402

NEWS = "120363000000000009@newsletter"
AT = 1_700_000_000


def phone_of(lid: str) -> str:
    return {ALICE_LID: ALICE, ME_LID: ME}.get(lid, "")


def group_change(**changes: object) -> bytes:
    told = pb.GroupInfoEvent(
        JID=jid(GROUP),
        Notify="Alice",
        Sender=jid(ALICE_LID, device=4),
        Timestamp=AT,
        PrevParticipantsVersionID="",
        ParticipantVersionID="",
        JoinReason="",
        **changes,
    )
    return bytes(told.SerializeToString())


def expected(**changes: object) -> GroupChange:
    return GroupChange(jid=GROUP, actor=ALICE, actor_lid=ALICE_LID, timestamp=AT * 1000, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("told", "change"),
    [
        ({"Name": pb.GroupName(Name="Team", NameSetAt=AT, NameSetBy=jid(ALICE_LID))}, {"name": "Team"}),
        (
            {
                "Topic": pb.GroupTopic(
                    Topic="", TopicID="1", TopicSetAt=AT, TopicSetBy=jid(ALICE_LID), TopicDeleted=True
                )
            },
            {"topic": ""},
        ),
        ({"Locked": pb.GroupLocked(isLocked=False)}, {"locked": False}),
        ({"Announce": pb.GroupAnnounce(IsAnnounce=True, AnnounceVersionID="")}, {"announce": True}),
        ({"Ephemeral": pb.GroupEphemeral(IsEphemeral=True, DisappearingTimer=604_800)}, {"timer": 604_800}),
        ({"Ephemeral": pb.GroupEphemeral(IsEphemeral=False, DisappearingTimer=0)}, {"timer": 0}),
        ({"NewInviteLink": "https://chat.whatsapp.com/x"}, {"invite_link": "https://chat.whatsapp.com/x"}),
        ({"Delete": pb.GroupDelete(Deleted=True, DeletedReason="")}, {"deleted": True}),
    ],
)
def test_a_changed_setting_of_a_group_is_told_with_who_changed_it(
    told: dict[str, object], change: dict[str, object]
) -> None:
    assert expected(**change) == read_group_change(group_change(**told), phone_of)


def test_members_are_told_as_the_group_names_them_with_the_phones_that_are_known() -> None:
    stranger = "900777@lid"
    raw = group_change(Join=[jid(ME_LID)], Leave=[jid(stranger)], Promote=[jid(ALICE)], Demote=[jid(ALICE)])

    assert expected(
        joined=[ME_LID], left=[stranger], promoted=[ALICE], demoted=[ALICE], phones={ME_LID: ME}
    ) == read_group_change(raw, phone_of)


def test_a_link_to_a_community_changes_nothing_that_is_told() -> None:
    target = pb.GroupLinkTarget(
        JID=jid("120363000000000002@g.us"),
        GroupName=pb.GroupName(Name="All", NameSetAt=AT, NameSetBy=jid("")),
        GroupIsDefaultSub=pb.GroupIsDefaultSub(IsDefaultSubGroup=False),
    )
    link = pb.GroupLinkChange(Type=pb.GroupLinkChange.PARENT, UnlinkReason="", Group=target)

    assert read_group_change(group_change(Link=link), phone_of) is None


@pytest.mark.parametrize("community", [True, False])
def test_a_joined_group_has_a_name_a_timer_and_who_added_the_account(community: bool) -> None:
    group = pb.GroupInfo(
        OwnerJID=jid(ALICE_LID),
        JID=jid(GROUP),
        OwnerPN=jid(ALICE),
        GroupName=pb.GroupName(Name="Team", NameSetAt=AT, NameSetBy=jid(ALICE_LID)),
        GroupTopic=pb.GroupTopic(Topic="", TopicID="", TopicSetAt=0, TopicSetBy=jid(""), TopicDeleted=False),
        GroupLocked=pb.GroupLocked(isLocked=False),
        GroupAnnounce=pb.GroupAnnounce(IsAnnounce=False, AnnounceVersionID=""),
        GroupEphemeral=pb.GroupEphemeral(IsEphemeral=True, DisappearingTimer=86_400),
        GroupIncognito=pb.GroupIncognito(IsIncognito=False),
        GroupParent=pb.GroupParent(IsParent=community, DefaultMembershipApprovalMode=""),
        GroupLinkedParent=pb.GroupLinkedParent(LinkedParentJID=jid("")),
        GroupIsDefaultSub=pb.GroupIsDefaultSub(IsDefaultSubGroup=False),
        GroupCreated=AT,
        ParticipantVersionID="",
    )
    joined = pb.JoinedGroup(
        Reason="invite", Type="", CreateKey="", GroupInfo=group, Sender=jid(ALICE_LID), SenderPN=jid(ALICE)
    )

    assert GroupJoined(
        jid=GROUP,
        actor=ALICE,
        actor_lid=ALICE_LID,
        name="Team",
        timer=86_400,
        reason="invite",
        community=community,
    ) == read_joined_group(joined.SerializeToString(), nobody)


def typing(state: int, media: int, *, chat: str = ALICE_LID, from_me: bool = False) -> bytes:
    source = pb.MessageSource(
        Chat=jid(chat),
        Sender=jid(ALICE_LID),
        SenderAlt=jid(ALICE),
        RecipientAlt=jid(""),
        BroadcastListOwner=jid(""),
        IsFromMe=from_me,
        IsGroup=chat == GROUP,
    )
    return bytes(pb.ChatPresence(MessageSource=source, State=state, Media=media).SerializeToString())


@pytest.mark.parametrize(
    ("chat", "filed", "lid"), [(ALICE_LID, ALICE, ALICE_LID), (GROUP, GROUP, "")], ids=["two", "group"]
)
def test_who_types_is_told_with_the_chat(chat: str, filed: str, lid: str) -> None:
    raw = typing(pb.ChatPresence.COMPOSING, pb.ChatPresence.AUDIO, chat=chat)

    assert ChatPresence(
        chat=filed, chat_lid=lid, sender=ALICE, sender_lid=ALICE_LID, state="composing", media="audio"
    ) == read_chat_presence(raw, nobody)


def test_who_stops_typing_has_no_medium_and_the_account_itself_does_not_type() -> None:
    paused = read_chat_presence(typing(pb.ChatPresence.PAUSED, pb.ChatPresence.TEXT), nobody)

    assert paused is not None
    assert ("paused", "") == (paused.state, paused.media)
    own = typing(pb.ChatPresence.PAUSED, pb.ChatPresence.TEXT, from_me=True)
    assert read_chat_presence(own, nobody) is None


def test_a_newsletter_is_left_and_muted_in_whatsapps_words() -> None:
    left = pb.NewsletterLeave(ID=jid(NEWS), Role=pb.GUEST).SerializeToString()
    muted = pb.NewsletterMuteChange(ID=jid(NEWS), Mute=pb.ON).SerializeToString()

    assert NewsletterChange(jid=NEWS, change="left", role="guest") == read_newsletter_left(left, nobody)
    assert NewsletterChange(jid=NEWS, change="mute", mute="on") == read_newsletter_muted(muted, nobody)


def test_a_followed_newsletter_has_a_name_and_a_description() -> None:
    # Python reads what lacks required fields.
    told = pb.NewsletterJoin()
    told.NewsletterMetadata.ID.CopyFrom(jid(NEWS))
    told.NewsletterMetadata.ThreadMeta.Name.Text = "News"
    told.NewsletterMetadata.ThreadMeta.Description.Text = "All of it"

    assert NewsletterChange(
        jid=NEWS, change="joined", name="News", description="All of it"
    ) == read_newsletter_joined(told.SerializePartialToString(), nobody)


def test_figures_of_posts_are_told_and_none_are_nothing() -> None:
    post = pb.NewsletterMessage(MessageServerID=100, ViewsCount=3)
    post.ReactionCounts.add(type="👍", count=2)
    raw = pb.NewsletterLiveUpdate(JID=jid(NEWS), TIME=AT, Messages=[post]).SerializeToString()

    assert NewsletterChange(
        jid=NEWS, change="posts", posts=[PostChange(server_id=100, views=3, reactions={"👍": 2})]
    ) == read_newsletter_posts(raw, nobody)
    empty = pb.NewsletterLiveUpdate(JID=jid(NEWS), TIME=AT).SerializeToString()
    assert read_newsletter_posts(empty, nobody) is None


class Recorder:
    """Takes whatever is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, object]] = []

    def __getattr__(self, name: str) -> object:
        return lambda *told: self.told.append((name, told[-1]))


def test_each_event_is_told_as_what_it_is() -> None:
    recorder = Recorder()
    telling = Telling(recorder, nobody)  # type: ignore[arg-type]

    telling.event(Code.RECEIPT, receipt(pb.Receipt.READ, "A"))
    telling.event(Code.CALL, offer(ALICE_LID, alt=ALICE))
    telling.event(Code.CAUGHT_UP, pb.OfflineSyncCompleted(Count=7).SerializeToString())
    telling.event(Code.GROUP_CHANGED, b"\xff")
    telling.event(Code.STREAM_ERROR, b"")
    telling.event(Code.CONNECTED, b"")

    assert ["receipt", "call", "caught_up", "unread", "connection"] == [name for name, _ in recorder.told]
    assert 7 == recorder.told[2][1]
    assert [ALICE_LID, "else"] == [telling.caller("C1", "else"), telling.caller("C2", "else")]


def test_all_that_is_read_is_asked_for() -> None:
    assert {19, 21, 22, 27, 32, 33, 34, 35, 44} <= set(SUBSCRIBED)
