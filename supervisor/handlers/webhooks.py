"""Where events go: the webhooks of a device and of the whole gateway."""

import secrets
import time

import msgspec

from supervisor import checks, showing
from supervisor.devices import Devices
from supervisor.webhooks import GATEWAY, OWN, URL_IDS
from wagateway.commands.devices import DeviceWebhook, GetDeviceWebhook, SetDeviceWebhook
from wagateway.commands.internal import Hook
from wagateway.commands.webhooks import (
    ChangeGatewayWebhook,
    ChangeWebhook,
    CreateGatewayWebhook,
    CreateWebhook,
    ListGatewayWebhooks,
    NewWebhook,
    RemovedWebhook,
    RemoveGatewayWebhook,
    RemoveWebhook,
    Webhook,
    WebhookChange,
)
from wagateway.contract import Problem
from wagateway.hooks import shown_hook
from wagateway.registry import Entry, WebhookEntry
from wagateway.settings import Secret
from wagateway.urls import HIDDEN, shown

MOST = 32
"""Webhooks that can be added to a device, and to the whole gateway."""


async def get_device_webhook(devices: Devices, command: GetDeviceWebhook) -> DeviceWebhook:
    """The device's own, whose secret is not told."""
    return showing.device_webhook(devices.find(command.device_id).entry)


async def set_device_webhook(devices: Devices, command: SetDeviceWebhook) -> DeviceWebhook:
    """Kept, then told to the running worker; one that starts meanwhile is told at its start."""
    keeper = devices.find(command.device_id)
    entry = _merged(keeper.entry, command)
    devices.change(keeper, entry)
    await devices.tell([keeper])
    return showing.device_webhook(entry)


async def create_webhook(devices: Devices, command: CreateWebhook) -> Webhook:
    """Added, then told to the running worker."""
    keeper = devices.find(command.device_id)
    added = _add(devices, keeper.entry.device_id, command)
    await devices.tell([keeper])
    return added


async def change_webhook(devices: Devices, command: ChangeWebhook) -> Webhook:
    """Kept, then told to the running worker."""
    keeper = devices.find(command.device_id)
    changed = _change(devices, keeper.entry.device_id, command)
    await devices.tell([keeper])
    return changed


async def remove_webhook(devices: Devices, command: RemoveWebhook) -> RemovedWebhook:
    """Removed, then told to the running worker."""
    keeper = devices.find(command.device_id)
    removed = _remove(devices, keeper.entry.device_id, command.webhook_id)
    await devices.tell([keeper])
    return removed


async def list_gateway_webhooks(devices: Devices, command: ListGatewayWebhooks) -> list[Webhook]:
    """Those of the settings first."""
    return [shown_hook(hook) for hook in devices.webhooks.of_gateway()]


async def create_gateway_webhook(devices: Devices, command: CreateGatewayWebhook) -> Webhook:
    """Added, then told to all running workers."""
    added = _add(devices, GATEWAY, command)
    await devices.tell(devices.keepers.values())
    return added


async def change_gateway_webhook(devices: Devices, command: ChangeGatewayWebhook) -> Webhook:
    """Kept, then told to all running workers."""
    changed = _change(devices, GATEWAY, command)
    await devices.tell(devices.keepers.values())
    return changed


async def remove_gateway_webhook(devices: Devices, command: RemoveGatewayWebhook) -> RemovedWebhook:
    """Removed, then told to all running workers."""
    removed = _remove(devices, GATEWAY, command.webhook_id)
    await devices.tell(devices.keepers.values())
    return removed


def _merged(entry: Entry, command: SetDeviceWebhook) -> Entry:
    """What an answer showed and the client sends back stands for what is kept."""
    url, secret = command.webhook_url, command.webhook_secret
    changes: dict[str, object] = {
        "webhook_events": command.webhook_events,
        "webhook_insecure": command.webhook_insecure_skip_verify,
    }
    if url is not None and url != shown(entry.webhook_url):
        changes["webhook_url"] = checks.device_webhook_url(url)
    if secret is not None and secret != HIDDEN:
        changes["webhook_secret"] = Secret(checks.device_secret(secret))
    return msgspec.structs.replace(entry, **_given(changes))


