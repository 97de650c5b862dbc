"""Acting on a stored message: how WhatsApp is told which one is meant, and the messages that do it."""

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence

from wagateway.contract import Problem
from wagateway.phone import is_group
from wagateway.problems import invalid
from wagateway.whatsapp.protos import E2E, Common
from workers import outbound
from workers.content.wrappers import unwrap
from workers.engine import Engine
from workers.shard import Shard, chats
from workers.shard.chats import Target
from workers.shard.messages import now

_CALL = "call"
_NOT_A_MEMBER = (400, 403, 404)  # how WhatsApp refuses to tell of a group that one is not in
_MOST_IN_RECEIPT = 100  # messages that one receipt tells of
_CAPTIONED = ("imageMessage", "videoMessage", "documentMessage")


async def find(shard: Shard, chat: str, message_id: str) -> Target:
    """The message with this id in the chat, of this device only.

    Raises 404 `MESSAGE_NOT_FOUND` for one that is not stored, 400 for a call and for what is only about
    another message (a reaction, an edit), and 409 `MESSAGE_NOT_SENT` for one that WhatsApp has not got.
    """
    target = await shard.read(lambda connection: chats.find_target(connection, message_id, chat))
    if target.row.target_id:
        raise invalid("message_id", f"must name a message; this is a {target.row.kind} of another one")
    if target.row.kind == _CALL:
        raise invalid("message_id", "must name a message; this is a call")
    if target.row.id.startswith(chats.UNSENT):
        raise Problem(
            409, "MESSAGE_NOT_SENT", "WhatsApp has not got this message, or has not said under which id"
        )
    return target


def refuse_revoked(target: Target) -> None:
    """Raises 409 `MESSAGE_REVOKED` for a message that was deleted for everyone."""
    if target.row.revoked_at:
        raise Problem(409, "MESSAGE_REVOKED", "This message was deleted for everyone; nothing was changed")


async def key_of(engine: Engine, chat: str, target: Target) -> Common.MessageKey:
    """How WhatsApp is told which message of the chat is meant; in a group that says its author."""
    row = target.row
    key = Common.MessageKey(remoteJID=chat, fromMe=row.from_me, ID=row.id)
    if is_group(chat) and not row.from_me:
        authors = await addressed(engine, chat, [(row.sender, target.sender_lid)])
        key.participant = authors[row.sender]
    return key


async def addressed(engine: Engine, chat: str, people: Iterable[tuple[str, str]]) -> dict[str, str]:
    """What the chat calls these people, by their stored JIDs; each comes with the LID, "" where not known.

    Phones look an author up by the JID that the group uses, and a group uses either phone JIDs or LIDs.
    """
    if not is_group(chat):
        return {jid: jid for jid, _ in people}
    members = frozenset(await engine.group_members(chat))
    return {jid: lid if lid in members else jid for jid, lid in people}


async def tell_read(engine: Engine, chat: str, read: Sequence[tuple[str, str, str]]) -> None:
    """Tell the authors of messages of others that they were read; each is an id, a JID and a LID or "".

    Of a group that the account is in no more, nobody is told.
    """
    try:
        authors = await addressed(engine, chat, dict.fromkeys((jid, lid) for _, jid, lid in read))
    except Problem as problem:
        if problem.status not in _NOT_A_MEMBER:
            raise
        return
    by_author: defaultdict[str, list[str]] = defaultdict(list)
    for message_id, jid, _ in read:
        by_author[authors[jid]].append(message_id)
    for author, ids in by_author.items():
        for start in range(0, len(ids), _MOST_IN_RECEIPT):
            await engine.mark_read(chat, author, ids[start : start + _MOST_IN_RECEIPT])


def reaction(key: Common.MessageKey, emoji: str) -> E2E.Message:
    """A reaction; "" takes ours back."""
    return E2E.Message(reactionMessage=E2E.ReactionMessage(key=key, text=emoji, senderTimestampMS=now()))


def revocation(key: Common.MessageKey) -> E2E.Message:
    """Delete a message for everyone; raises 400 for one of others where nobody but they can."""
    if not (key.fromMe or is_group(key.remoteJID)):
        raise invalid(
            "message_id",
            "must name a message of this account: only in groups others' can be revoked",
        )
    return E2E.Message(protocolMessage=E2E.ProtocolMessage(type=E2E.ProtocolMessage.REVOKE, key=key))


def edit(key: Common.MessageKey, raw: bytes, text: str) -> E2E.Message:
    """Replace the text or caption of the message that `raw` is; raises 400 where it is not ours or has none.

    Other clients take no notice of an edit that comes some 15 minutes after the message.
    """
    if not key.fromMe:
        raise invalid("message_id", "must name a message of this account: only those can be edited")
    change = E2E.ProtocolMessage(
        type=E2E.ProtocolMessage.MESSAGE_EDIT,
        key=key,
        editedMessage=_reworded(raw, text),
        timestampMS=now(),
    )
    return E2E.Message(editedMessage=E2E.FutureProofMessage(message=E2E.Message(protocolMessage=change)))


def timer_setting(seconds: int) -> E2E.Message:
    """Let new messages between two people disappear after so long; 0 never."""
    setting = E2E.ProtocolMessage(
        type=E2E.ProtocolMessage.EPHEMERAL_SETTING,
        ephemeralExpiration=seconds,
        ephemeralSettingTimestamp=int(time.time()),
    )
    return E2E.Message(protocolMessage=setting)


def _reworded(raw: bytes, text: str) -> E2E.Message:
    original, _ = unwrap(E2E.Message.FromString(raw))
    mentions = outbound.mentioned(text)
    context = E2E.ContextInfo(mentionedJID=mentions) if mentions else None
    if original.HasField("conversation") or original.HasField("extendedTextMessage"):
        if context is None:
            return E2E.Message(conversation=text)
        return E2E.Message(extendedTextMessage=E2E.ExtendedTextMessage(text=text, contextInfo=context))
    for name in _CAPTIONED:
        if original.HasField(name):
            # The file goes along: phones show what an edit brings in place of what there was.
            reworded = E2E.Message()
            part = getattr(reworded, name)
            part.CopyFrom(getattr(original, name))
            part.caption = text
            part.ClearField("contextInfo")
            if context is not None:
                part.contextInfo.CopyFrom(context)
            return reworded
    raise invalid("message_id", "must name a text, or an image, video or document with its caption")
