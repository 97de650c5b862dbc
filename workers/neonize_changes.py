"""Decoding neonize's events about groups, newsletters and people who type; pure functions over protobufs."""

import msgspec
from neonize.proto import Neonize_pb2 as pb  # type: ignore[import-untyped, unused-ignore]

from wagateway.phone import is_lid
from workers.engine import ChatPresence, GroupChange, GroupJoined, NewsletterChange, PostChange
from workers.neonize_facts import group_news
from workers.neonize_jids import PhoneOf, both_of, parties, text_of


def read_chat_presence(raw: bytes, phone_of: PhoneOf) -> ChatPresence | None:
    """Who types, of a `ChatPresence` event; None for the account itself on another device.

    Raises ValueError (or protobuf's DecodeError) for one that makes no sense.
    """
    event = pb.ChatPresence.FromString(raw)
    if event.MessageSource.IsFromMe:
        return None
    chat, chat_lid, sender, sender_lid = parties(event.MessageSource, phone_of)
    if not (chat and sender):
        raise ValueError("typing without chat or sender")
    return ChatPresence(
        chat=chat,
        chat_lid=chat_lid,
        sender=sender,
        sender_lid=sender_lid,
        state="composing" if event.State == pb.ChatPresence.COMPOSING else "paused",
        media="audio" if event.Media == pb.ChatPresence.AUDIO else "",
    )


def read_joined_group(raw: bytes, phone_of: PhoneOf) -> GroupJoined:
    """The group of a `JoinedGroup` event."""
    event = pb.JoinedGroup.FromString(raw)
    news = group_news(event.GroupInfo)
    actor, actor_lid = both_of(event.Sender, event.SenderPN, phone_of)
    return GroupJoined(
        jid=news.jid,
        actor=actor,
        actor_lid=actor_lid,
        name=news.name or "",
        timer=news.timer,
        reason=event.Reason,
        community=event.GroupInfo.GroupParent.IsParent,
    )


def read_group_change(raw: bytes, phone_of: PhoneOf) -> GroupChange | None:
    """What a `GroupInfo` event tells; None for one that tells nothing of it, such as of a link to another."""
    event = pb.GroupInfoEvent.FromString(raw)
    actor, actor_lid = both_of(event.Sender, None, phone_of)
    joined, left, promoted, demoted = map(_texts, (event.Join, event.Leave, event.Promote, event.Demote))
    lids = filter(is_lid, {*joined, *left, *promoted, *demoted})
    who = GroupChange(
        jid=text_of(event.JID), actor=actor, actor_lid=actor_lid, timestamp=event.Timestamp * 1000
    )
    change = msgspec.structs.replace(
        who,
        name=event.Name.Name if event.HasField("Name") else None,
        topic=event.Topic.Topic if event.HasField("Topic") else None,
        locked=event.Locked.isLocked if event.HasField("Locked") else None,
        announce=event.Announce.IsAnnounce if event.HasField("Announce") else None,
        # Off comes as an event with 0 and not as one without a timer.
        timer=event.Ephemeral.DisappearingTimer if event.HasField("Ephemeral") else None,
        invite_link=event.NewInviteLink if event.HasField("NewInviteLink") else None,
        deleted=event.Delete.Deleted if event.HasField("Delete") else None,
        joined=joined,
        left=left,
        promoted=promoted,
        demoted=demoted,
        phones={lid: phone for lid in lids if (phone := phone_of(lid))},
    )
    return None if change == who else change


def read_newsletter_joined(raw: bytes, _phone_of: PhoneOf) -> NewsletterChange:
    """The newsletter of a `NewsletterJoin` event."""
    told = pb.NewsletterJoin.FromString(raw).NewsletterMetadata
    thread = told.ThreadMeta
    return NewsletterChange(
        jid=text_of(told.ID), change="joined", name=thread.Name.Text, description=thread.Description.Text
    )


def read_newsletter_left(raw: bytes, _phone_of: PhoneOf) -> NewsletterChange:
    """The newsletter of a `NewsletterLeave` event."""
    told = pb.NewsletterLeave.FromString(raw)
    return NewsletterChange(
        jid=text_of(told.ID), change="left", role=pb.NewsletterRole.Name(told.Role).lower()
    )


def read_newsletter_muted(raw: bytes, _phone_of: PhoneOf) -> NewsletterChange:
    """The newsletter of a `NewsletterMuteChange` event."""
    told = pb.NewsletterMuteChange.FromString(raw)
    mute = pb.NewsletterMuteState.Name(told.Mute).lower()
    return NewsletterChange(jid=text_of(told.ID), change="mute", mute=mute)


def read_newsletter_posts(raw: bytes, _phone_of: PhoneOf) -> NewsletterChange | None:
    """The posts of a `NewsletterLiveUpdate` event; None for one that tells of no post."""
    told = pb.NewsletterLiveUpdate.FromString(raw)
    posts = [
        PostChange(
            server_id=post.MessageServerID,
            views=post.ViewsCount,
            reactions={each.type: each.count for each in post.ReactionCounts},
        )
        for post in told.Messages
    ]
    return NewsletterChange(jid=text_of(told.JID), change="posts", posts=posts) if posts else None


def read_caught_up(raw: bytes, _phone_of: PhoneOf) -> int:
    """How many stanzas had waited, of an `OfflineSyncCompleted` event."""
    return int(pb.OfflineSyncCompleted.FromString(raw).Count)


def _texts(jids: list[pb.JID]) -> list[str]:
    return [text_of(each) for each in jids]