def _add(devices: Devices, level: str, command: NewWebhook) -> Webhook:
    webhook_id = command.webhook_id or f"wh_{secrets.token_hex(6)}"
    entry = WebhookEntry(
        device_id=level,
        webhook_id=webhook_id,
        url=checks.webhook_url(command.url),
        secret=checks.secret(command.secret),
        events=checks.event_names(command.events),
        ignore_jids=checks.ignored_jids(command.ignore_jids),
        headers=checks.headers(command.headers),
        insecure=command.insecure_skip_verify,
        concurrency=command.concurrency,
        give_up=command.give_up,
        created_at=time.time(),
    )
    _refuse_taken(devices, level, webhook_id)
    if len(devices.webhooks.added(level)) >= MOST:
        raise Problem(409, "TOO_MANY_WEBHOOKS", f"There are {MOST} webhooks already; remove one first")
    return _keep(devices, entry)


def _change(devices: Devices, level: str, command: WebhookChange) -> Webhook:
    entry = _added(devices, level, command.webhook_id)
    changes: dict[str, object] = {
        "url": None if command.url is None else checks.webhook_url(command.url),
        "secret": None if command.secret is None else checks.secret(command.secret),
        "events": None if command.events is None else checks.event_names(command.events),
        "ignore_jids": checks.ignored_jids(command.ignore_jids),
        "headers": None if command.headers is None else checks.headers(command.headers),
        "insecure": command.insecure_skip_verify,
        "concurrency": command.concurrency,
        "give_up": command.give_up,
    }
    return _keep(devices, msgspec.structs.replace(entry, **_given(changes)))


def _given(changes: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in changes.items() if value is not None}


def _keep(devices: Devices, entry: WebhookEntry) -> Webhook:
    devices.webhooks.put(entry)
    hooks = _hooks(devices, entry.device_id)
    return shown_hook(next(hook for hook in hooks if hook.id == entry.webhook_id))


def _remove(devices: Devices, level: str, webhook_id: str) -> RemovedWebhook:
    _added(devices, level, webhook_id)
    devices.webhooks.remove(level, webhook_id)
    return RemovedWebhook(webhook_id)


def _hooks(devices: Devices, level: str) -> list[Hook]:
    if level == GATEWAY:
        return devices.webhooks.of_gateway()
    return devices.webhooks.of(devices.find(level).entry)


def _refuse_taken(devices: Devices, level: str, webhook_id: str) -> None:
    """A worker knows its webhooks by their ids, and may get those of its device and of the gateway."""
    levels = devices.webhooks.levels_of(webhook_id)
    taken = level in levels or GATEWAY in levels or (level == GATEWAY and levels)
    if taken or webhook_id == OWN or webhook_id.startswith(URL_IDS):
        raise Problem(
            409,
            "WEBHOOK_ALREADY_EXISTS",
            f"The id '{webhook_id}' is taken, by another webhook of the device or the gateway, or reserved",
        )


def _added(devices: Devices, level: str, webhook_id: str) -> WebhookEntry:
    added = devices.webhooks.added(level).get(webhook_id)
    if added is not None:
        return added
    if all(hook.id != webhook_id for hook in _hooks(devices, level)):
        raise Problem(404, "WEBHOOK_NOT_FOUND", f"Webhook '{webhook_id[:64]}' not found")
    if webhook_id == OWN:
        where = f"with PATCH /devices/{level}/webhook"
    elif webhook_id.startswith(URL_IDS):
        where = "in the settings of the gateway: --webhook (WHATSAPP_WEBHOOK)"
    else:
        where = f"for the whole gateway, at /webhooks/{webhook_id}"
    raise Problem(409, "WEBHOOK_FIXED", f"Webhook '{webhook_id}' is changed {where}")
