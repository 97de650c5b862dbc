"""WebSockets: frames, scoping, resuming, and clients that do not behave."""

import asyncio
import json
import socket

import aiohttp
import pytest

from tests.front.conftest import Stage, Staging
from tests.front.listening import listening, refused
from tests.front.logs import EARLIER, JID, Logs, result
from wagateway.front import streams


@pytest.fixture
async def logs(stage: Stage) -> Logs:
    return Logs(stage)


async def seqs(client: aiohttp.ClientWebSocketResponse, count: int) -> list[int]:
    return [result(await client.receive_str())["seq"] for _ in range(count)]


async def test_a_message_comes_as_the_guide_shows_it(stage: Stage, logs: Logs) -> None:
    log = logs.add("a")
    async with listening(stage, "device_id=a") as client:
        log.add("Hello!")
        told = json.loads(await client.receive_str())
    payload = {"id": "M1", "from": "628222@s.whatsapp.net", "content": "Hello!"}
    assert ("MESSAGE_RECEIVED", "New message received") == (told["code"], told["message"])
    assert {
        "device_id": "a",
        "event": "message",
        "seq": 1,
        "event_id": "evt_a_1",
        "timestamp": told["result"]["timestamp"],
        "jid": JID,
        "payload": payload,
        "message": payload,
    } == told["result"]


async def test_every_kind_has_its_code(stage: Stage, logs: Logs) -> None:
    log = logs.add("a")
    async with listening(stage) as client:
        for kind in ("device.paired", "device.logged_out", "brand.new"):
            log.add(kind=kind)
        told = [json.loads(await client.receive_str()) for _ in range(3)]
    assert ["LOGIN_SUCCESS", "DEVICE_LOGGED_OUT", "BRAND_NEW"] == [one["code"] for one in told]
    assert "brand.new" == told[2]["message"]
    assert "message" not in told[0]["result"]


async def test_w05_a_socket_hears_of_its_own_devices_only(stage: Stage, logs: Logs) -> None:
    a, b, c = (logs.add(name) for name in "abc")
    async with listening(stage, "device_id=a") as one, listening(stage, "device_id=b,c") as two:
        b.add()
        a.add()
        c.add()
        assert "a" == result(await one.receive_str())["device_id"]
        assert {"b", "c"} == {result(await two.receive_str())["device_id"] for _ in "bc"}
        a.add()
        told = result(await one.receive_str())
        assert ("a", 2) == (told["device_id"], told["seq"])
        await two.send_json({"code": "FETCH_DEVICES"})
        listed = json.loads(await two.receive_str())
        assert ["b", "c"] == [one["device"] for one in listed["result"]]


async def test_w04_a_socket_that_does_not_read_slows_nobody_and_goes_on_without_a_gap(
    staging: Staging, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "MOST", 2)
    stage = await staging(stalled=0.3)
    log = Logs(stage).add("a")
    total = 400
    with await upgraded(stage, "device_id=a") as bad:
        async with listening(stage) as good:
            for number in range(total):
                log.add("x" * 20_000 + str(number))
            assert list(range(1, total + 1)) == await seqs(good, total)
            await room_for_another(stage)
            log.add()
            assert [total + 1] == await seqs(good, 1)
        assert b'"seq":%d,' % total not in await asyncio.to_thread(bad.makefile("rb").read)
    async with listening(stage, "device_id=a&after=5") as again:
        assert list(range(6, total + 2)) == await seqs(again, total - 4)


async def room_for_another(stage: Stage) -> None:
    while True:
        try:
            async with listening(stage):
                return
        except aiohttp.WSServerHandshakeError as error:
            if error.status != 503:
                raise


async def upgraded(stage: Stage, query: str) -> socket.socket:
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", stage.port))
    client.sendall(
        f"GET /ws?{query} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n".encode()
    )
    assert (await asyncio.to_thread(client.recv, 1000)).startswith(b"HTTP/1.1 101")
    return client


async def test_after_resumes_and_joins_what_happens(stage: Stage, logs: Logs) -> None:
    log = logs.add("a")
    for _ in range(600):
        log.add()
    async with listening(stage, "device_id=a&after=3") as client:
        assert [4, 5] == await seqs(client, 2)
        log.add()
        assert list(range(6, 602)) == await seqs(client, 596)


async def test_of_large_stored_events_few_are_asked_for_at_once(stage: Stage, logs: Logs) -> None:
    log = logs.add("a")
    for _ in range(40):
        log.add("small", timestamp=EARLIER)
    for _ in range(20):
        log.add("x" * 50_000, timestamp=EARLIER)
    async with listening(stage, "after=1") as client:
        assert list(range(2, 61)) == await seqs(client, 59)
    limits = {one.after: one.limit for one in log.asked if not one.wait}
    assert 2 == limits[58]
    assert max(limits.values()) > 8


async def test_after_a_number_of_a_log_that_is_no_more_it_begins_with_now(stage: Stage, logs: Logs) -> None:
    log = logs.add("a")
    log.add(timestamp=EARLIER)
    async with listening(stage, "device_id=a&after=99") as client:
        log.add()
        assert [2] == await seqs(client, 1)


async def test_without_after_only_what_happens_from_now_on_comes(stage: Stage, logs: Logs) -> None:
    log = logs.add("a")
    log.add(timestamp=EARLIER)
    async with listening(stage) as client:
        log.add()
        assert [2] == await seqs(client, 1)


