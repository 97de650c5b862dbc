"""The handlers of the commands that make phones write messages of every kind, and the media host fail."""

import asyncio
import os

import msgspec

from wagateway.commands import sandbox as commands
from wagateway.contract import Problem
from wagateway.problems import invalid, message_not_found
from wagateway.sandbox import attachments, contents, inboxes, writing
from wagateway.sandbox.control import chat_of, paced, quoted
from wagateway.sandbox.faults import MediaFaults
from wagateway.sandbox.phones import Phone
from wagateway.sandbox.state import NEWSLETTER
from wagateway.sandbox.world import World


async def phone_send_message(world: World, command: commands.PhoneSendMessage) -> commands.PhoneSent:
    """Send any message, as often as asked."""
    phone = world.phone(command.phone)
    to = chat_of(world, phone, command.to)
    message = contents.parse(command.content)
    return commands.PhoneSent([phone.send(to, message) async for _ in paced(command.count, command.rate)])


async def phone_send_media(world: World, command: commands.PhoneSendMedia) -> commands.PhoneSentMedia:
    """Upload a file and send the message about it."""
    phone = world.phone(command.phone)
    to = chat_of(world, phone, command.to)
    if bool(command.data) == bool(command.size):
        raise invalid("data", "say either the file or the size of one to make up")
    data = command.data or await asyncio.to_thread(os.urandom, command.size)
    encrypted = to.server != NEWSLETTER
    file = await asyncio.to_thread(
        attachments.lodge, world.media, command.kind, data, encrypted=encrypted, lost=command.lost
    )
    particulars = msgspec.convert(command, attachments.Particulars, from_attributes=True)
    message = attachments.message(command.kind, file, particulars)
    if replied := quoted(phone, command.reply_message_id):
        contents.quote(contents.innermost(message)[1].contextInfo, replied)
    return commands.PhoneSentMedia([phone.send(to, message)], file.file_sha256.hex(), file.size)


async def phone_poll(world: World, command: commands.PhonePoll) -> commands.PhoneSent:
    """Ask."""
    phone = world.phone(command.phone)
    to = chat_of(world, phone, command.to)
    if command.max_answer > len(command.options):
        raise invalid("max_answer", "must not be more than there are options")
    return _sent(phone.send(to, writing.poll(command.question, command.options, command.max_answer)))


async def phone_vote(world: World, command: commands.PhoneVote) -> commands.PhoneSent:
    """Answer a poll."""
    phone, target = _target(world, command)
    return _sent(phone.send(target.chat, writing.vote(target, phone.account, command.options)))


async def phone_react(world: World, command: commands.PhoneReact) -> commands.PhoneSent:
    """React to a message."""
    phone, target = _target(world, command)
    return _sent(phone.send(target.chat, writing.reaction(target, phone.account, command.emoji)))


async def phone_edit(world: World, command: commands.PhoneEdit) -> commands.PhoneSent:
    """Change a message."""
    phone, target = _target(world, command)
    write = writing.encrypted_edit if command.encrypted else writing.edit
    return _sent(phone.send(target.chat, write(target, phone.account, command.text)))


async def phone_revoke(world: World, command: commands.PhoneRevoke) -> commands.PhoneSent:
    """Take a message back."""
    phone, target = _target(world, command)
    return _sent(phone.send(target.chat, writing.revocation(target, phone.account)))


def _target(world: World, command: commands.AboutMessage) -> tuple[Phone, writing.Known]:
    phone = world.phone(command.phone)
    known = phone.find(command.message_id, chat_of(world, phone, command.chat, "chat"))
    if known is None:
        raise message_not_found(command.message_id)
    return phone, known


def _sent(id_: str) -> commands.PhoneSent:
    return commands.PhoneSent([id_])


async def mark_played(world: World, command: commands.MarkPlayed) -> commands.Done:
    """Listen to voice notes."""
    return commands.Done(world.phone(command.phone).mark_played(command.ids))


async def phone_media(world: World, command: commands.PhoneMedia) -> commands.MediaContent:
    """The file of a received message."""
    phone = world.phone(command.phone)
    if command.index not in phone.contents:
        raise Problem(404, "MESSAGE_NOT_FOUND", "The phone has no such message in its inbox")
    return await asyncio.to_thread(inboxes.opened, world.media, phone.contents[command.index])


async def media_faults(world: World, command: commands.MediaFaults) -> commands.Done:
    """What the media host does wrong from now on."""
    world.media.faults = msgspec.convert(command, MediaFaults, from_attributes=True)
    return commands.Done()


async def expire_media(world: World, command: commands.ExpireMedia) -> commands.Done:
    """Dead links."""
    if command.phone is None:
        return commands.Done(world.media.expire_all())
    found = [attachments.find(message) for message in world.phone(command.phone).everything()]
    return commands.Done(sum(world.media.expire(file.direct_path) for file, _ in filter(None, found)))


async def media_counts(world: World, command: commands.MediaCounts) -> commands.MediaTally:
    """How much the media host has served."""
    tally = world.media.tally

    def reached() -> bool:
        return all(
            getattr(tally, name) >= getattr(command, name)
            for name in ("begun", "uploads", "downloads", "failures")
        )

    if command.wait:
        await world.media.bell.until(reached, command.wait)
    return msgspec.convert(tally, commands.MediaTally, from_attributes=True)
