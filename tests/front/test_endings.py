"""What a waiting request gets when a worker dies, time runs out or the front stops."""

import asyncio
import socket

import pytest

from tests.front.conftest import Stage, Staging
from wagateway.commands.sending import MessageSent

SEND = {"phone": "628123", "message": "hi"}


class Gate:
    """A handler that waits until it is let go on, and says when it is reached."""

    def __init__(self, stage: Stage) -> None:
        self.reached = asyncio.Event()
        self.open = asyncio.Event()
        stage.answers["SendMessage"] = stage.answers["GetConnectionStatus"] = self

    async def __call__(self, _: object) -> MessageSent:
        self.reached.set()
        await self.open.wait()
        return MessageSent("3EB0", "sent")


@pytest.fixture
async def device(stage: Stage) -> Stage:
    stage.add("a", jid="628111@s.whatsapp.net", worker="running")
    return stage


async def test_a_request_that_waits_for_a_worker_that_dies_is_503_at_once(device: Stage) -> None:
    gate = Gate(device)
    waiting = asyncio.create_task(device.call("POST", "/send/message", json=SEND))
    await gate.reached.wait()
    device.kill_worker("a")
    async with asyncio.timeout(10):  # and not when the request has taken too long
        answer = await waiting
    assert (503, "DEVICE_UNAVAILABLE", "1") == (answer.status, answer.code, answer.headers["Retry-After"])


async def test_status_of_a_worker_that_dies_comes_from_the_table(device: Stage) -> None:
    gate = Gate(device)
    waiting = asyncio.create_task(device.call("GET", "/app/status"))
    await gate.reached.wait()
    device.kill_worker("a")
    answer = await waiting
    assert (200, False) == (answer.status, answer.body["result"]["is_connected"])


async def test_a_request_between_two_workers_is_answered_by_the_second(device: Stage) -> None:
    assert 418 == (await device.call("GET", "/chats")).status
    device.kill_worker("a")
    while 200 != (await device.call("GET", "/app/status")).status:
        pass  # until the front has seen it: what it hands to a dying worker fails at once
    waiting = asyncio.create_task(device.call("GET", "/chats"))
    device.open_worker("a")
    assert (418, "ListChats") == ((answer := await waiting).status, answer.code)


async def test_a_worker_that_does_not_answer_is_504(staging: Staging) -> None:
    stage = await staging(request_timeout=0.1)
    stage.add("a", jid="628111@s.whatsapp.net", worker="running")
    Gate(stage)
    answer = await stage.call("POST", "/send/message", json=SEND)
    assert (504, "GATEWAY_TIMEOUT") == (answer.status, answer.code)


async def test_a_drain_waits_for_what_is_under_way_and_closes_its_connection(device: Stage) -> None:
    gate = Gate(device)
    waiting = asyncio.create_task(device.call("POST", "/send/message", json=SEND))
    await gate.reached.wait()
    draining = asyncio.create_task(device.drain())
    await asyncio.sleep(0)
    gate.open.set()
    answer = await waiting
    assert (200, "close") == (answer.status, answer.headers["Connection"])
    await draining


async def test_a_drain_answers_503_to_what_waits_too_long(device: Stage) -> None:
    gate = Gate(device)
    waiting = asyncio.create_task(device.call("POST", "/send/message", json=SEND))
    await gate.reached.wait()
    await device.drain(patience=0.05)
    answer = await waiting
    assert (503, "DEVICE_UNAVAILABLE", "1") == (answer.status, answer.code, answer.headers["Retry-After"])
    assert "not known" in answer.message


async def test_a_drain_answers_those_who_connected_before_it(device: Stage) -> None:
    clients = [socket.create_connection(("127.0.0.1", device.port)) for _ in range(20)]
    for client in clients:
        client.sendall(b"GET /app/info HTTP/1.1\r\nHost: x\r\n\r\n")
    await device.drain(grace=0.1)
    for client in clients:
        with client:
            client.settimeout(5)
            got = await asyncio.to_thread(client.makefile("rb").read)
        assert got.startswith(b"HTTP/1.1 200"), got


async def test_a_drain_takes_no_new_connections_and_ends_idle_ones(device: Stage) -> None:
    idle = socket.create_connection(("127.0.0.1", device.port))
    assert 200 == (await device.call("GET", "/app/info")).status
    await device.drain()
    with idle:
        assert b"" == await asyncio.to_thread(idle.recv, 1)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", device.port))


async def test_a_request_on_an_idle_connection_during_the_grace_is_answered(device: Stage) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", device.port)
    request = b"GET /app/info HTTP/1.1\r\nHost: x\r\n\r\n"
    writer.write(request)
    await reader.readuntil(b"}}")
    draining = asyncio.create_task(device.drain(grace=0.1))
    await device.listening_ends()
    writer.write(request)
    rest = await reader.read()
    assert rest.startswith(b"HTTP/1.1 200")
    assert b"Connection: close" in rest
    writer.close()
    await draining
