"""What is told is in the log, once, in the order of the calls, whatever the disk does meanwhile."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from tests.workers.conftest import OWN, Who, rows
from wagateway.events.catalogue import DEVICE_STATE
from wagateway.events.device import DeviceStatePayload
from workers.head import Head
from workers.shard import Shard
from workers.shard import log as event_log
from workers.telling import Teller


def say(teller: Teller, *reasons: object) -> None:
    for reason in reasons:
        teller.tell(DEVICE_STATE, DeviceStatePayload(state="connecting", reason=str(reason)))


def told(shard: Shard) -> list[str]:
    bodies = rows(shard, "SELECT body FROM log ORDER BY seq")
    return [msgspec.json.decode(cast("bytes", body))["payload"]["reason"] for (body,) in bodies]


@pytest.fixture
def break_disk(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Lets the disk refuse the events whose reason is among those given, or all."""
    append: Callable[..., int] = event_log.append

    def broken(*reasons: str) -> None:
        def full(*arguments: Any) -> int:
            if not reasons or arguments[-1].reason in reasons:
                error = sqlite3.OperationalError("database or disk is full")
                error.sqlite_errorcode = sqlite3.SQLITE_FULL
                raise error
            return append(*arguments)

        monkeypatch.setattr(event_log, "append", full)

    return broken


async def test_events_are_kept_in_the_order_of_the_calls_and_readers_are_told(shard: Shard) -> None:
    head = Head()
    say(Teller(shard, Who(), head), *range(200))
    await asyncio.wait_for(head.beyond(199), 5)
    assert [str(number) for number in range(200)] == told(shard)


async def test_what_was_told_last_is_committed_by_closing(shard: Shard, path: Path) -> None:
    say(Teller(shard, Who(), Head()), "a", "b")
    shard.close()
    again = Shard.open(path)
    assert ["a", "b"] == told(again)
    again.close()


async def test_telling_of_a_closed_shard_does_nothing(shard: Shard) -> None:
    teller = Teller(shard, Who(), Head())
    shard.close()
    say(teller, "late")


async def test_an_event_is_of_the_account_of_its_time(shard: Shard) -> None:
    own = Who()
    say(Teller(shard, own, Head()), "a")
    own.jid = ""
    [(body,)] = rows(shard, "SELECT body FROM log")
    assert OWN == msgspec.json.decode(cast("bytes", body))["device_id"]


async def test_events_wait_for_a_failing_disk_and_go_on_by_themselves(
    shard: Shard, break_disk: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    head = Head()
    teller = Teller(shard, Who(), head, pause=0.001)
    break_disk()
    say(teller, "a", "b")
    assert [] == told(shard)
    monkeypatch.undo()
    await asyncio.wait_for(head.beyond(1), 5)
    say(teller, "c")
    assert ["a", "b", "c"] == told(shard)


async def test_one_that_the_disk_refuses_is_not_overtaken(
    shard: Shard, break_disk: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    head = Head()
    teller = Teller(shard, Who(), head, pause=0.001)
    break_disk("a")
    say(teller, "a", "b")
    assert [] == told(shard)
    monkeypatch.undo()
    await asyncio.wait_for(head.beyond(1), 5)
    assert ["a", "b"] == told(shard)


async def test_only_the_newest_wait_for_a_failing_disk(
    shard: Shard, break_disk: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    head = Head()
    teller = Teller(shard, Who(), head, pause=0.001)
    break_disk()
    say(teller, *range(300))
    rows(shard, "SELECT 1")
    monkeypatch.undo()
    await asyncio.wait_for(head.beyond(255), 5)
    assert [str(number) for number in range(44, 300)] == told(shard)


async def test_a_bug_in_one_does_not_hold_up_those_behind_it(
    shard: Shard, monkeypatch: pytest.MonkeyPatch
) -> None:
    teller = Teller(shard, Who(), Head())

    def bug(*_: object) -> int:
        raise ValueError("bug")

    monkeypatch.setattr(event_log, "append", bug)
    say(teller, "a")
    rows(shard, "SELECT 1")
    monkeypatch.undo()
    say(teller, "b")
    assert ["b"] == told(shard)


async def test_threads_may_tell_at_the_same_time(shard: Shard) -> None:
    teller = Teller(shard, Who(), Head())
    threads = [threading.Thread(target=say, args=(teller, *range(20))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(4 * [str(number) for number in range(20)]) == sorted(told(shard))
