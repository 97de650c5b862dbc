"""Giving a message to WhatsApp: the answer to whoever asked for it, and the row that keeps it."""

import time
import uuid
from datetime import UTC, datetime

import structlog

from wagateway.commands.messages import MessageStatus
from wagateway.commands.sending import MessageSent
from wagateway.contract import Problem
from wagateway.whatsapp.protos import E2E
from workers import outbound
from workers.device import Device
from workers.engine import Uncertain
from workers.outbound import Outgoing
from workers.outbox import Accepted
from workers.refusals import TIMELOCK
from workers.shard.chats import UNSENT

_REFUSED = frozenset({"WHATSAPP_REFUSED", TIMELOCK, "RATE_LIMITED"})

log = structlog.get_logger()


async def give(
    device: Device, chat: str, message: E2E.Message, said: str, *, keep_unsent: bool = True
) -> Accepted:
    """Send the message; `said` is the sentence of the answer, with places for the chat and the time.

    Raises `Problem` for what WhatsApp refused and `Uncertain` for what it did not answer. Such a message
    is kept with its reason unless `keep_unsent` is false.
    """
    try:
        sent = await device.engine.send(chat, message)
    except Uncertain as problem:
        if keep_unsent:
            await _keep_unsent(device, chat, message, problem, "sent")
        raise
    except Problem as problem:
        if problem.code == TIMELOCK:
            device.life.restricted("reachout_timelock")
        if keep_unsent and problem.code in _REFUSED:
            await _keep_unsent(device, chat, message, problem, "failed")
        raise
    status = said.format(chat, _spelled(sent.timestamp))
    outgoing = Outgoing(sent.message_id, chat, sent.timestamp, message)
    return Accepted(MessageSent(sent.message_id, status), outbound.stored(device, outgoing))


async def _keep_unsent(
    device: Device, chat: str, message: E2E.Message, problem: Problem, status: MessageStatus
) -> None:
    """Keep what WhatsApp refused or did not answer, under an id of ours, which the problem then tells."""
    own_id = UNSENT + uuid.uuid4().hex
    outgoing = Outgoing(own_id, chat, int(time.time()), message, status, problem.message)
    try:
        await device.outbox.tell(outbound.stored(device, outgoing))
    except Problem as storage:  # the refusal is the news
        log.warning("sending.failure_not_stored", code=storage.code)
        return
    problem.result = {"message_id": own_id, "status": status}


def _spelled(timestamp: int) -> str:
    """Unix seconds as the real server writes a time."""
    return datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%d %H:%M:%S +0000 UTC")
