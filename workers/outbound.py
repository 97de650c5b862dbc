"""What leaves: the `E2E.Message` of a send command, and the row that keeps it."""

import re
import sqlite3
from collections.abc import Callable

import msgspec

from wagateway.commands.sending import SendCommand, SendMessage
from wagateway.phone import USER, is_group, to_jid
from wagateway.problems import invalid
from wagateway.whatsapp.protos import E2E
from workers.content import TEXT
from workers.engine import Engine, Sent
from workers.shard import Shard, messages
from workers.shard.messages import MessageRow, Quotable

EVERYONE = "@everyone"

_FORWARDED = 100  # the score at which WhatsApp shows "forwarded many times"; the real server sends it too
_MENTION = re.compile(r"(?<![\w@.])@([1-9][0-9]{6,14})(?![0-9@])")


class _Stored(msgspec.Struct, frozen=True):
    timer: int
    quoted: Quotable | None


async def text_message(shard: Shard, engine: Engine, chat: str, command: SendMessage) -> E2E.Message:
    """The message for the chat (a JID); `@everyone` asks WhatsApp for the group's members.

    Raises 400 `VALIDATION_ERROR` for mentions that cannot be.
    """
    stored = await shard.read(lambda connection: _look_up(connection, chat, command))
    context = context_for(command, stored.timer)
    context.mentionedJID.extend(await _mentions(engine, chat, command))
    if stored.quoted is not None and command.reply_message_id is not None:
        _quote(context, chat, command.reply_message_id, stored.quoted)
    if not context.ListFields():
        return E2E.Message(conversation=command.message)
    return E2E.Message(extendedTextMessage=E2E.ExtendedTextMessage(text=command.message, contextInfo=context))


def context_for(command: SendCommand, timer: int) -> E2E.ContextInfo:
    """What every kind of message says beside its content; `timer` is the chat's own, in seconds."""
    context = E2E.ContextInfo()
    expiration = command.duration or timer
    if expiration:
        context.expiration = expiration
    if command.is_forwarded:
        context.isForwarded = True
        context.forwardingScore = _FORWARDED
    return context


def stored_text(
    own: str, chat: str, command: SendMessage, message: E2E.Message, sent: Sent
) -> Callable[[sqlite3.Connection], None]:
    """The write that keeps a text message which WhatsApp has; `own` is the device's JID."""
    raw = message.SerializeToString()

    def write(connection: sqlite3.Connection) -> None:
        row = MessageRow(
            id=sent.message_id,
            chat=messages.phone_of(connection, chat),
            sender=own,
            from_me=True,
            timestamp=sent.timestamp * 1000,
            kind=TEXT,
            content=command.message,
            quoted_id=message.extendedTextMessage.contextInfo.stanzaID,
            raw=raw,
        )
        messages.add_message(connection, row)

    return write


def _look_up(connection: sqlite3.Connection, chat: str, command: SendMessage) -> _Stored:
    known = messages.phone_of(connection, chat)
    reply_to = command.reply_message_id
    quoted = messages.find_quotable(connection, reply_to, known) if reply_to else None
    return _Stored(messages.get_timer(connection, known), quoted)


async def _mentions(engine: Engine, chat: str, command: SendMessage) -> list[str]:
    named = [value.strip() for value in command.mentions]
    found = [to_jid(value.removeprefix("@"), "mentions") for value in named if value != EVERYONE]
    found += [f"{number}@{USER}" for number in _MENTION.findall(command.message)]
    if EVERYONE in named:
        if not is_group(chat):
            raise invalid("mentions", "@everyone is only for groups")
        found += await engine.group_members(chat)
    return list(dict.fromkeys(found))


def _quote(context: E2E.ContextInfo, chat: str, message_id: str, quoted: Quotable) -> None:
    original = E2E.Message.FromString(quoted.raw)
    # A quote inside a quote is not shown, and would make every answer longer than the one before.
    original.extendedTextMessage.contextInfo.ClearField("quotedMessage")
    if not original.extendedTextMessage.text:
        original.ClearField("extendedTextMessage")
    context.stanzaID = message_id
    context.participant = quoted.sender
    context.quotedMessage.CopyFrom(original)
    if quoted.chat != chat and not chat.endswith("@lid"):
        context.remoteJID = quoted.chat
