import pytest

from wagateway.whatsapp.protos import E2E, bare_neonize

bare_neonize()

from neonize.proto import Neonize_pb2 as pb  # type: ignore[import-untyped, unused-ignore]  # noqa: E402

from workers.engine import GroupNews  # noqa: E402
from workers.facts import ContactFacts, GroupMember, JoinRequestFacts, PictureFacts  # noqa: E402
from workers.neonize_facts import (  # noqa: E402
    contact_facts,
    group_facts,
    group_member,
    group_news,
    join_request,
    newsletter_facts,
    picture,
    post_facts,
    privacy_facts,
    registration,
    user_facts,
)
from workers.neonize_jids import both_of, jid_of  # noqa: E402

ALICE, ALICE_LID = "628111@s.whatsapp.net", "900111@lid"
BOB, BOB_LID = "628222@s.whatsapp.net", "900222@lid"
GROUP = "120363000000000001@g.us"
NEVER = -62_135_596_800  # Go's zero time in Unix seconds


def who(jid: pb.JID, alternative: pb.JID | None) -> tuple[str, str]:
    """Knows Bob's number only."""
    return both_of(jid, alternative, lambda lid: BOB if lid == BOB_LID else "")


def member(jid: str, phone: str = "@", lid: str = "@", **more: object) -> pb.GroupParticipant:
    admin = bool(more.get("admin"))
    return pb.GroupParticipant(
        JID=jid_of(jid),
        PhoneNumber=jid_of(phone),
        LID=jid_of(lid),
        IsAdmin=admin,
        IsSuperAdmin=admin,
        DisplayName="",
        Error=int(str(more.get("error", 0))),
        AddRequest=pb.GroupParticipantAddRequest(Code="", Expiration=0),
    )


def group(*members: pb.GroupParticipant) -> pb.GroupInfo:
    return pb.GroupInfo(
        JID=jid_of(GROUP),
        OwnerJID=jid_of(ALICE_LID),
        OwnerPN=jid_of(ALICE),
        GroupName=pb.GroupName(Name="Team", NameSetAt=1_700_000_000, NameSetBy=jid_of(BOB_LID)),
        GroupTopic=pb.GroupTopic(
            Topic="", TopicID="", TopicSetAt=NEVER, TopicSetBy=jid_of("@"), TopicDeleted=False
        ),
        GroupLocked=pb.GroupLocked(isLocked=True),
        GroupAnnounce=pb.GroupAnnounce(IsAnnounce=False, AnnounceVersionID="7"),
        GroupEphemeral=pb.GroupEphemeral(IsEphemeral=True, DisappearingTimer=86_400),
        GroupIncognito=pb.GroupIncognito(IsIncognito=False),
        GroupParent=pb.GroupParent(IsParent=False, DefaultMembershipApprovalMode=""),
        GroupLinkedParent=pb.GroupLinkedParent(LinkedParentJID=jid_of("@")),
        GroupIsDefaultSub=pb.GroupIsDefaultSub(IsDefaultSubGroup=False),
        GroupCreated=1_700_000_000,
        ParticipantVersionID="9",
        Participants=members,
    )


def test_a_group_is_told_by_phone_numbers_with_the_lids_beside_them() -> None:
    read = group_facts(group(member(ALICE_LID, phone=ALICE, admin=True), member(BOB_LID)), who)

    assert (GROUP, "Team", ALICE, ALICE_LID) == (read.jid, read.name, read.owner, read.owner_lid)
    assert [(ALICE, ALICE_LID, True), (BOB, BOB_LID, False)] == [
        (each.jid, each.lid, each.is_super_admin) for each in read.members
    ]
    assert BOB == read.name_set_by
    assert (True, False, 86_400) == (read.is_locked, read.is_announce, read.timer)


def test_times_that_a_group_does_not_tell_are_0_and_its_creation_is_a_minute_off_at_most() -> None:
    read = group_facts(group(), who)

    assert (0, "") == (read.topic_set_at, read.topic_set_by)
    assert abs(read.created_at - 1_700_000_000) <= 64


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (member(ALICE, lid=ALICE_LID), GroupMember(ALICE, ALICE_LID)),
        (member("900333@lid"), GroupMember("900333@lid", "900333@lid")),
        (
            member(BOB, error=403),
            GroupMember(BOB, "", error=403),
        ),
    ],
)
def test_a_member_is_the_phone_where_that_is_known(told: pb.GroupParticipant, expected: GroupMember) -> None:
    assert expected == group_member(told, who)


