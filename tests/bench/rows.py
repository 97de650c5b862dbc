"""What is measured: each function takes a running gateway and yields rows."""

import asyncio
import itertools
import json
import os
import signal
import statistics
import time
from collections.abc import AsyncIterator
from datetime import datetime

import msgspec
import zmq

from tests.bench import load, memory
from tests.bench.report import Row, at_most, compared, told
from tests.harness import Endpoint, Gateway
from wagateway import wire
from wagateway.commands import sandbox
from wagateway.commands.app import GetConnectionStatus
from wagateway.link import Link

IDLE_SECONDS = 5.0


def quantile(values: list[float], at: float) -> float:
    """The value at a quantile of unsorted values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * at))]


async def paired_memory(running: Gateway, devices: list[str]) -> AsyncIterator[Row]:
    """PSS per device right after pairing: what pairing needed is not given back before a restart."""
    await asyncio.sleep(IDLE_SECONDS)  # idle is what it is after some time without an event
    value = statistics.median(memory.pss(running.table.rows[name].pid) for name in devices)
    yield at_most(f"PSS per device just paired ({len(devices)} devices)", value, "MB", 22)


async def idle_memory(running: Gateway, devices: list[str], plain: float) -> AsyncIterator[Row]:
    """PSS per connected idle device; the yardstick is a plain neonize process, `plain` MB."""
    await asyncio.sleep(IDLE_SECONDS)  # as above
    sizes = [memory.pss(running.table.rows[name].pid) for name in devices]
    value = statistics.median(sizes)
    yield at_most(f"PSS per connected idle device ({len(devices)} devices)", value, "MB", 22)
    yield compared("  against a plain neonize process", value, "MB", plain, most=1)


async def history(running: Gateway, device: str, phone: str, seconds: float) -> AsyncIterator[Row]:
    """RSS above idle a while after a history sync of about 6 MB."""
    pid = running.table.rows[device].pid
    before = memory.rss(pid)
    await running.sandbox.ask(sandbox.SendHistory(phone=phone, bytes=6_000_000), 60)
    await asyncio.sleep(seconds)  # the figure is defined by this time, there is no event to wait for
    assert pid == running.table.rows[device].pid, "the worker was replaced"
    yield at_most(
        f"RSS above idle {seconds:.0f} s after a 6 MB history sync", memory.rss(pid) - before, "MB", 50
    )


async def link_alone(running: Gateway, device: str) -> AsyncIterator[Row]:
    """The worker's answer without HTTP: this and a plain answer are the least that a proxied one costs."""
    spent = []
    with zmq.Context() as context, Link(context, wire.worker_socket(running.runtime, device)) as link:
        await link.connected.wait()
        for _ in range(2000):
            before = time.perf_counter()
            await link.ask(GetConnectionStatus(), 5)
            spent.append((time.perf_counter() - before) * 1000)
    yield told("  of which link and worker without HTTP, p50", statistics.median(spent), "ms")


async def status(port: int, device: str, seconds: float) -> AsyncIterator[Row]:
    """GET /app/status through front and worker, against the same front answering by itself."""
    plain = load.request("GET", "/app/info", device)
    through = load.request("GET", "/app/status", device)
    rounds: dict[tuple[bytes, int], list[load.Load]] = {}
    for _, kind, connections in itertools.product(range(3), (plain, through), (1, 64)):
        got = await load.run(port, connections, seconds=seconds, make=lambda kind=kind: kind)  # type: ignore[misc]
        assert got.failed == 0
        rounds.setdefault((kind, connections), []).append(got)

    def median_of(kind: bytes, connections: int, figure: str) -> float:
        return statistics.median(getattr(one, figure) for one in rounds[kind, connections])

    yield compared(
        "GET /app/status p50, 1 connection",
        median_of(through, 1, "median"),
        "ms",
        median_of(plain, 1, "median"),
        most=2.5,
    )
    yield compared(
        "GET /app/status, 64 connections",
        median_of(through, 64, "rate"),
        "req/s",
        median_of(plain, 64, "rate"),
        least=0.6,
    )


class Bare(msgspec.Struct, frozen=True):
    """A bare neonize client in a loop in its own process: sends per second, median milliseconds."""

    rate: float
    median: float
    pss: float


async def sending(port: int, device: str, to: str, bare: list[Bare], count: int) -> AsyncIterator[Row]:
    """POST /send/message of one device against a bare client in a loop."""
    number = itertools.count()

    def make() -> bytes:
        body = {"phone": to, "message": f"bench {next(number)}"}
        return load.request("POST", "/send/message", device, json.dumps(body).encode())

    one = await load.run(port, 1, seconds=60, make=make, most=count)
    many = await load.run(port, 4, seconds=60, make=make, most=count)
    assert one.failed == many.failed == 0
    rate = statistics.median(each.rate for each in bare)
    median = statistics.median(each.median for each in bare)
    yield compared("POST /send/message, one device", many.rate, "send/s", rate, least=0.85)
    yield at_most("POST /send/message p50 added by the gateway", one.median - median, "ms", 1.5)


