"""Devices as the API shows them: without what is secret."""

import time

from wagateway.commands.devices import DeviceInfo, DeviceWebhook
from wagateway.commands.internal import DeviceRow
from wagateway.phone import digits
from wagateway.registry import Entry
from wagateway.urls import HIDDEN, shown


def device(row: DeviceRow) -> DeviceInfo:
    """A device; what is wrong with its disk is the reason where there is no other."""
    created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(row.created_at))
    return DeviceInfo(
        device_id=row.device_id,
        id=row.device_id,
        state=row.state,
        created_at=created,
        jid=row.jid,
        display_name=row.display_name,
        phone_number=digits(row.jid),
        reason=row.reason or (f"storage_{row.storage}" if row.storage else ""),
        name=row.display_name,
        device=row.jid,
    )


def device_webhook(entry: Entry) -> DeviceWebhook:
    """The one webhook that takes the place of the gateway's."""
    return DeviceWebhook(
        device_id=entry.device_id,
        webhook_url=shown(entry.webhook_url),
        webhook_secret=HIDDEN if entry.webhook_secret.value else "",
        webhook_events=entry.webhook_events,
        webhook_insecure_skip_verify=entry.webhook_insecure,
    )
