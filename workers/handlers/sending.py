"""Answers the commands that send a message."""

from datetime import UTC, datetime

from wagateway.commands.sending import MessageSent, SendMessage
from wagateway.phone import to_jid
from workers import outbound
from workers.device import Device
from workers.outbox import Accepted


async def send_message(device: Device, command: SendMessage) -> MessageSent:
    """Send a text message and keep it."""
    return await device.outbox.send(command, lambda: _send_text(device, command))


async def _send_text(device: Device, command: SendMessage) -> Accepted:
    device.require_login()
    chat = to_jid(command.phone)
    message = await outbound.text_message(device.shard, device.engine, chat, command)
    sent = await device.engine.send(chat, message)
    status = f"Message sent to {chat} (server timestamp: {_spelled(sent.timestamp)})"
    return Accepted(
        MessageSent(sent.message_id, status), outbound.stored_text(device.jid, chat, command, message, sent)
    )


def _spelled(timestamp: int) -> str:
    """Unix seconds as the real server writes a time."""
    return datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%d %H:%M:%S +0000 UTC")