class Filed(msgspec.Struct, frozen=True):
    """One sort of file to send: what it is called in the table, its route, and its bytes.

    With `differing` a few bytes after its end make each one another file.
    """

    called: str
    path: str
    field: str
    kind: str
    name: str
    content: bytes
    count: int
    options: dict[str, str]
    differing: bool = False


async def filing(
    running: Gateway, port: int, device: str, to: str, bare: Bare, filed: Filed
) -> AsyncIterator[Row]:
    """Files sent by one device against a bare client that uploads and sends; and the memory left behind."""
    number = itertools.count()

    def make() -> bytes:
        content = filed.content + (next(number).to_bytes(4) if filed.differing else b"")
        part = (filed.field, filed.name, filed.kind, content)
        return load.multipart(filed.path, device, {"phone": to, **filed.options}, part)

    pid = running.table.rows[device].pid
    before = memory.rss(pid)
    got = await load.run(port, 8, seconds=120, make=make, most=filed.count)
    assert got.failed == 0
    yield compared(f"{filed.called}, one device", got.rate, "send/s", bare.rate, least=0.8)
    await asyncio.sleep(IDLE_SECONDS * 2)  # what is not given back by then is taken as kept
    assert pid == running.table.rows[device].pid, "the worker was replaced"
    kept = memory.rss(pid) - before
    yield at_most(f"  RSS above idle after {filed.count} of them", kept, "MB", 5)


async def receiving(
    running: Gateway, sink: Endpoint, phone: str, number: str, rate: float, count: int
) -> AsyncIterator[Row]:
    """From the phone's send to the webhook's receipt; the text carries the time of sending."""
    first = len(sink.received)
    await running.sandbox.ask(
        sandbox.PhoneSendText(phone=phone, to=number, text="bench {monotonic}", count=count, rate=rate), 120
    )
    await sink.until(lambda it: len(it.received) >= first + count, within=60)
    delays = []
    for arrived, _, body in sink.received[first:]:
        text = json.loads(body)["payload"]["body"]
        delays.append((arrived - float(text.split()[1])) * 1000)
    yield at_most(f"incoming message to webhook p50, {rate:.0f}/s", quantile(delays, 0.5), "ms", 8)
    yield at_most(f"incoming message to webhook p99, {rate:.0f}/s", quantile(delays, 0.99), "ms", 40)


async def crashes(running: Gateway, port: int, devices: list[str], kills: int) -> AsyncIterator[Row]:
    """Kill -9 of one worker while the others are asked without a pause."""
    victim, *others = devices
    turn = itertools.cycle(others)

    def make() -> bytes:
        return load.request("GET", "/app/status", next(turn))

    calm = await load.run(port, 4, seconds=3, make=make)
    stop = asyncio.create_task(load.run(port, 4, seconds=kills * 0.5, make=make))
    detected, answering, back = [], [], []
    for _ in range(kills):
        one = await _kill(running, victim)
        detected.append(one[0])
        answering.append(one[1])
        back.append(one[2])
    busy = await stop
    n = len(devices)
    yield at_most(f"kill -9 of 1 of {n}: detected p50", quantile(detected, 0.5), "ms", 10)
    yield at_most(f"kill -9 of 1 of {n}: process answering p50", quantile(answering, 0.5), "ms", 60)
    yield at_most(f"kill -9 of 1 of {n}: logged in again p50", quantile(back, 0.5), "ms", 500)
    yield at_most(
        f"  failed requests on the other {n - 1} ({len(busy.latencies)} asked)", busy.failed, "", 0.5
    )
    yield compared("  their p99", busy.at(0.99), "ms", calm.at(0.99), most=2)


async def _kill(running: Gateway, victim: str) -> tuple[float, float, float]:
    """Milliseconds until the supervisor logs the death, its successor answers and is logged in."""
    pid = running.table.rows[victim].pid
    now, begin = time.time(), time.perf_counter()
    os.kill(pid, signal.SIGKILL)
    await running.table.until(lambda rows: rows[victim].pid != pid, 5)
    await running.table.until(lambda rows: rows[victim].worker == "running", 5)
    answering = time.perf_counter()
    await running.logged_in(victim)
    back = time.perf_counter()
    died = logged(running, "worker.died", pid)
    return (died - now) * 1000, (answering - begin) * 1000, (back - begin) * 1000


def logged(running: Gateway, event: str, pid: int) -> float:
    """Unix seconds of the newest log line about an event of a process."""
    lines = (running.storage / "logs" / "wagateway.jsonl").read_text().splitlines()
    entries = (json.loads(line) for line in reversed(lines))
    entry = next(entry for entry in entries if entry["event"] == event and entry.get("pid") == pid)
    return datetime.fromisoformat(entry["timestamp"]).timestamp()
