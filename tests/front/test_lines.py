"""The log of a device as lines, and long polls."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest
from yarl import URL

from tests.front.conftest import Stage
from tests.front.logs import EARLIER, Logs
from wagateway.front import lines

ACCEPT = {"Accept": lines.NDJSON}


@pytest.fixture
async def logs(stage: Stage) -> Logs:
    return Logs(stage)


def stream(stage: Stage, path: str) -> Any:
    return stage.http.get(URL(f"http://127.0.0.1:{stage.port}{path}"), headers=ACCEPT)


async def read(response: aiohttp.ClientResponse, count: int) -> list[Any]:
    return [json.loads(await response.content.readline()) for _ in range(count)]


async def test_it_begins_with_the_oldest_and_goes_on(stage: Stage, logs: Logs) -> None:
    log = logs.add("a")
    for _ in range(3):
        log.add(timestamp=EARLIER)
    log.oldest = 2
    async with stream(stage, "/devices/a/events") as response:
        assert lines.NDJSON == response.headers["Content-Type"]
        assert [2, 3] == [one["seq"] for one in await read(response, 2)]
        log.add("new")
        assert [json.loads(log.events[3])] == await read(response, 1)


async def test_after_and_events_are_respected_and_what_is_missed_is_told(stage: Stage, logs: Logs) -> None:
    log = logs.add("a")
    for _ in range(5):
        log.add(timestamp=EARLIER)
    log.add(kind="call.offer", timestamp=EARLIER)
    log.oldest = 4
    async with stream(stage, "/events?after=1&events=call.offer") as response:
        assert [{"event": "missed", "missed": 2, "oldest": 4}, json.loads(log.events[5])] == await read(
            response, 2
        )


async def test_an_empty_line_comes_while_nothing_happens(
    stage: Stage, logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "_KEEP_ALIVE_SECONDS", 0.01)
    logs.add("a")
    async with stream(stage, "/events") as response:
        assert b"\n" == await response.content.readline()


async def test_what_cannot_be_asked_is_refused(stage: Stage, logs: Logs) -> None:
    logs.add("a")
    for path, status in (("/events?events=x", 400), ("/events?after=x", 400), ("/devices/b/events", 404)):
        assert status == (await stage.call("GET", path, headers=ACCEPT)).status


async def test_a_stopped_worker_is_started_for_it(stage: Stage, logs: Logs) -> None:
    logs.add("a", worker="stopped").add()
    async with stream(stage, "/events") as response:
        assert [1] == [one["seq"] for one in await read(response, 1)]


async def test_a_stream_ends_whole_when_the_front_stops_and_a_long_poll_is_answered(
    stage: Stage, logs: Logs
) -> None:
    log = logs.add("a")
    log.add()
    polling = asyncio.create_task(stage.call("GET", "/events?after=1&wait=60"))
    async with stream(stage, "/events") as response:
        await read(response, 1)
        await log.polled()
        async with asyncio.timeout(3):
            await stage.drain(patience=60.0)
        assert b"" == await response.content.read()
    assert 503 == (await polling).status


async def test_a_page_is_json_without_that_accept(stage: Stage, logs: Logs) -> None:
    log = logs.add("a")
    log.add()
    answer = await stage.call("GET", "/events")
    assert [json.loads(log.events[0])] == answer.body["result"]["events"]
