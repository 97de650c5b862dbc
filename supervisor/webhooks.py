"""All webhooks that are configured: in the settings, in the registry, and as the one of a device."""

import sqlite3

import msgspec

from wagateway.commands.internal import Hook, id_of_url
from wagateway.database import as_problem
from wagateway.registry import Entry, Registry, WebhookEntry
from wagateway.settings import Settings

OWN = "own"
"""The id of the one webhook of `/devices/{device_id}/webhook`."""
URL_IDS = "url-"
"""What the ids begin with that are made of URLs, see `id_of_url`."""
GATEWAY = ""
"""Stands for the whole gateway where a device's id would stand."""
_NO_DEVICE = Entry(GATEWAY, 0.0)


class Webhooks:
    """What the registry has is held in memory too, so that a failing disk stops no worker's start.

    `signing` is the secret of the gateway. A level is a device's id, or `GATEWAY`.
    """

    def __init__(self, settings: Settings, signing: str, registry: Registry) -> None:
        self._settings = settings
        self._signing = signing
        self._registry = registry
        self._added: dict[str, dict[str, WebhookEntry]] = {}

    def load(self) -> None:
        """Read what was added earlier."""
        for entry in self._registry.webhooks():
            self._added.setdefault(entry.device_id, {})[entry.webhook_id] = entry

    def added(self, level: str) -> dict[str, WebhookEntry]:
        """Those that were added on a level, by id, oldest first."""
        return self._added.get(level, {})

    def levels_of(self, webhook_id: str) -> list[str]:
        """The levels on which one of this id was added."""
        return [level for level, added in self._added.items() if webhook_id in added]

    def put(self, entry: WebhookEntry) -> None:
        """Add or change one; durable when it returns. Raises 507 or 503 when the disk fails."""
        try:
            self._registry.put_webhook(entry)
        except sqlite3.Error as error:
            raise as_problem(error) from error
        self._added.setdefault(entry.device_id, {})[entry.webhook_id] = entry

    def remove(self, level: str, webhook_id: str) -> None:
        """Remove one; durable when it returns. Raises 507 or 503 when the disk fails."""
        try:
            self._registry.remove_webhook(level, webhook_id)
        except sqlite3.Error as error:
            raise as_problem(error) from error
        self.added(level).pop(webhook_id, None)

    def forget(self, device_id: str) -> None:
        """The device was removed, and with it its webhooks."""
        self._added.pop(device_id, None)

    def of_gateway(self, entry: Entry = _NO_DEVICE) -> list[Hook]:
        """Those of the whole gateway, as they are for a device whose word holds where a webhook has none."""
        base = self._base(entry)
        # The same URL twice in the settings is one webhook.
        fixed = [
            msgspec.structs.replace(base, id=id_of_url(url), url=url, fixed=True)
            for url in dict.fromkeys(self._settings.webhook)
        ]
        return [*fixed, *(_laid_over(base, added) for added in self.added(GATEWAY).values())]

    def of(self, entry: Entry) -> list[Hook]:
        """Where the events of a device go: a URL of its own takes the place of the whole gateway's.

        Those that were added to the device come on top.
        """
        if entry.webhook_url:
            base = self._base(entry)
            first = [msgspec.structs.replace(base, id=OWN, url=entry.webhook_url, own=True, fixed=True)]
        else:
            first = self.of_gateway(entry)
        base = msgspec.structs.replace(self._base(_NO_DEVICE), own=True)
        return [*first, *(_laid_over(base, added) for added in self.added(entry.device_id).values())]

    def _base(self, entry: Entry) -> Hook:
        """What holds where a webhook has no word of its own: the device's, else the gateway's."""
        settings = self._settings
        return Hook(
            id="",
            url="",
            secret=entry.webhook_secret.value or self._signing,
            own_secret=bool(entry.webhook_secret.value),
            events=_names(entry.webhook_events) or settings.webhook_events,
            ignore_jids=settings.webhook_ignore_jids,
            insecure=entry.webhook_insecure or settings.webhook_insecure_skip_verify,
            concurrency=settings.webhook_concurrency,
            give_up=int(settings.webhook_give_up),
        )


def _laid_over(base: Hook, added: WebhookEntry) -> Hook:
    return msgspec.structs.replace(
        base,
        id=added.webhook_id,
        url=added.url,
        secret=added.secret or base.secret,
        own_secret=bool(added.secret) or base.own_secret,
        events=added.events or base.events,
        ignore_jids=base.ignore_jids if added.ignore_jids is None else added.ignore_jids,
        headers=added.headers,
        insecure=added.insecure or base.insecure,
        concurrency=added.concurrency or base.concurrency,
        give_up=added.give_up or base.give_up,
    )


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]
