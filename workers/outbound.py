"""What leaves: the `E2E.Message` of a send command, and the row that keeps it."""

import re
import secrets
import sqlite3
from collections.abc import Callable

import msgspec

from wagateway.commands.messages import MessageStatus
from wagateway.commands.sending import SendCommand, SendContact, SendLocation, SendMessage, SendPoll
from wagateway.phone import USER, digits, is_group, is_lid, to_jid
from wagateway.problems import invalid
from wagateway.whatsapp.protos import E2E
from workers import arrivals, content, states
from workers.engine import Engine
from workers.identities import Own
from workers.payloads import Facts
from workers.shard import Shard, media, messages, receipts
from workers.shard.messages import Quotable

EVERYONE = "@everyone"

_FORWARDED = 100  # the score at which WhatsApp shows "forwarded many times"; the real server sends it too
_MENTION = re.compile(r"(?<![\w@.])@([1-9][0-9]{6,14})(?![0-9@])")
_SECRET_BYTES = 32
_VCARD_SPECIAL = re.compile(r"([\\,;])")


class _Stored(msgspec.Struct, frozen=True):
    timer: int
    quoted: Quotable | None


class Outgoing(msgspec.Struct, frozen=True):
    """A message of ours as it is kept; `timestamp` is Unix seconds, `reason` why it failed."""

    id: str
    chat: str
    timestamp: int
    message: E2E.Message
    status: MessageStatus = "server"
    reason: str = ""


async def context_of(shard: Shard, chat: str, command: SendCommand) -> E2E.ContextInfo:
    """What every kind of message says beside its content: quote, timer, forwarded."""
    stored = await shard.read(lambda connection: _look_up(connection, chat, command))
    context = E2E.ContextInfo()
    expiration = command.duration or stored.timer
    if expiration:
        context.expiration = expiration
    if command.is_forwarded:
        mark_forwarded(context)
    if stored.quoted is not None and command.reply_message_id is not None:
        _quote(context, chat, command.reply_message_id, stored.quoted)
    return context


def mark_forwarded(context: E2E.ContextInfo) -> None:
    """Show the message as forwarded."""
    context.isForwarded = True
    context.forwardingScore = _FORWARDED


async def text(engine: Engine, chat: str, command: SendMessage, context: E2E.ContextInfo) -> E2E.Message:
    """A text; `@everyone` asks WhatsApp for the group's members. Raises 400 for mentions that cannot be."""
    context.mentionedJID.extend(await _mentions(engine, chat, command))
    if not context.ListFields():
        return E2E.Message(conversation=command.message)
    return E2E.Message(extendedTextMessage=E2E.ExtendedTextMessage(text=command.message, contextInfo=context))


async def contact(chat: str, command: SendContact, context: E2E.ContextInfo) -> E2E.Message:
    """A contact card; raises 400 for what is no phone number."""
    number = digits(to_jid(command.contact_phone, "contact_phone"))
    if not number:
        raise invalid("contact_phone", "must be a phone number with country code")
    name = " ".join(command.contact_name.split())
    if not name:
        raise invalid("contact_name", "cannot be blank")
    written = _VCARD_SPECIAL.sub(r"\\\1", name)
    card = f"BEGIN:VCARD\nVERSION:3.0\nN:;{written};;;\nFN:{written}\n"
    card += f"TEL;type=CELL;waid={number}:+{number}\nEND:VCARD"
    return E2E.Message(contactMessage=E2E.ContactMessage(displayName=name, vcard=card, contextInfo=context))


async def location(chat: str, command: SendLocation, context: E2E.ContextInfo) -> E2E.Message:
    """A place on the map."""
    message = E2E.LocationMessage(
        degreesLatitude=command.latitude, degreesLongitude=command.longitude, contextInfo=context
    )
    if command.name:
        message.name = command.name
    if command.address:
        message.address = command.address
    return E2E.Message(locationMessage=message)


