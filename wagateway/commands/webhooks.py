"""Commands about webhooks: what is configured, and how deliveries to them go."""

from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from wagateway.commands.devices import WebhookSecret, WebhookUrl
from wagateway.contract import Command, Needs, Route, Target

WebhookId = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*\Z")]
"""An own id, or one that is made up: letters, digits and . _ - after a first letter or digit."""

EventNames = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=64)]],
    Meta(max_length=64, description="Kinds of events, such as `message` or `group.*`; none: all"),
]
IgnoredJids = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=128)]],
    Meta(max_length=256, description="JIDs whose events are not delivered; `@g.us` stands for all groups"),
]
Headers = Annotated[
    dict[str, str], Meta(max_length=32, description="Headers that every delivery has, such as Authorization")
]
Concurrency = Annotated[int, Meta(ge=1, le=64, description="Deliveries at a time; those of a chat never are")]
GiveUp = Annotated[
    int, Meta(ge=1, le=30 * 86400, description="Seconds that an event is tried again; then: dead letter")
]
Seq = Annotated[int, Meta(ge=0, le=2**62)]
Moment = Annotated[str, Meta(min_length=1, max_length=64, description="RFC 3339")]


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook as configured. `own` ones belong to a device, the others to the whole gateway.

    A `fixed` one comes from the settings of the gateway, or is the one of `/devices/{id}/webhook`, and is
    changed there. Secrets and the values of headers are shown as `***`; without a `secret` the gateway's
    signs. `give_up` is in seconds.
    """

    webhook_id: str
    own: bool
    fixed: bool
    url: str
    secret: str
    events: list[str]
    ignore_jids: list[str]
    headers: dict[str, str]
    insecure_skip_verify: bool
    concurrency: int
    give_up: int


HookState = Literal["active", "paused", "gone"]
"""Paused by somebody; gone after the receiver answered 410."""


class WebhookStatus(Webhook, frozen=True, kw_only=True):
    """A webhook, and how it goes with this device.

    `cursor` is the last event that it is done with but for `blocked_chats`, in which a failed event holds up
    those behind it, and `lag` counts what is to come. While the whole endpoint is `down`, one event at a
    time is tried, next in `retry_in` seconds. `dead` counts dead letters, `replaying` events of replays to
    come. `last_status` is an HTTP status, 0 for none; times are RFC 3339 or "".
    """

    state: HookState
    cursor: int
    lag: int
    blocked_chats: int
    down: bool
    failures: int
    retry_in: float
    dead: int
    replaying: int
    last_status: int
    last_error: str
    delivered_at: str


class NewWebhook(Command[Webhook], frozen=True, kw_only=True):
    """Where events are to go; what is not given is as the settings of the gateway say."""

    target: ClassVar[Target] = "supervisor"
    done: ClassVar = "Webhook added"
    url: WebhookUrl
    webhook_id: WebhookId | None = None
    secret: WebhookSecret = ""
    events: EventNames = msgspec.field(default_factory=list)
    ignore_jids: IgnoredJids | None = None
    headers: Headers = msgspec.field(default_factory=dict)
    insecure_skip_verify: bool = False
    concurrency: Concurrency | None = None
    give_up: GiveUp | None = None


class WebhookChange(Command[Webhook], frozen=True, kw_only=True):
    """What is to be otherwise about a webhook; what is not given stays."""

    target: ClassVar[Target] = "supervisor"
    done: ClassVar = "Webhook changed"
    webhook_id: str
    url: WebhookUrl | None = None
    secret: WebhookSecret | None = None
    events: EventNames | None = None
    ignore_jids: IgnoredJids | None = None
    headers: Headers | None = None
    insecure_skip_verify: bool | None = None
    concurrency: Concurrency | None = None
    give_up: GiveUp | None = None


class CreateWebhook(NewWebhook, frozen=True, kw_only=True):
    """Add a webhook to a device, beside its others; it gets what happens from now on."""

    routes: ClassVar = (Route("POST", "/devices/{device_id}/webhooks"),)
    device_id: str


class ChangeWebhook(WebhookChange, frozen=True, kw_only=True):
    """Change a webhook of a device at once; what is not given stays."""

    routes: ClassVar = (Route("PATCH", "/devices/{device_id}/webhooks/{webhook_id}"),)
    device_id: str


class RemovedWebhook(msgspec.Struct, frozen=True):
    """What was removed, with all that was still to be delivered."""

    webhook_id: str


class RemoveWebhook(Command[RemovedWebhook], frozen=True, kw_only=True):
    """Remove a webhook of a device, with its dead letters and what it has not got."""

    routes: ClassVar = (Route("DELETE", "/devices/{device_id}/webhooks/{webhook_id}"),)
    target: ClassVar[Target] = "supervisor"
    done: ClassVar = "Webhook removed"
    device_id: str
    webhook_id: str


class ListGatewayWebhooks(Command[list[Webhook]], frozen=True, kw_only=True):
    """List the webhooks of the whole gateway, for devices without a webhook_url of their own."""

    routes: ClassVar = (Route("GET", "/webhooks"),)
    target: ClassVar[Target] = "supervisor"
    done: ClassVar = "Webhooks retrieved"


class CreateGatewayWebhook(NewWebhook, frozen=True, kw_only=True):
    """Add a webhook to the whole gateway, without a restart."""

    routes: ClassVar = (Route("POST", "/webhooks"),)


class ChangeGatewayWebhook(WebhookChange, frozen=True, kw_only=True):
    """Change a webhook of the whole gateway at once; what is not given stays."""

    routes: ClassVar = (Route("PATCH", "/webhooks/{webhook_id}"),)


class RemoveGatewayWebhook(Command[RemovedWebhook], frozen=True, kw_only=True):
    """Remove a webhook of the whole gateway, with dead letters and what it has not got."""

    routes: ClassVar = (Route("DELETE", "/webhooks/{webhook_id}"),)
    target: ClassVar[Target] = "supervisor"
    done: ClassVar = "Webhook removed"
    webhook_id: str


class ListWebhooks(Command[list[WebhookStatus]], frozen=True, kw_only=True):
    """List the webhooks that get the events of a device, and how it goes with each."""

    routes: ClassVar = (Route("GET", "/devices/{device_id}/webhooks"),)
    needs: ClassVar[Needs] = "log"
    done: ClassVar = "Webhooks retrieved"


class GetWebhook(Command[WebhookStatus], frozen=True, kw_only=True):
    """Get one of them."""

    routes: ClassVar = (Route("GET", "/devices/{device_id}/webhooks/{webhook_id}"),)
    needs: ClassVar[Needs] = "log"
    done: ClassVar = "Webhook retrieved"
    webhook_id: str


class PauseWebhook(Command[WebhookStatus], frozen=True, kw_only=True):
    """Deliver nothing more to a webhook until it is resumed; events wait for it in the log."""

    routes: ClassVar = (Route("POST", "/devices/{device_id}/webhooks/{webhook_id}/pause"),)
    needs: ClassVar[Needs] = "log"
    done: ClassVar = "Webhook paused"
    webhook_id: str


class ResumeWebhook(Command[WebhookStatus], frozen=True, kw_only=True):
    """Deliver again, at once: ends a pause, what a 410 began, and the wait after failures."""

    routes: ClassVar = (Route("POST", "/devices/{device_id}/webhooks/{webhook_id}/resume"),)
    needs: ClassVar[Needs] = "log"
    done: ClassVar = "Webhook resumed"
    webhook_id: str


class Attempt(msgspec.Struct, frozen=True):
    """One delivery that was tried; `status` is an HTTP status, 0 where there was no answer: see `error`.

    `took` is in milliseconds.
    """

    delivered: bool
    status: int
    error: str
    took: int


class TestWebhook(Command[Attempt], frozen=True, kw_only=True):
    """Deliver an event of kind `test` to a webhook now, once, and tell what came of it."""

    __test__: ClassVar = False
    routes: ClassVar = (Route("POST", "/devices/{device_id}/webhooks/{webhook_id}/test"),)
    needs: ClassVar[Needs] = "log"
    done: ClassVar = "Webhook tried"
    webhook_id: str


DeliveryState = Literal["delivered", "failing", "dead"]


class Delivery(msgspec.Struct, frozen=True):
    """What became of one event at one webhook: the last attempt, and how many there were.

    A `failing` one is tried again and holds up its chat, a `dead` one is not tried again by itself. `status`
    and `error` as in `Attempt`; `at` and the event's `recorded_at` are RFC 3339, `took` is in milliseconds.
    """

    seq: int
    event_id: str
    event: str
    chat_id: str
    recorded_at: str
    state: DeliveryState
    attempts: int
    status: int
    error: str
    took: int
    at: str


class DeliveryPage(msgspec.Struct, frozen=True):
    """Deliveries, newest event first; `next` goes into `before` for the next page, 0 at the end."""

    deliveries: list[Delivery]
    next: int


class ListDeliveries(Command[DeliveryPage], frozen=True, kw_only=True):
    """List what became of events at a webhook; of those delivered, the newest 10,000 are remembered."""

    routes: ClassVar = (Route("GET", "/devices/{device_id}/webhooks/{webhook_id}/deliveries"),)
    needs: ClassVar[Needs] = "log"
    done: ClassVar = "Deliveries retrieved"
    webhook_id: str
    state: DeliveryState | None = None
    before: Seq = 0
    limit: Annotated[int, Meta(ge=1, le=500)] = 50


class Replay(msgspec.Struct, frozen=True):
    """What is delivered again: `events` in number, those that the webhook's filters let through."""

    replay_id: int
    events: int


class ReplayEvents(Command[Replay], frozen=True, kw_only=True):
    """Deliver events again, beside what is new: one by `event_id`, or those from and to a number or a time.

    Bounds are included, and one that is not given is open; all events are `from_seq` 0. With `dead` only
    dead letters are meant, all of them without bounds. They come in order, each once the one before was
    answered 2xx or given up.
    """

    routes: ClassVar = (Route("POST", "/devices/{device_id}/webhooks/{webhook_id}/replay"),)
    needs: ClassVar[Needs] = "log"
    done: ClassVar = "Replay begins"
    webhook_id: str
    event_id: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    from_seq: Seq | None = None
    to_seq: Seq | None = None
    from_time: Moment | None = None
    to_time: Moment | None = None
    dead: bool = False
