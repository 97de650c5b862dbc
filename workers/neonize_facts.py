"""Decoding neonize's answers into the engine's own words; pure functions over protobufs."""

from typing import get_args

from neonize.proto import Neonize_pb2 as pb  # type: ignore[import-untyped, unused-ignore]

from wagateway.commands.users import PrivacyName
from wagateway.phone import LID
from workers.engine import GroupNews
from workers.facts import (
    ContactFacts,
    GroupFacts,
    GroupMember,
    JoinRequestFacts,
    NewsletterFacts,
    PictureFacts,
    PostFacts,
    PrivacyFacts,
    RegistrationFacts,
    UserFacts,
)
from workers.neonize_jids import Who, device_text_of, text_of

_MICROSECONDS = 1_000_000
_PRIVACY = {name: name.title().replace("_", "") for name in get_args(PrivacyName)}
"""neonize's field for each setting, which it calls GroupAdd, LastSeen …"""


def group_facts(group: pb.GroupInfo, who: Who) -> GroupFacts:
    """A group. Its creation has been a 32-bit float on the way, which is up to a minute off."""
    name, topic = group.GroupName, group.GroupTopic
    owner, owner_lid = who(group.OwnerJID, group.OwnerPN)
    return GroupFacts(
        jid=text_of(group.JID),
        name=name.Name,
        owner=owner,
        owner_lid=owner_lid,
        name_set_at=_seconds(name.NameSetAt),
        name_set_by=who(name.NameSetBy, None)[0],
        topic=topic.Topic,
        topic_id=topic.TopicID,
        topic_set_at=_seconds(topic.TopicSetAt),
        topic_set_by=who(topic.TopicSetBy, None)[0],
        topic_deleted=topic.TopicDeleted,
        created_at=_seconds(group.GroupCreated),
        participant_version=group.ParticipantVersionID,
        members=[group_member(each, who) for each in group.Participants],
        is_locked=group.GroupLocked.isLocked,
        is_announce=group.GroupAnnounce.IsAnnounce,
        announce_version=group.GroupAnnounce.AnnounceVersionID,
        is_ephemeral=group.GroupEphemeral.IsEphemeral,
        timer=group.GroupEphemeral.DisappearingTimer,
        is_incognito=group.GroupIncognito.IsIncognito,
        is_parent=group.GroupParent.IsParent,
        approval_mode=group.GroupParent.DefaultMembershipApprovalMode,
        linked_parent=text_of(group.GroupLinkedParent.LinkedParentJID),
        is_default_sub=group.GroupIsDefaultSub.IsDefaultSubGroup,
    )


def group_news(group: pb.GroupInfo) -> GroupNews:
    """The name and the timer of a group."""
    return GroupNews(text_of(group.JID), group.GroupName.Name, group.GroupEphemeral.DisappearingTimer)


def group_member(member: pb.GroupParticipant, who: Who) -> GroupMember:
    """A member, or what became of one."""
    own, phone = member.JID, member.PhoneNumber
    jid, lid = who(own, phone if own.Server == LID else member.LID)
    return GroupMember(
        jid=jid,
        lid=lid,
        is_admin=member.IsAdmin,
        is_super_admin=member.IsSuperAdmin,
        display_name=member.DisplayName,
        error=member.Error,
    )


