"""Answers the commands about the webhooks of a device: how it goes with them, and delivering again."""

import asyncio
import time
from datetime import UTC, datetime
from functools import partial

import msgspec

from wagateway.commands.webhooks import (
    Attempt,
    Delivery,
    DeliveryPage,
    GetWebhook,
    ListDeliveries,
    ListWebhooks,
    PauseWebhook,
    Replay,
    ReplayEvents,
    ResumeWebhook,
    TestWebhook,
    WebhookStatus,
)
from wagateway.events import rfc3339
from wagateway.hooks import shown_hook
from wagateway.problems import invalid
from workers.deadline import seconds_left
from workers.delivery import HookView
from workers.delivery.replays import add
from workers.device import Device
from workers.shard import deliveries, replays
from workers.shard.deliveries import DeliveryRow

_LONGEST_TEST = 30.0  # seconds


async def list_webhooks(device: Device, command: ListWebhooks) -> list[WebhookStatus]:
    """Every webhook of the device."""
    return [await _status(device, view) for view in device.delivery.all()]


async def get_webhook(device: Device, command: GetWebhook) -> WebhookStatus:
    """One of them."""
    return await _status(device, device.delivery.state(command.webhook_id))


async def pause_webhook(device: Device, command: PauseWebhook) -> WebhookStatus:
    """The webhook, which gets nothing more until it is resumed."""
    await device.delivery.pause(command.webhook_id)
    return await _status(device, device.delivery.state(command.webhook_id))


async def resume_webhook(device: Device, command: ResumeWebhook) -> WebhookStatus:
    """The webhook, which gets its events again."""
    await device.delivery.resume(command.webhook_id)
    return await _status(device, device.delivery.state(command.webhook_id))


async def test_webhook(device: Device, command: TestWebhook) -> Attempt:
    """What the receiver said to a test event, while somebody waits to hear of it."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(min(seconds_left(), _LONGEST_TEST)):
            outcome = await device.delivery.test(command.webhook_id)
    except TimeoutError:
        return Attempt(False, 0, "no answer in time", int((time.monotonic() - began) * 1000))
    return Attempt(outcome.delivered, outcome.status, outcome.error, outcome.took)


async def list_deliveries(device: Device, command: ListDeliveries) -> DeliveryPage:
    """A page of what became of events at a webhook."""
    hook = device.delivery.state(command.webhook_id).hook
    # One more than asked for tells whether there is another page.
    find = partial(
        deliveries.page, hook=hook.id, state=command.state, before=command.before, limit=command.limit + 1
    )
    rows = await device.shard.read(find)
    page = rows[: command.limit]
    return DeliveryPage([_delivery(row) for row in page], page[-1].seq if len(rows) > len(page) else 0)


async def replay_events(device: Device, command: ReplayEvents) -> Replay:
    """The replay, which begins now or after those before it."""
    hook = device.delivery.state(command.webhook_id).hook
    added = await add(device.shard, hook, _bounds(command))
    device.delivery.replay_added()
    return Replay(added.id, added.events)


async def _status(device: Device, view: HookView) -> WebhookStatus:
    hook = view.hook
    dead, replaying = await device.shard.read(
        lambda connection: (deliveries.dead_count(connection, hook.id), replays.left(connection, hook.id))
    )
    return WebhookStatus(
        **msgspec.structs.asdict(shown_hook(hook)),
        state=view.state,
        cursor=view.cursor,
        lag=view.lag,
        blocked_chats=view.blocked_chats,
        down=view.down,
        failures=view.failures,
        retry_in=round(view.retry_in, 3),
        dead=dead,
        replaying=replaying,
        last_status=view.last_status,
        last_error=view.last_error,
        delivered_at=rfc3339(view.delivered_at),
    )


def _delivery(row: DeliveryRow) -> Delivery:
    return Delivery(
        seq=row.seq,
        event_id=row.event_id,
        event=row.kind,
        chat_id=row.chat,
        recorded_at=rfc3339(row.time),
        state=row.state,
        attempts=row.attempts,
        status=row.status,
        error=row.error,
        took=row.took,
        at=rfc3339(row.at),
    )


def _bounds(command: ReplayEvents) -> replays.Bounds:
    since = _milliseconds("from_time", command.from_time)
    until = _milliseconds("to_time", command.to_time)
    if until is not None and until % 1000 == 0:
        until += 999  # events show their time in whole seconds
    wide = command.dead or any(x is not None for x in (command.from_seq, command.to_seq, since, until))
    if command.event_id is not None and wide:
        raise invalid("event_id", "goes alone, without bounds and without dead")
    if command.event_id is None and not wide:  # it may be a client that has lost its event_id
        raise invalid("event_id", "say which events: event_id, a bound, or dead; from_seq 0 means all")
    for name, first, last in (("to_seq", command.from_seq, command.to_seq), ("to_time", since, until)):
        if first is not None and last is not None and last < first:
            raise invalid(name, "is before where the events are to begin")
    return replays.Bounds(
        event_id=command.event_id,
        from_seq=command.from_seq,
        to_seq=command.to_seq,
        from_time=since,
        to_time=until,
        dead=command.dead,
    )


def _milliseconds(field: str, moment: str | None) -> int | None:
    if moment is None:
        return None
    try:
        read = msgspec.convert(moment, datetime)
    except msgspec.ValidationError as error:
        raise invalid(field, "is not a time such as 2026-01-31T12:00:00Z") from error
    return int((read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp() * 1000)
