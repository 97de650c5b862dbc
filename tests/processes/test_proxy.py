"""A device with a proxy of its own: everything between it and WhatsApp goes through that."""

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest

from tests import samples
from tests.harness import free_port
from tests.processes.conftest import World
from wagateway.commands import sandbox
from wagateway.spec import SandboxNetwork

pytestmark = pytest.mark.asyncio(loop_scope="session")

USER, PASSWORD = "dora", "p4ss.w0rd"
_TOKEN = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


class Counting:
    """Forwards each connection to the sandbox's own proxy; `hosts` are those that were asked for."""

    def __init__(self, onwards: str) -> None:
        place = urlsplit(onwards)
        self._onwards = str(place.hostname), int(place.port or 0)
        self.hosts: list[str] = []
        self.refused = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.readexactly(1)
        onwards: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            if first == b"\x05":
                onwards = await self._socks(reader, writer)
            else:
                onwards = await self._connect(first + await reader.readuntil(b"\r\n\r\n"))
            if onwards is not None:
                await asyncio.gather(_pipe(reader, onwards[1]), _pipe(onwards[0], writer))
        writer.close()

    async def _connect(self, head: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        if f"Basic {_TOKEN}".encode() not in head:
            self.refused += 1
            return None
        self.hosts.append(head.split()[1].decode().rpartition(":")[0])
        onwards = await asyncio.open_connection(*self._onwards)
        onwards[1].write(head)
        return onwards

    async def _socks(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        await reader.readexactly((await reader.readexactly(1))[0])
        writer.write(b"\x05\x02")
        await reader.readexactly(1)
        user = await reader.readexactly((await reader.readexactly(1))[0])
        password = await reader.readexactly((await reader.readexactly(1))[0])
        assert (USER, PASSWORD) == (user.decode(), password.decode())
        writer.write(b"\x01\x00")
        _, _, _, kind = await reader.readexactly(4)
        assert 3 == kind, "the name is looked up here, not at the proxy"
        host = (await reader.readexactly((await reader.readexactly(1))[0])).decode()
        port = int.from_bytes(await reader.readexactly(2), "big")
        self.hosts.append(host)
        onwards = await asyncio.open_connection(*self._onwards)
        onwards[1].write(f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        await onwards[0].readuntil(b"\r\n\r\n")
        writer.write(b"\x05\x00\x00\x01" + bytes(6))
        return onwards


async def _pipe(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
    finally:
        sink.close()


@contextlib.asynccontextmanager
async def counting(world: World) -> AsyncIterator[tuple[Counting, str]]:
    """A proxy that wants a password, and its place."""
    found = (world.gateway.storage / "sandbox" / "network.json").read_bytes()
    made = Counting(msgspec.json.decode(found, type=SandboxNetwork).proxy)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield made, f"{USER}:{PASSWORD}@127.0.0.1:{port}"
    finally:
        server.close()


async def new_device(world: World, device: str, number: str, proxy: str) -> None:
    await world.gateway.call("POST", "/devices", json={"device_id": device})
    put = await world.gateway.call("PUT", f"/devices/{device}/proxy", json={"proxy": proxy})
    assert 200 == put.status, put.body
    assert PASSWORD not in str(put.body)
    await world.gateway.pair(device, number)


async def gone(world: World, device: str) -> None:
    await world.gateway.call("DELETE", f"/devices/{device}")


def logs(world: World) -> str:
    texts = [path.read_text() for path in (world.gateway.storage / "logs").glob("*.jsonl*")]
    return "".join([*texts, (world.gateway.storage.parent / "daemon.log").read_text()])


async def file_of(world: World, device: str, number: str) -> Any:
    """Carol sends the device a picture, which it downloads."""
    command = sandbox.PhoneSendMedia(
        phone=world.carol_number, to=number, kind="image", data=samples.jpeg(64, 64)
    )
    (sent,) = (await world.gateway.sandbox.ask(command, 20)).ids

    def ready() -> bool:
        told = [one for one in world.sink.events("media.ready") if one["session_id"] == device]
        return any(sent == one["payload"]["message_id"] for one in told)

    await world.sink.until(lambda _: ready())


@pytest.mark.parametrize(("scheme", "number"), [("http", "628111000031"), ("socks5", "628111000032")])
async def test_all_traffic_of_a_device_goes_through_its_proxy(world: World, scheme: str, number: str) -> None:
    device = f"behind-{scheme}"
    async with counting(world) as (proxy, place):
        await new_device(world, device, number, f"{scheme}://{place}")
        assert "web.whatsapp.com" in proxy.hosts
        sent = await world.gateway.send(device, world.carol_number, "through the proxy")
        assert 200 == sent.status, sent.body
        before = len(proxy.hosts)
        await file_of(world, device, number)
        assert any("mmg" in host or "media" in host for host in proxy.hosts[before:]), proxy.hosts
        assert 0 == proxy.refused
        shown = await world.gateway.call("GET", f"/devices/{device}/proxy")
        assert PASSWORD not in str(shown.body)
        await gone(world, device)
    assert PASSWORD not in logs(world)


async def test_a_dead_proxy_holds_up_its_device_and_no_other(world: World) -> None:
    number, device = "628111000033", "behind-nothing"
    await world.gateway.pair(device, number)
    pid = world.gateway.table.rows[world.alice].pid
    dead = f"http://{USER}:{PASSWORD}@127.0.0.1:{free_port()}"
    put = await world.gateway.call("PUT", f"/devices/{device}/proxy", json={"proxy": dead})
    assert 200 == put.status, put.body
    await world.gateway.table.until(lambda rows: rows[device].state != "logged_in", 10)
    answer = await world.gateway.send(device, world.carol_number, "nobody hears me")
    assert 503 == answer.status, answer.body
    assert PASSWORD not in str(answer.body)
    sent = await world.gateway.send(world.alice, world.carol_number, "still here")
    assert (200, pid) == (sent.status, world.gateway.table.rows[world.alice].pid)
    given_up = await world.gateway.call("PUT", f"/devices/{device}/proxy", json={"proxy": ""})
    assert 200 == given_up.status
    await world.gateway.logged_in(device)
    await gone(world, device)
    assert PASSWORD not in logs(world)


async def test_a_login_through_a_dead_proxy_says_that_nobody_was_reached(world: World) -> None:
    device = "never-linked"
    await world.gateway.call("POST", "/devices", json={"device_id": device})
    dead = f"http://127.0.0.1:{free_port()}"
    put = await world.gateway.call("PUT", f"/devices/{device}/proxy", json={"proxy": dead})
    assert 200 == put.status, put.body
    answer = await world.gateway.call("GET", f"/devices/{device}/login")
    assert (503, "DEVICE_UNAVAILABLE") == (answer.status, answer.body["code"])
    assert "or the proxy on the way to it, cannot be reached" in answer.body["message"]
    await gone(world, device)
