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
