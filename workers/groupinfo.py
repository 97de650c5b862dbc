"""A group as WhatsApp tells it, under the names of the real server."""

from wagateway.commands.groups import GroupInfo, LinkedGroup
from wagateway.events import rfc3339
from wagateway.phone import is_phone
from workers.facts import GroupFacts, GroupMember
from workers.membership import participant


def group_info(facts: GroupFacts, members: list[GroupMember]) -> GroupInfo:
    """The group with these members, which are those of `facts` and what else is known of them."""
    return GroupInfo(
        jid=facts.jid,
        owner_jid=facts.owner or facts.owner_lid,
        owner_pn=_phone(facts.owner) or "",
        name=facts.name,
        name_set_at=_time(facts.name_set_at),
        name_set_by=facts.name_set_by,
        name_set_by_pn=_phone(facts.name_set_by),
        topic=facts.topic,
        topic_id=facts.topic_id,
        topic_set_at=_time(facts.topic_set_at),
        topic_set_by=facts.topic_set_by,
        topic_set_by_pn=_phone(facts.topic_set_by),
        topic_deleted=facts.topic_deleted,
        group_created=_time(facts.created_at),
        participant_version_id=facts.participant_version,
        participant_count=len(members),
        participants=[participant(member) for member in members],
        is_locked=facts.is_locked,
        is_announce=facts.is_announce,
        announce_version_id=facts.announce_version,
        is_ephemeral=facts.is_ephemeral,
        disappearing_timer=facts.timer,
        is_incognito=facts.is_incognito,
        is_parent=facts.is_parent,
        default_membership_approval_mode=facts.approval_mode,
        linked_parent_jid=facts.linked_parent,
        is_default_sub_group=facts.is_default_sub,
    )


def linked_group(facts: GroupFacts) -> LinkedGroup:
    """What a link says of its group."""
    return LinkedGroup(
        group_id=facts.jid,
        name=facts.name,
        topic=facts.topic,
        created_at=_time(facts.created_at),
        participant_count=len(facts.members),
        is_locked=facts.is_locked,
        is_announce=facts.is_announce,
        is_ephemeral=facts.is_ephemeral,
        description=facts.topic,
    )


def _time(seconds: int) -> str:
    return rfc3339(seconds * 1000)


def _phone(jid: str) -> str | None:
    """The JID where it is a phone JID; None where only the LID, or nobody, is known."""
    return jid if is_phone(jid) else None
