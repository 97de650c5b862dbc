"""What an attempt sends, what its answer means, and which events a hook wants."""

import asyncio
import base64
import hashlib
import hmac
import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from aiohttp import web

from tests.workers.conftest import ALICE, BOB, GROUP
from tests.workers.delivery.conftest import NOWHERE, SECRET, Sink, delivering, hook
from workers.delivery import Pace, Receiver, receiver
from workers.shard import Shard
from workers.shard.log import LogRow

ROW = LogRow(7, "evt_7", "message", ALICE, b'{"payload":{"chat_id":"a@g.us","from":"b@lid"}}')


async def test_w34_a_delivery_is_signed_in_both_ways(sink: Sink) -> None:
    async with Receiver(hook(sink.url), Pace()) as made:
        assert (await made.post(ROW)).delivered
    headers, body = sink.attempts[0]
    hub = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    assert f"sha256={hub}" == headers["X-Hub-Signature-256"]
    event_id, timestamp = headers["webhook-id"], headers["webhook-timestamp"]
    signed = f"{event_id}.{timestamp}.".encode() + body
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    standard = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert f"v1,{standard}" == headers["webhook-signature"]
    assert ("evt_7", "application/json") == (event_id, headers["Content-Type"])
    assert abs(time.time() - int(timestamp)) < 5
    assert headers["User-Agent"].startswith("wagateway/")


async def test_headers_of_the_hook_are_sent_but_cannot_take_the_place_of_ours(sink: Sink) -> None:
    own = {"Authorization": "Bearer x", "content-type": "text/plain", "Webhook-Id": "no", "user-agent": "me"}
    async with Receiver(hook(sink.url, headers=own), Pace()) as made:
        await made.post(ROW)
    headers = sink.attempts[0][0]
    assert ("Bearer x", "me") == (headers["Authorization"], headers["User-Agent"])
    assert ("application/json", "evt_7") == (headers["Content-Type"], headers["webhook-id"])


@pytest.mark.parametrize("status", [301, 307, 400, 410, 500, 503])
async def test_whatever_is_not_2xx_is_a_failure(sink: Sink, status: int) -> None:
    sink.answers = [status]
    async with Receiver(hook(sink.url), Pace()) as made:
        outcome = await made.post(ROW)
    assert (False, status, f"HTTP {status}") == (outcome.delivered, outcome.status, outcome.error)
    assert (status == 410) == outcome.gone


async def test_errors_are_short_and_hide_the_url(sink: Sink) -> None:
    forever = asyncio.Event()

    async def hang(_: web.Request) -> web.Response:
        await forever.wait()
        return web.Response()

    sink.answers = [hang]
    async with Receiver(hook(sink.url), Pace(timeout=0.05)) as made:
        assert "timed out" == (await made.post(ROW)).error
    forever.set()
    async with Receiver(hook(NOWHERE), Pace()) as made:
        assert "connection refused" == (await made.post(ROW)).error


async def test_w12_one_connection_is_kept_for_many_deliveries(sink: Sink) -> None:
    async with Receiver(hook(sink.url), Pace()) as made:
        for _ in range(10):
            await made.post(ROW)
    assert 1 == len(sink.connections)


async def test_w11_endpoints_that_hang_or_never_end_slow_no_other(shard: Shard, sink: Sink) -> None:
    bad, forever = Sink(), asyncio.Event()

    async def hang(_: web.Request) -> web.Response:
        await forever.wait()
        return web.Response()

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"x" * 100)
        await forever.wait()
        return response

    from tests.workers.delivery.conftest import listening

    async with listening(bad):
        bad.answers = [hang, endless] * 10
        both = (hook(bad.url, id="bad"), hook(sink.url))
        async with delivering(shard, *both, pace=Pace()) as running:
            await running.tell(*(str(n) for n in range(10)))
            await running.tell(*(str(n) for n in range(10)), chat=BOB)
            await sink.until(lambda: len(sink.taken) == 20)
            assert [] == bad.attempts  # which still hang
        forever.set()


async def test_a_name_server_that_hangs_holds_up_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    answering = threading.Event()

    def hang(*_: object, **__: object) -> list[object]:
        answering.wait()
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    async with Receiver(hook("http://nowhere.test/"), Pace(timeout=0.001)) as made:
        # As many as the loop has threads, and more: each leaves a lookup behind.
        assert {"timed out"} == {(await made.post(ROW)).error for _ in range(33)}
        async with asyncio.timeout(5):
            await asyncio.to_thread(answering.is_set)
    answering.set()


def test_what_the_receiver_asks_for_is_understood() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    assert 25 <= receiver._retry_after(soon) <= 30
    assert 120.0 == receiver._retry_after("120")
    for nonsense in (None, "", "-5", "soon", "1e3", "Wed, 21 Oct 2015 07:28:00 GMT"):
        assert 0.0 == receiver._retry_after(nonsense)


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({}, True),
        ({"events": ["MESSAGE"]}, True),
        ({"events": ["message.*"]}, True),
        ({"events": ["call.offer"]}, False),
        ({"ignore_jids": ["a@g.us"]}, False),
        ({"ignore_jids": ["@lid"]}, False),
        ({"ignore_jids": ["A@g.us", "@s.whatsapp.net", "b"]}, True),
    ],
)
async def test_filters_and_ignored_jids(changes: dict[str, list[str]], wanted: bool) -> None:
    assert wanted == Receiver(hook(NOWHERE, **changes), Pace()).wants(ROW)


async def test_status_posts_are_never_delivered() -> None:
    made = Receiver(hook(NOWHERE), Pace())
    assert not made.wants(LogRow(1, "e", "message", "status@broadcast", b"{}"))
    assert made.wants(LogRow(1, "e", "message", GROUP, b"{}"))
