"""What is told of groups."""

import msgspec


class ParticipantsPayload(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Members of a group changed: `type` is join, leave, promote or demote.

    `actor` is who did it, "" where WhatsApp does not say; who leaves or joins by a link did it alone.
    `lids` are those of `jids` in the same order, "" where not known.
    """

    chat_id: str
    type: str
    jids: list[str]
    lids: list[str] = []
    actor: str = ""
    actor_lid: str = ""
    timestamp: str = ""


class GroupJoinedPayload(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The account is in a group from now on: somebody added it, or it joined by a link or made the group."""

    chat_id: str
    type: str
    jids: list[str]
    reason: str = ""
    group_name: str = ""
    actor: str = ""
    actor_lid: str = ""


class GroupUpdatedPayload(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something about a group changed; `changed` names the fields that say what it is now.

    `timer` is how long messages stay, in seconds, 0 for ever. `actor` as in `ParticipantsPayload`.
    """

    chat_id: str
    changed: list[str]
    name: str | None = None
    topic: str | None = None
    locked: bool | None = None
    announce: bool | None = None
    timer: int | None = None
    invite_link: str | None = None
    deleted: bool | None = None
    actor: str = ""
    actor_lid: str = ""
    timestamp: str = ""
