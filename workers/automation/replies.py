"""The text that answers people by itself, and the rules that keep it from answering machines.

Only a text of one person in a chat of two is answered, and only while it is young. Nobody is answered again
before the cool-down is over, nor more than ten times a day. A machine that answers our answer does so within
the cool-down, and that is the end of it: so two gateways that answer each other stop after one answer each.
"""

import asyncio
from functools import partial

from wagateway.commands.sending import SendMessage
from wagateway.phone import USER, is_person
from workers.arrivals import Arrived
from workers.automation.clock import Clock
from workers.device import Device
from workers.handlers.sending import send_message
from workers.shard import marks

_LEAST_PAUSE = 10  # seconds, whatever the setting: longer than a machine takes to answer
_MOST_A_DAY = 10
_WHATSAPP = f"0@{USER}"


def answerable(message: Arrived) -> bool:
    """Whether it is a text that a person wrote to this account alone."""
    chat = message.chat
    return message.kind == "text" and is_person(chat) and chat != _WHATSAPP


async def answer(device: Device, clock: Clock, message: Arrived) -> None:
    """Answer the message if it is young and its chat's turn has come; raises `Problem` of the send.

    The turn is taken first: an answer whose sending failed or was cut off is not sent again.
    """
    settings, now = device.settings, clock.now()
    if now - message.timestamp > settings.auto_reply_age * 1000:
        return
    claim = partial(
        marks.claim_reply,
        chat=message.chat,
        text=settings.auto_reply,
        now=now,
        pause=max(settings.auto_reply_cooldown, _LEAST_PAUSE) * 1000,
        most=_MOST_A_DAY,
    )
    if await asyncio.wrap_future(device.shard.write(claim)):
        await send_message(device, SendMessage(phone=message.chat, message=settings.auto_reply))
