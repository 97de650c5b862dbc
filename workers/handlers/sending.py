"""Answers the commands that send something to a chat."""

import math
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from wagateway.commands.sending import (
    ForwardMessage,
    MessageSent,
    SendAudio,
    SendChatPresence,
    SendCommand,
    SendContact,
    SendFile,
    SendImage,
    SendLink,
    SendLocation,
    SendMessage,
    SendPoll,
    SendPresence,
    SendSticker,
    SendVideo,
)
from wagateway.contract import DEADLINE
from wagateway.phone import BROADCAST, NEWSLETTER, to_jid
from wagateway.problems import invalid, not_in_time
from wagateway.whatsapp.protos import E2E
from workers import outbound, sends
from workers.device import Device
from workers.engine import ChatState
from workers.outbox import Accepted

C = TypeVar("C", bound=SendCommand)
Make = Callable[[str, C, E2E.ContextInfo], Awaitable[E2E.Message]]
"""Builds the message for a chat around what every kind of message says beside its content."""

_SAID = {
    SendFile: "Document sent to {} (server timestamp: {})",
    SendVideo: "Video sent to {} (server timestamp: {})",
    SendAudio: "Send audio success {} (server timestamp: {})",
    SendSticker: "Sticker sent to {} (server timestamp: {})",
    SendContact: "Contact sent to {} (server timestamp: {})",
    SendLink: "Link sent to {} (server timestamp: {})",
    SendLocation: "Send location success {} (server timestamp: {})",
    SendPoll: "Send poll success {} (server timestamp: {})",
    ForwardMessage: "Message forwarded to {} (server timestamp: {})",
}
_STATES: dict[str, ChatState] = {"start": "composing", "recording": "recording", "stop": "paused"}


async def send_message(device: Device, command: SendMessage) -> MessageSent:
    """Send a text."""
    return await _send(device, command, partial(outbound.text, device.engine))


async def send_image(device: Device, command: SendImage) -> MessageSent:
    """Send a picture."""
    return await _send(device, command, device.attachments.image, prepares=True)


async def send_file(device: Device, command: SendFile) -> MessageSent:
    """Send a document."""
    return await _send(device, command, device.attachments.document, prepares=True)


async def send_video(device: Device, command: SendVideo) -> MessageSent:
    """Send a video."""
    return await _send(device, command, device.attachments.video, prepares=True)


async def send_audio(device: Device, command: SendAudio) -> MessageSent:
    """Send audio or a voice note."""
    return await _send(device, command, device.attachments.audio, prepares=True)


async def send_sticker(device: Device, command: SendSticker) -> MessageSent:
    """Send a sticker."""
    return await _send(device, command, device.attachments.sticker, prepares=True)


async def send_contact(device: Device, command: SendContact) -> MessageSent:
    """Send a contact card."""
    return await _send(device, command, outbound.contact)


async def send_link(device: Device, command: SendLink) -> MessageSent:
    """Send a link with its preview."""
    return await _send(device, command, device.attachments.link, prepares=True)


async def send_location(device: Device, command: SendLocation) -> MessageSent:
    """Send a place."""
    return await _send(device, command, outbound.location)


async def send_poll(device: Device, command: SendPoll) -> MessageSent:
    """Send a poll."""
    return await _send(device, command, outbound.poll)


async def forward_message(device: Device, command: ForwardMessage) -> MessageSent:
    """Send a stored message on."""
    return await _send(device, command, device.forwarding.message, prepares=True)


async def send_presence(device: Device, command: SendPresence) -> MessageSent:
    """Show the account as online or offline."""
    device.require_login()
    await device.engine.set_presence(available=command.type == "available")
    return MessageSent("presence", f"Send presence success {command.type}")


async def send_chat_presence(device: Device, command: SendChatPresence) -> MessageSent:
    """Show that the account is typing or recording."""
    device.require_login()
    chat = to_jid(command.phone)
    if chat.endswith((BROADCAST, NEWSLETTER)):
        raise invalid("phone", "must be a person or a group: nobody is seen typing elsewhere")
    await device.engine.set_chat_presence(chat, _STATES[command.action])
    doing = "recording" if command.action == "recording" else f"{command.action} typing"
    return MessageSent(f"chat-presence-{command.action}", f"Send chat presence {doing} success {chat}")


async def _send(device: Device, command: C, make: Make[C], *, prepares: bool = False) -> MessageSent:
    """Send what `make` builds; `prepares` is whether that takes time or files.

    A caller with a key asks again for what it did not wait for; one without cannot, and would send it twice.
    """
    if command.idempotency_key is not None:
        DEADLINE.set(math.inf)

    def send() -> Awaitable[Accepted]:
        return _sent(device, command, make, prepares)

    return await device.outbox.send(command, send, prepares=prepares)


async def _sent(device: Device, command: C, make: Make[C], prepares: bool) -> Accepted:
    device.require_login()
    chat = to_jid(command.phone)
    context = await outbound.context_of(device.shard, chat, command)
    message = await make(chat, command, context)
    if DEADLINE.get() < time.monotonic():
        raise not_in_time()
    if prepares:
        await device.outbox.hand_over(command)
    said = _SAID.get(type(command), "Message sent to {} (server timestamp: {})")
    if message.stickerMessage.isAnimated:
        said = "Animated s" + said.removeprefix("S")
    return await sends.give(device, chat, message, said)
