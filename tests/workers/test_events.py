"""A client pulls the events of a device by number, and waits for those to come."""

import asyncio
import time
from collections.abc import Iterator

import msgspec
import pytest

from tests.workers.conftest import ALICE, BOB
from wagateway.commands.events import EventPage, ListEvents
from wagateway.contract import DEADLINE, Problem
from wagateway.events import Kind
from wagateway.events.catalogue import TEST, UNREAD
from wagateway.events.device import TestPayload
from wagateway.events.messages import UnreadPayload
from workers.device import Device
from workers.handlers import events as handlers
from workers.handlers.events import list_events
from workers.shard import Shard
from workers.shard import log as event_log
from workers.shard.log import Own


@pytest.fixture(autouse=True)
def no_deadline() -> Iterator[None]:
    token = DEADLINE.set(float("inf"))
    yield
    DEADLINE.reset(token)


def happen(shard: Shard, own: Own, count: int = 1, raw: str = "", chat: str = ALICE) -> int:
    """So many events; returns the number of the last."""
    payload = UnreadPayload(raw=raw)
    for _ in range(count):
        seq = shard.write(lambda c: event_log.append(c, own, UNREAD, chat, payload)).result()
    return seq


def happen_and_tell(device: Device) -> int:
    seq = happen(device.shard, device)
    device.head.committed(seq)
    return seq


def happen_of(device: Device, kind: Kind[TestPayload]) -> int:
    payload = TestPayload(webhook_id="x")
    return device.shard.write(lambda c: event_log.append(c, device, kind, "", payload)).result()


def prune(shard: Shard, up_to: int, *but: int) -> None:
    marks = ", ".join(map(str, but)) or "0"
    query = f"DELETE FROM log WHERE seq <= {up_to} AND seq NOT IN ({marks})"
    shard.write(lambda c: c.execute(query)).result()


def numbers(page: EventPage) -> list[int]:
    return [msgspec.json.decode(event)["seq"] for event in page.events]


async def test_events_come_in_order_page_after_page(device: Device) -> None:
    happen(device.shard, device, 5)
    first = await list_events(device, ListEvents(limit=3))
    assert ([1, 2, 3], 3, 5, 1, 0) == (numbers(first), first.next, first.head, first.oldest, first.missed)
    second = await list_events(device, ListEvents(after=first.next, limit=3))
    assert ([4, 5], 5) == (numbers(second), second.next)


async def test_with_nothing_new_the_page_is_empty_and_says_where_to_go_on(device: Device) -> None:
    happen(device.shard, device, 2)
    page = await list_events(device, ListEvents(after=2))
    assert ([], 2, 2) == (numbers(page), page.next, page.head)


async def test_a_log_that_was_never_written_to_has_an_empty_page(device: Device) -> None:
    page = await list_events(device, ListEvents())
    assert EventPage(events=[], next=0, head=0, oldest=1, missed=0) == page


async def test_a_number_beyond_the_head_leads_back_to_it_at_once(device: Device) -> None:
    happen(device.shard, device, 2)
    page = await asyncio.wait_for(list_events(device, ListEvents(after=900, wait=60)), 5)
    assert ([], 2, 0) == (numbers(page), page.next, page.missed)


async def test_events_that_are_kept_no_more_are_counted(device: Device) -> None:
    happen(device.shard, device, 9)
    prune(device.shard, 6, 4)
    page = await list_events(device, ListEvents(after=2))
    assert ([4, 7, 8, 9], 4, 3) == (numbers(page), page.oldest, page.missed)


async def test_who_begins_with_the_oldest_has_missed_nothing(device: Device) -> None:
    happen(device.shard, device, 9)
    prune(device.shard, 6)
    page = await list_events(device, ListEvents(limit=1))
    assert ([7], 7, 0) == (numbers(page), page.oldest, page.missed)


async def test_a_log_of_which_nothing_is_kept_is_waited_for_at_its_head(device: Device) -> None:
    device.head.committed(happen(device.shard, device, 3))
    prune(device.shard, 3)
    page = await list_events(device, ListEvents(after=1))
    assert ([], 3, 4, 2) == (numbers(page), page.next, page.oldest, page.missed)


async def test_a_filter_takes_kinds_in_any_case_and_whole_areas(device: Device) -> None:
    happen(device.shard, device, 2)
    wanted = happen_of(device, TEST)
    page = await list_events(device, ListEvents(events=["TEST", "Group.*"]))
    assert ([wanted], wanted) == (numbers(page), page.next)


async def test_an_unknown_kind_is_refused(device: Device) -> None:
    with pytest.raises(Problem) as caught:
        await list_events(device, ListEvents(events=["mesage"]))
    assert (400, "events: there is no kind of event 'mesage'.") == (caught.value.status, caught.value.message)


async def test_a_filter_passes_over_a_bounded_number_at_once(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handlers, "_LOOKED_AT", 4)
    happen(device.shard, device, 6)
    wanted = happen_of(device, TEST)
    first = await asyncio.wait_for(list_events(device, ListEvents(events=["test"], wait=60)), 5)
    assert ([], 4, 7) == (numbers(first), first.next, first.head)
    second = await list_events(device, ListEvents(after=first.next, events=["test"]))
    assert [wanted] == numbers(second)


async def test_a_page_ends_when_it_is_large(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handlers, "_SIZE", 2500)
    happen(device.shard, device, 5, raw="x" * 1000)
    page = await list_events(device, ListEvents())
    assert ([1, 2, 3], 3) == (numbers(page), page.next)


async def test_a_poll_waits_until_something_happens(device: Device) -> None:
    poll = asyncio.create_task(list_events(device, ListEvents(wait=60)))
    await device.shard.read(lambda _: None)
    await asyncio.to_thread(happen_and_tell, device)
    assert [1] == numbers(await asyncio.wait_for(poll, 5))


async def test_a_poll_waits_on_when_what_happens_is_not_wanted(device: Device) -> None:
    poll = asyncio.create_task(list_events(device, ListEvents(wait=60, events=["test"])))
    await asyncio.to_thread(happen_and_tell, device)
    await device.head.beyond(0)
    device.head.committed(await asyncio.to_thread(happen_of, device, TEST))
    page = await asyncio.wait_for(poll, 5)
    assert ([2], 2) == (numbers(page), page.next)


async def test_a_poll_is_answered_before_nobody_waits_for_it(device: Device) -> None:
    DEADLINE.set(time.monotonic() + 0.51)
    page = await asyncio.wait_for(list_events(device, ListEvents(wait=60)), 5)
    assert ([], 0) == (numbers(page), page.next)


async def test_a_stopping_worker_answers_its_polls_at_once(device: Device) -> None:
    polls = [asyncio.create_task(list_events(device, ListEvents(wait=60))) for _ in range(3)]
    await device.shard.read(lambda _: None)
    device.head.close()
    pages = await asyncio.wait_for(asyncio.gather(*polls), 5)
    assert [[]] * 3 == [numbers(page) for page in pages]
    assert [] == (await asyncio.wait_for(list_events(device, ListEvents(wait=60)), 5)).events


async def test_a_poll_does_not_keep_an_unused_worker_alive(device: Device) -> None:
    device.used_at = 1.0
    happen(device.shard, device, chat=BOB)
    await list_events(device, ListEvents())
    assert device.used_at == 1.0