async def test_what_is_not_kept_any_more_is_told_first(stage: Stage, logs: Logs) -> None:
    log = logs.add("a")
    for _ in range(10):
        log.add(timestamp=EARLIER)
    log.oldest = 8
    async with listening(stage, "after=2") as client:
        told = json.loads(await client.receive_str())
        assert "EVENTS_MISSED" == told["code"]
        assert {"device_id": "a", "missed": 5, "oldest": 8} == told["result"]
        assert [8, 9, 10] == await seqs(client, 3)


async def test_only_the_wanted_kinds_come(stage: Stage, logs: Logs) -> None:
    log = logs.add("a")
    log.add()
    log.add(kind="device.paired")
    async with listening(stage, "after=0&events=device.*,Call.Offer") as client:
        assert [2] == await seqs(client, 1)
        log.add()
        log.add(kind="call.offer")
        assert [4] == await seqs(client, 1)


async def test_nothing_is_lost_or_doubled_over_restarts_of_the_worker(stage: Stage, logs: Logs) -> None:
    log = logs.add("a")
    async with listening(stage) as client:
        log.add()
        assert [1] == await seqs(client, 1)
        for seq in range(2, 6):
            await log.polled()
            stage.kill_worker("a")
            log.add()
            stage.open_worker("a")
            assert [seq] == await seqs(client, 1)


async def test_a_device_without_worker_is_not_started_and_heard_of_when_it_is(
    stage: Stage, logs: Logs
) -> None:
    log = logs.add("a", worker="stopped")
    for _ in range(3):
        log.add(timestamp=EARLIER)
    async with listening(stage, "device_id=*") as client:
        await client.send_json({"code": "FETCH_DEVICES"})
        assert [{"name": "", "device": "a", "jid": JID}] == json.loads(await client.receive_str())["result"]
        assert [] == stage.asked
        log.add(kind="device.state")
        stage.add("a", jid=JID, worker="running")
        assert [4] == await seqs(client, 1)


async def test_a_star_is_for_devices_to_come_too(stage: Stage, logs: Logs) -> None:
    async with listening(stage, "device_id=*") as client:
        for name in ("a", "b"):
            logs.add(name).add()
            assert name == result(await client.receive_str())["device_id"]


async def test_a_socket_ends_with_its_device_after_all_it_told(stage: Stage, logs: Logs) -> None:
    log = logs.add("a")
    logs.add("b")
    async with listening(stage, "device_id=a") as client:
        log.add(kind="device.logged_out")
        assert [1] == await seqs(client, 1)
        stage.remove("a")
        assert (aiohttp.WSMsgType.CLOSE, 1000) == ((end := await client.receive()).type, end.data)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("no JSON", 1007),
        (b"bytes", 1003),
        (json.dumps({"code": "x" * 5000}), 1009),
    ],
)
async def test_who_says_what_is_no_json_or_too_long_is_closed_alone(
    stage: Stage, logs: Logs, said: str | bytes, code: int
) -> None:
    log = logs.add("a")
    async with listening(stage) as good, listening(stage) as bad:
        await (bad.send_str(said) if isinstance(said, str) else bad.send_bytes(said))
        assert code == (await bad.receive()).data
        log.add()
        assert [1] == await seqs(good, 1)


@pytest.mark.parametrize("said", ['{"code":"PING"}', '{"code":7}', "{}", "[]"])
async def test_who_says_an_unknown_code_is_told_so_and_stays(stage: Stage, logs: Logs, said: str) -> None:
    log = logs.add("a")
    async with listening(stage) as client:
        await client.send_str(said)
        told = json.loads(await client.receive_str())
        assert ("VALIDATION_ERROR", "code: must be FETCH_DEVICES.") == (told["code"], told["message"])
        log.add()
        assert [1] == await seqs(client, 1)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 400),
        ("device_id=c", 404),
        ("device_id=a,b&after=1", 400),
        ("device_id=*&after=1", 400),
        ("device_id=a&after=-1", 400),
        ("device_id=a&events=nonsense", 400),
        ("device_id=a&nonsense=1", 400),
    ],
)
async def test_what_cannot_be_listened_to_is_refused_before_the_upgrade(
    stage: Stage, logs: Logs, query: str, status: int
) -> None:
    logs.add("a")
    logs.add("b")
    assert status == await refused(stage, query)


async def test_the_header_names_devices_too(stage: Stage, logs: Logs) -> None:
    log = logs.add("a")
    logs.add("b")
    async with listening(stage, headers={"X-Device-Id": "a"}) as client:
        log.add()
        assert "a" == result(await client.receive_str())["device_id"]


async def test_without_an_upgrade_it_is_426(stage: Stage) -> None:
    answer = await stage.call("GET", "/ws")
    assert (426, "UPGRADE_REQUIRED") == (answer.status, answer.code)


async def test_the_base_path_is_before_it(staging: Staging) -> None:
    stage = await staging(base_path="/wa")
    log = Logs(stage).add("a")
    async with listening(stage, path="/wa/ws") as client:
        log.add()
        assert [1] == await seqs(client, 1)
    assert 404 == await refused(stage)


async def test_sockets_are_closed_at_once_when_the_front_stops(stage: Stage, logs: Logs) -> None:
    logs.add("a")
    async with listening(stage) as one, listening(stage, "device_id=*") as two:
        draining = asyncio.create_task(stage.drain(patience=60.0))
        assert (1001, 1001) == ((await one.receive()).data, (await two.receive()).data)
        await draining