def join_request(request: pb.GroupParticipantRequest, who: Who) -> JoinRequestFacts:
    """Who asks to join; neonize tells when in microseconds."""
    jid, lid = who(request.Participant, None)
    return JoinRequestFacts(jid, lid, request.TimeAt // _MICROSECONDS)


def user_facts(user: pb.GetUserInfoSingleReturnFunction, who: Who) -> UserFacts | None:
    """Somebody; None when WhatsApp told nothing of them, as of those who are not on WhatsApp."""
    told = user.UserInfo
    jid, lid = who(user.JID, None)
    if not (told.Devices or told.Status or told.PictureID or told.HasField("VerifiedName")):
        return None
    return UserFacts(
        jid=jid,
        lid=lid,
        verified_name=_name_of(told.VerifiedName),
        status=told.Status,
        picture_id=told.PictureID,
        devices=[device_text_of(each) for each in told.Devices],
    )


def registration(answer: pb.IsOnWhatsAppResponse, who: Who) -> RegistrationFacts:
    """Whether a number is on WhatsApp."""
    if not answer.IsIn:
        return RegistrationFacts(is_in=False)
    jid, lid = who(answer.JID, None)
    return RegistrationFacts(True, jid, lid, _name_of(answer.VerifiedName))


def picture(told: pb.ProfilePictureInfo) -> PictureFacts | None:
    """A picture; None when nothing is told of one."""
    if not (told.URL or told.ID):
        return None
    return PictureFacts(told.URL, told.ID, told.Type)


def contact_facts(told: list[pb.Contact], who: Who) -> list[ContactFacts]:
    """The address book: one entry for each person, whom the session may have by phone and by LID."""
    people: dict[str, ContactFacts] = {}
    for each in told:
        jid, lid = who(each.JID, None)
        known, names = people.get(jid) or ContactFacts(jid=jid), each.Info
        people[jid] = ContactFacts(
            jid=jid,
            lid=known.lid or lid,
            full_name=known.full_name or names.FullName,
            first_name=known.first_name or names.FirstName,
            push_name=known.push_name or names.PushName,
            business_name=known.business_name or names.BusinessName,
        )
    return list(people.values())


def privacy_facts(settings: pb.PrivacySettings) -> PrivacyFacts:
    """The privacy settings; "" for a word of WhatsApp's that neonize does not know."""
    words = pb.PrivacySettings.PrivacySetting
    values = {name: getattr(settings, field) for name, field in _PRIVACY.items()}
    return {
        name: "" if value == pb.PrivacySettings.UNDEFINED else words.Name(value).lower()
        for name, value in values.items()
    }


def newsletter_facts(newsletter: pb.NewsletterMetadata) -> NewsletterFacts:
    """A newsletter; "" for a word of WhatsApp's that neonize does not know."""
    thread, viewer = newsletter.ThreadMeta, newsletter.ViewerMeta
    return NewsletterFacts(
        jid=text_of(newsletter.ID),
        state=_word(newsletter.State, "Type"),
        name=thread.Name.Text,
        name_id=thread.Name.ID,
        name_updated=_microseconds(thread.Name),
        description=thread.Description.Text,
        description_id=thread.Description.ID,
        description_updated=_microseconds(thread.Description),
        invite=thread.InviteCode,
        created_at=_seconds(thread.CreationTime),
        subscribers=thread.SubscriberCount,
        verification=_word(thread, "VerificationState"),
        picture=picture(thread.Picture),
        picture_path=thread.Picture.DirectPath,
        preview=picture(thread.Preview),
        preview_path=thread.Preview.DirectPath,
        reactions=_word(thread.Settings.ReactionCodes, "Value"),
        role=_word(viewer, "Role"),
        mute=_word(viewer, "Mute"),
    )


def post_facts(post: pb.NewsletterMessage) -> PostFacts:
    """A post of a newsletter."""
    return PostFacts(
        server_id=post.MessageServerID,
        views=post.ViewsCount,
        reactions={each.type: each.count for each in post.ReactionCounts},
        content=post.Message.SerializeToString(),
    )


def _word(
    message: pb.WrappedNewsletterState
    | pb.NewsletterThreadMetadata
    | pb.NewsletterReactionSettings
    | pb.NewsletterViewerMetadata,
    field: str,
) -> str:
    """The name of a field's value in lower case."""
    if not message.HasField(field):
        return ""
    values = message.DESCRIPTOR.fields_by_name[field].enum_type.values_by_number
    return str(values[getattr(message, field)].name).lower()


def _name_of(verified: pb.VerifiedName) -> str:
    return str(verified.Details.verifiedName)


def _seconds(time: float) -> int:
    """Unix seconds; Go's zero time is long before 1970."""
    return max(int(time), 0)


def _microseconds(text: pb.NewsletterText) -> int:
    return _seconds(text.UpdateTime) * _MICROSECONDS
