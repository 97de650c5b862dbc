"""`make bench`: every figure against its own yardstick of the same run, one table, build/bench.json."""

import asyncio
import contextlib
import os
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path

from tests import samples
from tests.bench import bare, events, rows, stored
from tests.bench.report import HEADER, Row, at_most, show, write
from tests.bench.sink import sink as fast_sink
from tests.harness import endpoint, free_port, gateway
from wagateway.commands import sandbox

BUILD = Path("build")
DEVICES = [f"bench-{number:02}" for number in range(20)]
OUTSIDE = "628990000001"
SENDS = 300
_PICTURE = samples.jpeg(1280, 960, quality=30)
_SENT_AS = ("/send/image", "image", "image/jpeg", "bench.jpg", _PICTURE, 200)
_SIZE = f"{len(_PICTURE) // 1000} KB"
FILES = [
    rows.Filed(f"POST /send/image, {_SIZE}, each another", *_SENT_AS, {"compress": "false"}, differing=True),
    rows.Filed(f"POST /send/image, {_SIZE}, the same again", *_SENT_AS, {"compress": "false"}),
    rows.Filed(f"POST /send/image, {_SIZE}, the same, compressed", *_SENT_AS, {}),
    rows.Filed(
        "POST /send/file, 10 MB",
        *("/send/file", "file", "application/octet-stream", "bench.bin", bytes(10_000_000), 50),
        {},
        differing=True,
    ),
]


def number(device: str) -> str:
    """The phone number of a benchmark device."""
    return f"62877{int(device.split('-')[1]):07}"


async def collect(measured: AsyncIterator[Row], into: list[Row]) -> None:
    """Show rows as they come."""
    async for row in measured:
        into.append(row)
        print(show(row), flush=True)


async def paired(folder: Path, table: list[Row]) -> None:
    """The memory of devices that have just been paired; leaves 10 of them in the folder."""
    async with gateway(folder) as running:
        for device in DEVICES[:10]:
            await running.pair(device, number(device))
        await collect(rows.paired_memory(running, DEVICES[:10]), table)


async def warm(folder: Path, table: list[Row]) -> None:
    """Everything that is measured on a running gateway; leaves 20 paired devices in the folder."""
    port = free_port()
    async with (
        endpoint() as (sink, url),
        gateway(folder, f"--webhook={url}", "--webhook-events=message", port=port) as running,
    ):
        await running.sandbox.ask(sandbox.AddPhone(phone=OUTSIDE, name="Outside"), 10)
        await running.logged_in(*DEVICES[:10])
        first, second = DEVICES[:2]
        async with bare.client(running, "628980000001") as plain:
            await collect(rows.idle_memory(running, DEVICES[:10], plain.pss), table)
            await collect(rows.status(port, first, 2), table)
            await collect(rows.link_alone(running, first), table)
            rounds = [await plain.send(OUTSIDE, SENDS)]
            sending = rows.sending(port, first, OUTSIDE, rounds, SENDS)
            await collect(sending, table)
            for filed in FILES:
                file = folder / filed.name
                file.write_bytes(filed.content)
                kind = "image" if filed.field == "image" else "document"
                rate = await plain.send_file(OUTSIDE, file, kind, filed.count)
                await collect(rows.filing(running, port, first, OUTSIDE, rate, filed), table)
        await collect(rows.receiving(running, sink, OUTSIDE, number(first), 50, 500), table)
        for device in DEVICES[10:]:
            await running.pair(device, number(device))
        await collect(rows.crashes(running, port, DEVICES, 15), table)
        await collect(rows.history(running, second, number(second), 60), table)


async def cold(folder: Path, table: list[Row]) -> None:
    """From starting the daemon to all paired devices logged in."""
    begin = time.perf_counter()
    async with gateway(folder) as running:
        await running.logged_in(*DEVICES, within=30)
        seconds = time.perf_counter() - begin
        row = at_most("20 paired devices from cold start to logged in", seconds, "s", 4)
        table.append(row)
        print(show(row), flush=True)


async def full(folder: Path, table: list[Row]) -> None:
    """Pages and searches of two devices that have stored many messages."""
    small, large = ((device, number(device)) for device in DEVICES[4:6])
    stored.prepare(folder / "storages", small[0], large[0])
    port = free_port()
    async with gateway(folder, port=port) as running:
        await running.sandbox.ask(sandbox.AddPhone(phone=OUTSIDE, name="Outside"), 10)
        await running.logged_in(small[0], large[0])
        await collect(stored.reading(running, port, small, large, OUTSIDE), table)


async def readers(folder: Path, table: list[Row]) -> None:
    """Webhooks and WebSockets."""
    device = DEVICES[6]
    port = free_port()
    async with fast_sink() as (good, url):
        async with gateway(folder) as running:
            await running.logged_in(device)
            await events.paused(running, device, url)
        events.prepare(folder / "storages", device, number(device))
        async with gateway(folder, port=port) as running:
            await running.sandbox.ask(sandbox.AddPhone(phone=OUTSIDE, name="Outside"), 10)
            await running.logged_in(device)
            await collect(events.draining(running, port, device, OUTSIDE, good), table)
            await collect(events.neighbours(running, device, number(device), OUTSIDE), table)
            await collect(events.sockets(running, device), table)


async def main() -> None:
    """Run everything; whether a target was met is in its row."""
    folder = BUILD / "bench"
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder)
    table: list[Row] = []
    print(f"load average {os.getloadavg()[0]:.2f}, {os.cpu_count()} cores\n{HEADER}", flush=True)
    await paired(folder.resolve(), table)
    await warm(folder.resolve(), table)
    await cold(folder.resolve(), table)
    await readers(folder.resolve(), table)
    await full(folder.resolve(), table)
    write(table, BUILD / "bench.json")


if __name__ == "__main__":
    asyncio.run(main())
