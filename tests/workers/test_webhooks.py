"""What is told of webhooks has no secret in it, and what is asked of them reaches the delivery."""

import asyncio
import time
from typing import Any

import pytest

from tests.workers.conftest import ALICE, rows
from tests.workers.test_deliveries import done, log_events, record
from wagateway.commands.internal import Hook
from wagateway.commands.webhooks import (
    Attempt,
    Delivery,
    GetWebhook,
    ListDeliveries,
    ListWebhooks,
    PauseWebhook,
    Replay,
    ReplayEvents,
    ResumeWebhook,
    TestWebhook,
)
from wagateway.contract import DEADLINE, Problem
from workers.deadline import MARGIN
from workers.delivery import HookView, Outcome
from workers.device import Device
from workers.handlers import webhooks

HOOK = Hook(
    id="a",
    url="https://me:hunter2@example.com/hook?key=hunter2",
    secret="hunter2",
    own_secret=True,
    own=True,
    events=["message"],
    headers={"Authorization": "Bearer hunter2"},
    give_up=60,
)


class Hooks:
    """A delivery of two hooks, which remembers what was asked of it."""

    def __init__(self) -> None:
        self.views = {
            hook.id: HookView(
                hook=hook,
                state="active",
                cursor=3,
                lag=2,
                blocked_chats=1,
                down=True,
                failures=5,
                retry_in=1.23456,
                last_status=500,
                last_error="HTTP 500",
                delivered_at=1_800_000_000_000,
            )
            for hook in (HOOK, Hook(id="b", url="http://b/", secret="the gateway's"))
        }
        self.asked: list[tuple[str, ...]] = []

    def all(self) -> list[HookView]:
        return list(self.views.values())

    def state(self, hook_id: str) -> HookView:
        if hook_id not in self.views:
            raise Problem(404, "WEBHOOK_NOT_FOUND", "no such webhook")
        return self.views[hook_id]

    async def pause(self, hook_id: str) -> None:
        self.asked.append(("pause", hook_id))

    async def resume(self, hook_id: str) -> None:
        self.asked.append(("resume", hook_id))

    async def test(self, hook_id: str) -> Outcome:
        return Outcome(False, 503, "HTTP 503", 7, retry_after=9.0)

    def replay_added(self) -> None:
        self.asked.append(("replay",))


@pytest.fixture
def hooks(device: Device) -> Hooks:
    made = Hooks()
    device.delivery = made  # type: ignore[assignment]
    return made


async def test_a_webhook_is_shown_without_its_secrets(device: Device, hooks: Hooks) -> None:
    status = await webhooks.get_webhook(device, GetWebhook(webhook_id="a"))
    assert "hunter2" not in repr(status)
    assert ("https://me:***@example.com/hook?key=***", "***") == (status.url, status.secret)
    assert {"Authorization": "***"} == status.headers
    assert (True, False, ["message"], 60) == (status.own, status.fixed, status.events, status.give_up)


async def test_a_webhook_tells_how_it_goes(device: Device, hooks: Hooks) -> None:
    log_events(device.shard, 4)
    record(device.shard, "a", [done(1, "dead"), done(2, "dead"), done(3)])
    await webhooks.replay_events(device, ReplayEvents(webhook_id="a", from_seq=2))
    first, second = await webhooks.list_webhooks(device, ListWebhooks())
    assert (2, 3, 1.235, "2027-01-15T08:00:00Z") == (
        first.dead,
        first.replaying,
        first.retry_in,
        first.delivered_at,
    )
    assert (3, 2, 1, True, 5, 500, "HTTP 500") == (
        first.cursor,
        first.lag,
        first.blocked_chats,
        first.down,
        first.failures,
        first.last_status,
        first.last_error,
    )
    assert ("b", "", 0, 0) == (second.webhook_id, second.secret, second.dead, second.replaying)


async def test_pausing_and_resuming_reach_the_delivery(device: Device, hooks: Hooks) -> None:
    assert "a" == (await webhooks.pause_webhook(device, PauseWebhook(webhook_id="a"))).webhook_id
    assert "a" == (await webhooks.resume_webhook(device, ResumeWebhook(webhook_id="a"))).webhook_id
    assert [("pause", "a"), ("resume", "a")] == hooks.asked


async def test_a_test_tells_what_came_of_it(device: Device, hooks: Hooks) -> None:
    tried = await webhooks.test_webhook(device, TestWebhook(webhook_id="a"))
    assert Attempt(False, 503, "HTTP 503", 7) == tried


