"""Adds webhooks, and devices whose worker runs, to a made-up world."""

import time
from typing import Any

from supervisor.handlers import webhooks as handlers
from tests.supervisor.conftest import JID, World
from wagateway.commands.webhooks import CreateGatewayWebhook, CreateWebhook
from wagateway.registry import Entry

HOOK = "http://127.0.0.1:9/hook"
OTHER = "https://crm.example/hook"


async def create(world: World, device_id: str = "shop", **fields: Any) -> str:
    command = CreateWebhook(device_id=device_id, **{"url": OTHER} | fields)
    return (await handlers.create_webhook(world.devices, command)).webhook_id


async def create_for_all(world: World, **fields: Any) -> str:
    command = CreateGatewayWebhook(**{"url": OTHER} | fields)
    return (await handlers.create_gateway_webhook(world.devices, command)).webhook_id


async def running(world: World, *device_ids: str) -> None:
    for device_id in device_ids:
        world.devices.add(Entry(device_id, time.time(), paired=True, jid=JID)).start()
        await world.until(device_id, lambda row: row.worker == "running")
