"""How it goes with a hook, as others are shown it."""

import msgspec

from wagateway.commands.internal import Hook
from wagateway.commands.webhooks import HookState


class HookView(msgspec.Struct, frozen=True, kw_only=True):
    """A hook and its progress; `lag` counts the events to come, with those of the `blocked_chats`.

    While it is `down` one event at a time is tried, next in `retry_in` seconds. `last_status` is an HTTP
    status, 0 for none, `delivered_at` Unix milliseconds, 0 for never.
    """

    hook: Hook
    state: HookState
    cursor: int
    lag: int
    blocked_chats: int
    down: bool
    failures: int
    retry_in: float
    last_status: int
    last_error: str
    delivered_at: int
