"""Handlers of the commands about a phone's history."""

import asyncio

from wagateway.commands import sandbox as commands
from wagateway.sandbox import control, history
from wagateway.sandbox.world import World


async def send_history(world: World, command: commands.SendHistory) -> commands.Done:
    """A history sync to every linked device."""
    phone = world.phone(command.phone)
    blob = await asyncio.to_thread(history.make, command.bytes, command.conversations)
    linked = control.linked(phone, 0)
    for companion in linked:
        history.send(phone, companion, world.media, blob)
    return commands.Done(len(linked))


async def hand_history(world: World, command: commands.HandHistory) -> commands.HistoryHanded:
    """A history sync of what the command says."""
    phone = world.phone(command.phone)
    linked = control.linked(phone, 0)
    written = await asyncio.to_thread(_written, world, command)
    blob = await asyncio.to_thread(history.pack, written.history)
    for companion in linked:
        history.send(phone, companion, world.media, blob, command.type)
    return commands.HistoryHanded(len(linked), written.ids)


def _written(world: World, command: commands.HandHistory) -> history.Writing:
    writing = history.Writing(world.media, command.type)
    writing.people(command.push_names, command.lids)
    for chat in command.chats:
        writing.chat(chat)
    return writing
