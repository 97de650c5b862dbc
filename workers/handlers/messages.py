"""Answers the commands about one message."""

import time
from collections.abc import Callable
from functools import partial

from wagateway.commands.messages import (
    DeleteMessage,
    GetMessageStatus,
    MessageState,
    ReactToMessage,
    ReadMessage,
    Recipient,
    RevokeMessage,
    StarMessage,
    UnstarMessage,
    UpdateMessage,
)
from wagateway.commands.sending import MessageSent
from wagateway.contract import DEADLINE
from wagateway.events import rfc3339
from wagateway.phone import is_newsletter, to_jid
from wagateway.problems import invalid, not_in_time
from wagateway.whatsapp.protos import E2E, Common
from workers import acting, mutations, sends
from workers.device import Device
from workers.shard import chats
from workers.shard.chats import Target
from workers.shard.receipts import ReceiptRow
from workers.shard.status import find_standing

Make = Callable[[Common.MessageKey, Target], E2E.Message]
"""Builds the message that does something to the one with this key."""


async def get_message_status(device: Device, command: GetMessageStatus) -> MessageState:
    """How far a stored message came, and with whom."""
    chat = to_jid(command.phone) if command.phone is not None else None
    standing = await device.shard.read(partial(find_standing, message_id=command.message_id, chat=chat))
    message = standing.message
    return MessageState(
        message_id=message.id,
        chat_jid=message.chat,
        status=message.status,
        reason=message.status_reason,
        timestamp=rfc3339(message.timestamp),
        recipients=[_recipient(receipt) for receipt in standing.receipts],
    )


async def react_to_message(device: Device, command: ReactToMessage) -> MessageSent:
    """React to a message, or take the reaction back."""
    if command.emoji and not command.emoji.strip():
        raise invalid("emoji", 'must be an emoji, or "" to take the reaction back')
    if is_newsletter(command.phone.strip()):
        raise invalid("phone", "must be a person or a group: reactions in newsletters are not messages")
    said = "Reaction sent to {} (server timestamp: {})"
    return await _act(device, command, lambda key, _: acting.reaction(key, command.emoji), said)


async def revoke_message(device: Device, command: RevokeMessage) -> MessageSent:
    """Delete a message for everyone."""
    said = "Revoke success {} (server timestamp: {})"
    return await _act(device, command, lambda key, _: acting.revocation(key), said)


async def update_message(device: Device, command: UpdateMessage) -> MessageSent:
    """Replace the text of a message."""
    if not command.message.strip():
        raise invalid("message", "cannot be blank")
    said = "Update message success {} (server timestamp: {})"
    return await _act(
        device, command, lambda key, target: acting.edit(key, target.row.raw, command.message), said
    )


async def read_message(device: Device, command: ReadMessage) -> MessageSent:
    """Tell the sender that a message was read."""
    device.require_login()
    chat = to_jid(command.phone)
    target = await acting.find(device.shard, chat, command.message_id)
    row = target.row
    if row.from_me:
        raise invalid("message_id", "must name a message of somebody else")
    await acting.tell_read(device.engine, chat, [(row.id, row.sender, target.sender_lid)])
    await device.outbox.keep(lambda connection: chats.read(connection, chat, [row.id]))
    return MessageSent(row.id, f"Mark as read success {row.id}")


async def delete_message(device: Device, command: DeleteMessage) -> None:
    """Delete a message on the account's own devices."""
    device.require_login()
    chat = to_jid(command.phone)
    device.engine.require("app_state")
    target = await acting.find(device.shard, chat, command.message_id)
    key = await acting.key_of(device.engine, chat, target)
    await device.engine.change_app_state(mutations.delete_for_me(key, target.row.timestamp // 1000))
    await device.outbox.keep(lambda connection: chats.delete_message(connection, target.row))


async def star_message(device: Device, command: StarMessage) -> None:
    """Star a message."""
    await _star(device, command, starred=True)


async def unstar_message(device: Device, command: UnstarMessage) -> None:
    """Take the star of a message back."""
    await _star(device, command, starred=False)


async def _act(
    device: Device, command: ReactToMessage | RevokeMessage | UpdateMessage, make: Make, said: str
) -> MessageSent:
    device.require_login()
    chat = to_jid(command.phone)
    target = await acting.find(device.shard, chat, command.message_id)
    acting.refuse_revoked(target)
    message = make(await acting.key_of(device.engine, chat, target), target)
    if DEADLINE.get() < time.monotonic():
        raise not_in_time()
    # Kept though WhatsApp has not got it, it would change the message that it is about. Doing it again
    # is safe.
    accepted = await sends.give(device, chat, message, said, keep_unsent=False)
    return await device.outbox.accept(accepted)


async def _star(device: Device, command: StarMessage | UnstarMessage, *, starred: bool) -> None:
    device.require_login()
    chat = to_jid(command.phone)
    device.engine.require("app_state")
    target = await acting.find(device.shard, chat, command.message_id)
    acting.refuse_revoked(target)
    key = await acting.key_of(device.engine, chat, target)
    await device.engine.change_app_state(mutations.star(key, starred=starred))


def _recipient(row: ReceiptRow) -> Recipient:
    read_at = row.read_at or row.played_at
    return Recipient(
        jid=row.recipient,
        lid=row.lid,
        status="read" if read_at else "delivered",
        delivered_at=rfc3339(row.delivered_at or read_at),
        read_at=rfc3339(read_at),
    )
