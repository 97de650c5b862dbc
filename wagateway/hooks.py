"""Webhooks as they may be shown: without secrets and the values of headers."""

from wagateway.commands.internal import Hook
from wagateway.commands.webhooks import Webhook
from wagateway.urls import HIDDEN, shown


def shown_hook(hook: Hook) -> Webhook:
    """A webhook as it works."""
    return Webhook(
        webhook_id=hook.id,
        own=hook.own,
        fixed=hook.fixed,
        url=shown(hook.url),
        secret=HIDDEN if hook.own_secret else "",
        events=hook.events,
        ignore_jids=hook.ignore_jids,
        headers=dict.fromkeys(hook.headers, HIDDEN),
        insecure_skip_verify=hook.insecure,
        concurrency=hook.concurrency,
        give_up=hook.give_up,
    )