async def poll(chat: str, command: SendPoll, context: E2E.ContextInfo) -> E2E.Message:
    """A poll with a secret of its own, which encrypts the votes; raises 400 for options that cannot be."""
    options = [option.strip() for option in command.options]
    if not command.question.strip():
        raise invalid("question", "cannot be blank")
    if not all(options):
        raise invalid("options", "must not be blank")
    if len(set(options)) != len(options):
        raise invalid("options", "must be unique")
    if command.max_answer > len(options):
        raise invalid("max_answer", f"must be no greater than {len(options)}")
    message = E2E.Message(
        pollCreationMessage=E2E.PollCreationMessage(
            name=command.question,
            options=[E2E.PollCreationMessage.Option(optionName=option) for option in options],
            selectableOptionsCount=command.max_answer,
            contextInfo=context,
        )
    )
    message.messageContextInfo.messageSecret = secrets.token_bytes(_SECRET_BYTES)
    return message


def mentioned(text: str) -> list[str]:
    """The phone JIDs of the numbers that a text mentions (`@628…`), each once."""
    return list(dict.fromkeys(f"{number}@{USER}" for number in _MENTION.findall(text)))


def stored(own: Own, outgoing: Outgoing) -> Callable[[sqlite3.Connection], int]:
    """The write that keeps a message of ours and tells how far it came; returns the last event's number."""
    raw = outgoing.message.SerializeToString()
    read = content.interpret(outgoing.message)
    assert read is not None, "nothing is sent that cannot be shown"
    part = read.media

    def write(connection: sqlite3.Connection) -> int:
        chat = messages.phone_of(connection, outgoing.chat)
        facts = Facts(
            id=outgoing.id,
            chat=chat,
            sender=own.jid,
            timestamp=outgoing.timestamp * 1000,
            is_from_me=True,
        )
        row = msgspec.structs.replace(
            arrivals.row_of(read, facts, raw),
            status=outgoing.status,
            status_reason=outgoing.reason,
        )
        if row.target_id == row.id:
            # In a newsletter a change has the id of what it changes, and each row needs one of its own.
            row = msgspec.structs.replace(row, id=f"{row.id}/{row.timestamp}")
        messages.add_message(connection, row)
        if part is not None:
            media.register(connection, part, outgoing.id, chat, wanted=False)
        seq = states.tell(connection, own, chat, outgoing.id, outgoing.status, outgoing.reason)
        # Somebody may have got it, or voted, before WhatsApp's answer came here.
        reached = receipts.status_of(connection, chat, row.id)
        if reached not in ("", outgoing.status):
            seq = states.tell(connection, own, chat, outgoing.id, reached)
        return (read.poll and arrivals.open_late(connection, own, chat, outgoing.id)) or seq

    return write


def _look_up(connection: sqlite3.Connection, chat: str, command: SendCommand) -> _Stored:
    known = messages.phone_of(connection, chat)
    reply_to = command.reply_message_id
    quoted = messages.find_quotable(connection, reply_to, known) if reply_to else None
    return _Stored(messages.get_timer(connection, known), quoted)


async def _mentions(engine: Engine, chat: str, command: SendMessage) -> list[str]:
    named = [value.strip() for value in command.mentions]
    found = [to_jid(value.removeprefix("@"), "mentions") for value in named if value != EVERYONE]
    found += mentioned(command.message)
    if EVERYONE in named:
        if not is_group(chat):
            raise invalid("mentions", "@everyone is only for groups")
        found += await engine.group_members(chat)
    return list(dict.fromkeys(found))


def _quote(context: E2E.ContextInfo, chat: str, message_id: str, quoted: Quotable) -> None:
    original = E2E.Message.FromString(quoted.raw)
    original.ClearField("messageContextInfo")
    for field, part in original.ListFields():
        # A quote inside a quote is not shown, and would make every answer longer than the one before.
        if field.message_type is not None and "contextInfo" in field.message_type.fields_by_name:
            part.contextInfo.ClearField("quotedMessage")
    if not original.extendedTextMessage.text:
        original.ClearField("extendedTextMessage")
    context.stanzaID = message_id
    context.participant = quoted.sender
    context.quotedMessage.CopyFrom(original)
    if quoted.chat != chat and not is_lid(chat):
        context.remoteJID = quoted.chat