async def test_a_test_that_hangs_is_told_before_nobody_waits_any_more(
    device: Device, hooks: Hooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(hook_id: str) -> Outcome:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(hooks, "test", hang)
    token = DEADLINE.set(time.monotonic() + MARGIN + 0.01)
    tried = await webhooks.test_webhook(device, TestWebhook(webhook_id="a"))
    DEADLINE.reset(token)
    assert (False, 0, "no answer in time") == (tried.delivered, tried.status, tried.error)


async def test_deliveries_are_shown_with_their_events_page_by_page(device: Device, hooks: Hooks) -> None:
    log_events(device.shard, 3)
    record(device.shard, "a", [done(1), done(2), done(3, "dead", 4, status=500, error="HTTP 500")])
    first = await webhooks.list_deliveries(device, ListDeliveries(webhook_id="a", limit=2))
    moment = "2027-01-15T08:00:00Z"
    assert first.deliveries[0] == Delivery(
        3, "evt_3", "message", ALICE, moment, "dead", 4, 500, "HTTP 500", 3, moment
    )
    assert ([3, 2], 2) == ([row.seq for row in first.deliveries], first.next)
    last = await webhooks.list_deliveries(device, ListDeliveries(webhook_id="a", limit=2, before=first.next))
    assert ([1], 0) == ([row.seq for row in last.deliveries], last.next)


async def test_a_page_that_ends_with_the_last_delivery_has_none_after_it(
    device: Device, hooks: Hooks
) -> None:
    log_events(device.shard, 2)
    record(device.shard, "a", [done(1), done(2)])
    assert 0 == (await webhooks.list_deliveries(device, ListDeliveries(webhook_id="a", limit=2))).next


@pytest.mark.parametrize(
    ("bounds", "events"),
    [
        ({"event_id": "evt_2"}, 1),
        ({"dead": True}, 1),
        ({"from_time": "2027-01-15T08:00:00.003Z"}, 2),
        ({"from_time": "2027-01-15T09:00:00+01:00", "to_time": "2027-01-15T08:00:00Z"}, 4),
        ({"to_time": "2027-01-15T08:00:00.001Z"}, 1),
        ({"from_seq": 2, "to_seq": 2}, 1),
    ],
)
async def test_a_replay_is_added_and_told_to_the_delivery(
    device: Device, hooks: Hooks, bounds: dict[str, Any], events: int
) -> None:
    log_events(device.shard, 4)
    record(device.shard, "a", [done(3, "dead")])
    assert Replay(1, events) == await webhooks.replay_events(device, ReplayEvents(webhook_id="a", **bounds))
    assert [("replay",)] == hooks.asked


@pytest.mark.parametrize(
    ("bounds", "field"),
    [
        ({}, "event_id"),
        ({"event_id": "evt_1", "dead": True}, "event_id"),
        ({"event_id": "evt_1", "from_seq": 0}, "event_id"),
        ({"event_id": "evt_1", "to_time": "2027-01-15T08:00:00Z"}, "event_id"),
        ({"from_seq": 3, "to_seq": 2}, "to_seq"),
        ({"from_time": "2027-01-15T08:00:01Z", "to_time": "2027-01-15T08:00:00Z"}, "to_time"),
        ({"from_time": "yesterday"}, "from_time"),
        ({"to_time": "2027-01-15"}, "to_time"),
        ({"to_time": "9" * 64}, "to_time"),
    ],
)
async def test_bounds_that_make_no_sense_are_refused(
    device: Device, hooks: Hooks, bounds: dict[str, Any], field: str
) -> None:
    log_events(device.shard, 4)
    with pytest.raises(Problem, match=f"^{field}: ") as raised:
        await webhooks.replay_events(device, ReplayEvents(webhook_id="a", **bounds))
    assert (400, "VALIDATION_ERROR") == (raised.value.status, raised.value.code)
    assert [] == hooks.asked
    assert [] == rows(device.shard, "SELECT * FROM replays")


async def test_a_webhook_that_is_not_there_has_nothing(device: Device, hooks: Hooks) -> None:
    with pytest.raises(Problem, match="no such webhook"):
        await webhooks.list_deliveries(device, ListDeliveries(webhook_id="x"))
    with pytest.raises(Problem, match="no such webhook"):
        await webhooks.replay_events(device, ReplayEvents(webhook_id="x"))
