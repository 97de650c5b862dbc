"""A made-up gateway with a device and a webhook."""

import msgspec

from tests.ctl.conftest import Answering, Terminal
from wagateway.commands.internal import DeviceRow, DeviceTable, GetDeviceTable, StartWorker
from wagateway.commands.webhooks import (
    Attempt,
    ChangeGatewayWebhook,
    ChangeWebhook,
    CreateGatewayWebhook,
    CreateWebhook,
    Delivery,
    DeliveryPage,
    GetWebhook,
    ListDeliveries,
    ListGatewayWebhooks,
    ListWebhooks,
    PauseWebhook,
    RemovedWebhook,
    RemoveGatewayWebhook,
    RemoveWebhook,
    Replay,
    ReplayEvents,
    ResumeWebhook,
    TestWebhook,
    Webhook,
    WebhookStatus,
)

RUNNING = DeviceRow("shop", "logged_in", "running", 1.0, jid="628123@s.whatsapp.net")
GATEWAYS = Webhook(
    webhook_id="main",
    own=False,
    fixed=True,
    url="https://example.org/hook",
    secret="***",
    events=["message", "group.*"],
    ignore_jids=[],
    headers={"Authorization": "***"},
    insecure_skip_verify=False,
    concurrency=4,
    give_up=345600,
)
GOING = WebhookStatus(
    **msgspec.structs.asdict(GATEWAYS),
    state="active",
    cursor=90,
    lag=7,
    blocked_chats=2,
    down=True,
    failures=9,
    retry_in=12.3,
    dead=5,
    replaying=0,
    last_status=502,
    last_error="bad \x1b[2Jgateway",
    delivered_at="2026-11-24T08:57:39Z",
)
TRIED = Attempt(delivered=True, status=204, error="", took=12)


def delivery(seq: int, error: str = "") -> Delivery:
    return Delivery(
        seq=seq,
        event_id=f"evt_{seq}",
        event="message",
        chat_id="628@s.whatsapp.net",
        recorded_at="2026-11-24T08:57:39Z",
        state="dead" if error else "delivered",
        attempts=3,
        status=500,
        error=error,
        took=4,
        at="2026-11-24T08:58:39Z",
    )


def supervisor(ctl: Terminal, row: DeviceRow = RUNNING) -> Answering:
    answering = ctl.supervisor()
    answering.replies = {
        GetDeviceTable: DeviceTable([row]),
        StartWorker: msgspec.structs.replace(row, worker="running"),
        ListGatewayWebhooks: [GATEWAYS],
        CreateGatewayWebhook: GATEWAYS,
        CreateWebhook: GATEWAYS,
        ChangeGatewayWebhook: GATEWAYS,
        ChangeWebhook: GATEWAYS,
        RemoveGatewayWebhook: RemovedWebhook("main"),
        RemoveWebhook: RemovedWebhook("main"),
    }
    return answering


def worker(ctl: Terminal) -> Answering:
    answering = ctl.worker("shop")
    answering.replies = {
        ListWebhooks: [GOING],
        GetWebhook: GOING,
        PauseWebhook: GOING,
        ResumeWebhook: GOING,
        TestWebhook: TRIED,
        ListDeliveries: DeliveryPage([delivery(9), delivery(8, "it said\x07 no")], 0),
        ReplayEvents: Replay(3, 120),
    }
    return answering
