"""What a phone writes about messages that are there: votes, reactions, edits, revocations; and polls."""

import secrets
import time

import msgspec

from wagateway.contract import Problem
from wagateway.problems import invalid
from wagateway.sandbox.contents import innermost
from wagateway.sandbox.state import GROUP, LID, Account
from wagateway.whatsapp import polls
from wagateway.whatsapp.protos import E2E, Common
from wagateway.whatsapp.stanza import Jid

_SECRET_SIZE = 32


class Known(msgspec.Struct, frozen=True):
    """A message that a phone sent or received: its id, its chat, its author and what it says."""

    id: str
    chat: Jid
    author: Account
    message: E2E.Message

    @property
    def secret(self) -> bytes:
        """What votes on it and encrypted edits of it are encrypted under; empty when it has none."""
        return bytes(self.message.messageContextInfo.messageSecret)

    def key(self, me: Account) -> Common.MessageKey:
        """How `me` names it to others."""
        key = Common.MessageKey(remoteJID=str(self.chat), fromMe=self.author is me, ID=self.id)
        if self.chat.server == GROUP and self.author is not me:
            key.participant = str(self.author.jid(LID))
        return key


def with_secret(message: E2E.Message) -> E2E.Message:
    """The message with a secret of its own, in place."""
    message.messageContextInfo.messageSecret = secrets.token_bytes(_SECRET_SIZE)
    return message


def poll(question: str, options: list[str], max_answer: int) -> E2E.Message:
    """A poll; `max_answer` 0 lets people choose as many as they like."""
    # Phones ask single-choice polls in a field of their own.
    name = "pollCreationMessageV3" if max_answer == 1 else "pollCreationMessage"
    message = E2E.Message()
    asked = getattr(message, name)
    asked.name = question
    asked.selectableOptionsCount = max_answer
    for option in options:
        asked.options.add(optionName=option)
    return with_secret(message)


def vote(asked: Known, me: Account, options: list[str]) -> E2E.Message:
    """A vote for these options of a poll, none of them to withdraw; raises `Problem`."""
    value = innermost(asked.message)[1]
    if not isinstance(value, E2E.PollCreationMessage) or not asked.secret:
        raise Problem(400, "NOT_A_POLL", "The message is no poll, or came without its secret")
    known = [option.optionName for option in value.options]
    if strange := [option for option in options if option not in known]:
        raise invalid("options", f"has what the poll does not offer: {strange[0]}")
    asker, voter = str(asked.author.jid(LID)), str(me.jid(LID))
    payload, iv = polls.seal_vote(asked.secret, asked.id, asker, voter, options)
    message = E2E.Message()
    update = message.pollUpdateMessage
    update.pollCreationMessageKey.CopyFrom(asked.key(me))
    update.vote.encPayload, update.vote.encIV = payload, iv
    update.senderTimestampMS = _now_ms()
    return message


def reaction(target: Known, me: Account, emoji: str) -> E2E.Message:
    """A reaction; an empty one takes the reaction back."""
    content = E2E.ReactionMessage(key=target.key(me), text=emoji, senderTimestampMS=_now_ms())
    return E2E.Message(reactionMessage=content)


def revocation(target: Known, me: Account) -> E2E.Message:
    """Take a message back for everybody; the author's only, but in a group also an administrator's."""
    if target.author is not me and target.chat.server != GROUP:
        raise Problem(400, "NOT_YOUR_MESSAGE", "Only its author can take this message back")
    content = E2E.ProtocolMessage(type=E2E.ProtocolMessage.REVOKE, key=target.key(me))
    return E2E.Message(protocolMessage=content)


def edit(target: Known, me: Account, text: str) -> E2E.Message:
    """Change a message's text, or the caption of its file."""
    if target.author is not me:
        raise Problem(400, "NOT_YOUR_MESSAGE", "Only its author can edit this message")
    content = E2E.ProtocolMessage(type=E2E.ProtocolMessage.MESSAGE_EDIT, key=target.key(me))
    content.editedMessage.CopyFrom(_reworded(target.message, text))
    content.timestampMS = _now_ms()
    return E2E.Message(protocolMessage=content)


def encrypted_edit(target: Known, me: Account, text: str) -> E2E.Message:
    """The same, encrypted under the message's secret as newer phones do it."""
    if not target.secret:
        raise Problem(400, "NO_SECRET", "The message was sent without a messageSecret")
    author = str(me.jid(LID))
    payload, iv = polls.seal_edit(target.secret, target.id, author, author, edit(target, me, text))
    message = E2E.Message()
    sealed = message.secretEncryptedMessage
    sealed.targetMessageKey.CopyFrom(target.key(me))
    sealed.encPayload, sealed.encIV = payload, iv
    sealed.secretEncType = E2E.SecretEncryptedMessage.MESSAGE_EDIT
    return message


def _reworded(message: E2E.Message, text: str) -> E2E.Message:
    name, value = innermost(message)
    edited = E2E.Message()
    if name != "conversation":
        getattr(edited, name).CopyFrom(value)
        for field in ("text", "caption"):
            if hasattr(value, field):
                setattr(getattr(edited, name), field, text)
                return edited
    return E2E.Message(conversation=text)


def chosen(payload: E2E.PollUpdateMessage, asked: Known, voter: Account) -> list[str]:
    """The option texts that a vote is for; `ProtocolError` when it cannot be opened."""
    options = [option.optionName for option in innermost(asked.message)[1].options]
    names = dict(zip(polls.vote_hashes(options), options, strict=True))
    asker, sealed = str(asked.author.jid(LID)), payload.vote
    hashes = polls.open_vote(
        asked.secret, asked.id, asker, str(voter.jid(LID)), sealed.encPayload, sealed.encIV
    )
    return [names.get(each, each.hex()) for each in hashes]


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
