"""`wagatewayctl webhooks deliveries`, `dead` and `replay`."""

import msgspec
import pytest

from tests.ctl.conftest import Terminal
from tests.ctl.webhooks import delivery, supervisor, worker
from wagateway.commands.webhooks import (
    DeliveryPage,
    ListDeliveries,
    ReplayEvents,
)


def test_deliveries_are_shown_with_what_came_of_them(ctl: Terminal) -> None:
    with supervisor(ctl), worker(ctl) as asked:
        assert 0 == ctl("webhooks", "deliveries", "shop", "main", "--state", "failing", "--limit", "5")
    assert [ListDeliveries(webhook_id="main", state="failing", limit=5)] == asked.asked
    assert ["9", "message"] == ctl.out.splitlines()[1].split()[:2]
    assert "it said\ufffd no" in ctl.out


def test_dead_letters_are_asked_for_page_by_page(ctl: Terminal) -> None:
    pages = [DeliveryPage([delivery(9, "no")], 9), DeliveryPage([delivery(4, "no")], 0)]

    async def next_page() -> DeliveryPage:
        return pages.pop(0)

    answering = worker(ctl)
    answering.replies[ListDeliveries] = next_page
    with supervisor(ctl), answering as asked:
        assert 0 == ctl("webhooks", "dead", "shop", "main", "--limit", "600", "--json")
    assert [9, 4] == [each["seq"] for each in ctl.json]
    first = ListDeliveries(webhook_id="main", state="dead", limit=500)
    assert [first, msgspec.structs.replace(first, before=9)] == asked.asked


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ("--event evt_1", ReplayEvents(webhook_id="main", event_id="evt_1")),
        ("--from 10 --to 20", ReplayEvents(webhook_id="main", from_seq=10, to_seq=20)),
        ("--from 2026-11-24T08:00:00Z", ReplayEvents(webhook_id="main", from_time="2026-11-24T08:00:00Z")),
        ("--dead", ReplayEvents(webhook_id="main", dead=True)),
        ("--dead --to 20", ReplayEvents(webhook_id="main", dead=True, to_seq=20)),
    ],
)
@pytest.mark.parametrize("noun", ["webhooks", "events"])
def test_events_are_delivered_again(ctl: Terminal, noun: str, words: str, command: ReplayEvents) -> None:
    with supervisor(ctl), worker(ctl) as asked:
        assert 0 == ctl(noun, "replay", "shop", "main", *words.split())
    assert [command] == asked.asked
    assert "Replay 3: 120 events are delivered again\n" == ctl.out
