"""What a changed or joined group changes in the shard: its chat and the events, in one transaction."""

import sqlite3

import msgspec

from wagateway.events import rfc3339
from wagateway.events.catalogue import GROUP_JOINED, GROUP_UPDATED, PARTICIPANTS
from wagateway.events.groups import GroupJoinedPayload, GroupUpdatedPayload, ParticipantsPayload
from workers.engine import GroupChange, GroupJoined, GroupNews
from workers.identities import Own, identities, learn_lids
from workers.shard import log as event_log
from workers.shard.groups import keep_groups

_FIELDS = ("name", "topic", "locked", "announce", "timer", "invite_link", "deleted")
_MEMBERS = (("join", "joined"), ("leave", "left"), ("promote", "promoted"), ("demote", "demoted"))


def keep_change(connection: sqlite3.Connection, own: Own, change: GroupChange) -> int | None:
    """Keep a new name and timer; log one event of the settings and one of each kind of change of members.

    Returns the number of the last event, None without any.
    """
    learn_lids(connection, {(change.actor_lid, change.actor), *change.phones.items()})
    if change.name is not None or change.timer is not None:
        keep_groups(connection, [GroupNews(change.jid, change.name, change.timer)])
    by = identities(connection, own, change.actor) if change.actor else ("", "")
    seq = None
    if updated := _updated(change, by):
        seq = event_log.append(connection, own, GROUP_UPDATED, change.jid, updated)
    for kind, field in _MEMBERS:
        if members := getattr(change, field):
            people = [identities(connection, own, member) for member in members]
            payload = _participants(change, kind, people, by)
            seq = event_log.append(connection, own, PARTICIPANTS, change.jid, payload)
    return seq


def _updated(change: GroupChange, by: tuple[str, str]) -> GroupUpdatedPayload | None:
    told = {field: value for field in _FIELDS if (value := getattr(change, field)) is not None}
    if not told:
        return None
    payload = GroupUpdatedPayload(
        chat_id=change.jid,
        changed=list(told),
        actor=by[0],
        actor_lid=by[1],
        timestamp=rfc3339(change.timestamp),
    )
    return msgspec.structs.replace(payload, **told)


def _participants(
    change: GroupChange, kind: str, people: list[tuple[str, str]], by: tuple[str, str]
) -> ParticipantsPayload:
    return ParticipantsPayload(
        chat_id=change.jid,
        type=kind,
        jids=[jid for jid, _ in people],
        lids=[lid for _, lid in people],
        actor=by[0],
        actor_lid=by[1],
        timestamp=rfc3339(change.timestamp),
    )


def keep_joined(connection: sqlite3.Connection, own: Own, joined: GroupJoined) -> int:
    """Keep the group as a chat, unless it is a community, in which nobody can write, and log the event."""
    learn_lids(connection, {(joined.actor_lid, joined.actor)})
    if not joined.community:
        keep_groups(connection, [GroupNews(joined.jid, joined.name, joined.timer)])
    actor, actor_lid = identities(connection, own, joined.actor) if joined.actor else ("", "")
    payload = GroupJoinedPayload(
        chat_id=joined.jid,
        type="join",
        jids=[own.jid],
        reason=joined.reason,
        group_name=joined.name,
        actor=actor,
        actor_lid=actor_lid,
    )
    return event_log.append(connection, own, GROUP_JOINED, joined.jid, payload)
