"""Answers the commands about one message."""

from functools import partial

from wagateway.commands.messages import GetMessageStatus, MessageState, Recipient
from wagateway.events import rfc3339
from wagateway.phone import to_jid
from workers.device import Device
from workers.shard.receipts import ReceiptRow
from workers.shard.status import find_standing


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


def _recipient(row: ReceiptRow) -> Recipient:
    read_at = row.read_at or row.played_at
    return Recipient(
        jid=row.recipient,
        status="read" if read_at else "delivered",
        delivered_at=rfc3339(row.delivered_at or read_at),
        read_at=rfc3339(read_at),
    )