def test_a_join_request_comes_in_microseconds() -> None:
    told = pb.GroupParticipantRequest(Participant=jid_of(BOB_LID), TimeAt=1_700_000_000_000_000)

    assert JoinRequestFacts(BOB, BOB_LID, 1_700_000_000) == join_request(told, who)


def test_somebody_of_whom_nothing_is_told_is_left_out() -> None:
    nobody = pb.GetUserInfoSingleReturnFunction(
        JID=jid_of(ALICE), UserInfo=pb.UserInfo(Status="", PictureID="")
    )
    device = jid_of(ALICE)
    device.Device = 3
    somebody = pb.GetUserInfoSingleReturnFunction(
        JID=jid_of(ALICE), UserInfo=pb.UserInfo(Status="", PictureID="", Devices=[jid_of(ALICE), device])
    )

    assert user_facts(nobody, who) is None
    read = user_facts(somebody, who)
    assert read is not None
    assert [ALICE, "628111:3@s.whatsapp.net"] == read.devices


def test_a_number_that_is_not_on_whatsapp_has_no_jid() -> None:
    told = pb.IsOnWhatsAppResponse(Query="+628111", JID=jid_of(ALICE), IsIn=False)

    read = registration(told, who)

    assert (False, "") == (read.is_in, read.jid)


def test_whoever_the_session_has_twice_is_one_contact() -> None:
    def contact(jid: str, **names: str) -> pb.Contact:
        info = {"FullName": "", "FirstName": "", "PushName": "", "BusinessName": "", "RedactedPhone": ""}
        return pb.Contact(JID=jid_of(jid), Info=pb.ContactInfo(Found=True, **(info | names)))

    read = contact_facts([contact(BOB_LID, PushName="bob"), contact(BOB, FullName="Bob B")], who)

    assert [ContactFacts(jid=BOB, lid=BOB_LID, full_name="Bob B", push_name="bob")] == read


def test_a_privacy_word_that_neonize_does_not_know_is_empty() -> None:
    unknown_then_none = pb.PrivacySettings.FromString(b"\x08\x00\x10\x07")

    read = privacy_facts(unknown_then_none)

    assert ("", "none") == (read["group_add"], read["last_seen"])


def test_nothing_told_of_a_picture_is_none() -> None:
    assert picture(pb.ProfilePictureInfo(URL="", ID="", Type="PREVIEW", DirectPath="/v/x")) is None
    assert PictureFacts("https://x", "1", "image") == picture(
        pb.ProfilePictureInfo(URL="https://x", ID="1", Type="image")
    )


def test_a_newsletter_is_told_in_whatsapps_words() -> None:
    text = pb.NewsletterText(Text="News", ID="1", UpdateTime=1_700_000_000)
    thread = pb.NewsletterThreadMetadata(
        CreationTime=1_600_000_000,
        InviteCode="0029",
        Name=text,
        Description=pb.NewsletterText(Text="", ID="", UpdateTime=NEVER),
        SubscriberCount=7,
        VerificationState=pb.NewsletterThreadMetadata.UNVERIFIED,
        Preview=pb.ProfilePictureInfo(DirectPath="/v/x"),
        Settings=pb.NewsletterSetting(
            ReactionCodes=pb.NewsletterReactionSettings(Value=pb.NewsletterReactionSettings.BASIC)
        ),
    )
    told = pb.NewsletterMetadata(
        ID=jid_of("1203@newsletter"),
        State=pb.WrappedNewsletterState(Type=pb.WrappedNewsletterState.GEOSUSPENDED),
        ThreadMeta=thread,
    )

    read = newsletter_facts(told)

    assert ("geosuspended", "unverified", "basic") == (read.state, read.verification, read.reactions)
    assert (1_700_000_000_000_000, 0) == (read.name_updated, read.description_updated)
    assert ("", "", None, "/v/x") == (read.role, read.mute, read.preview, read.preview_path)


def test_a_revoked_post_has_no_content() -> None:
    told = pb.NewsletterMessage(
        MessageServerID=100, ViewsCount=3, ReactionCounts=[pb.Reaction(type="👍", count=2)]
    )
    there = pb.NewsletterMessage(MessageServerID=101, ViewsCount=0, Message=E2E.Message(conversation="hi"))

    assert (b"", {"👍": 2}) == (post_facts(told).content, post_facts(told).reactions)
    assert "hi" == E2E.Message.FromString(post_facts(there).content).conversation


def test_the_news_of_a_group_are_its_name_and_timer() -> None:
    assert GroupNews(GROUP, "Team", 86_400) == group_news(group(member(BOB_LID)))
