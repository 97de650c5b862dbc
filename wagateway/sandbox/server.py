"""The sandbox's process: proxy, commands, and an end when it is told to or its supervisor is gone."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import structlog
import zmq

from wagateway import wire
from wagateway.sandbox import control
from wagateway.sandbox.control import calls, history, messaging, newsletters, people
from wagateway.sandbox.identity import tls_context
from wagateway.sandbox.proxy import opener
from wagateway.sandbox.world import World
from wagateway.serve import Server, collect
from wagateway.spec import SandboxNetwork

log = structlog.get_logger()

_PORT = "port"
_DRAIN_SECONDS = 2.0


class Orders(msgspec.Struct, frozen=True):
    """How to run: data in `folder`, the command socket in `runtime`, `port` 0 for the same as last time.

    `life` is a descriptor that reads end-of-file when the supervisor is gone. `patience` is how many
    seconds to wait for another sandbox in the same folder to end. `ready` is a pipe to write to once
    clients are served.
    """

    folder: Path
    runtime: Path
    port: int = 0
    life: int | None = None
    patience: float = 5.0
    ready: int | None = None


async def run(orders: Orders) -> None:
    """Serve until SIGTERM, SIGINT or the end of `life`."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if orders.life is not None:
        loop.add_reader(orders.life, _watch, orders.life, stop)
    async with serving(orders) as network:
        log.info("sandbox.ready", proxy=network.proxy)
        if orders.ready is not None:
            os.write(orders.ready, b"1")
            os.close(orders.ready)
        await stop.wait()
    log.info("sandbox.stopped")


@contextlib.asynccontextmanager
async def serving(orders: Orders) -> AsyncIterator[SandboxNetwork]:
    """The sandbox while it serves, and how clients reach it."""
    world = World(orders.folder, orders.patience)
    with contextlib.closing(world):
        orders.runtime.mkdir(mode=0o700, parents=True, exist_ok=True)
        with zmq.Context() as context, _commands(context, orders, world) as commands:
            listener = await _listen(world, orders)
            try:
                yield announce(world, orders.folder, listener.sockets[0].getsockname()[1])
            finally:
                listener.close()
                await commands.drain(_DRAIN_SECONDS)


def _commands(context: "zmq.Context[zmq.Socket[bytes]]", orders: Orders, world: World) -> Server[World]:
    return Server(
        context,
        wire.sandbox_socket(orders.runtime),
        collect([control, calls, history, messaging, newsletters, people]),
        world,
    )


async def _listen(world: World, orders: Orders) -> asyncio.Server:
    loop = asyncio.get_running_loop()
    make = opener(world, tls_context(world.identity, orders.folder))
    remembered = int(world.disk.get(_PORT) or b"0")
    try:
        return await loop.create_server(make, "127.0.0.1", orders.port or remembered, backlog=1024)
    except OSError:
        if orders.port:
            raise
        return await loop.create_server(make, "127.0.0.1", 0, backlog=1024)


def announce(world: World, folder: Path, port: int) -> SandboxNetwork:
    """Write down how clients reach the network, once it can be reached."""
    world.disk.put(_PORT, str(port).encode)
    world.disk.flush()
    ca = folder.resolve() / "ca.pem"
    _write(ca, world.identity.ca)
    network = SandboxNetwork(f"http://127.0.0.1:{port}", world.identity.root.public.hex(), str(ca))
    _write(folder / "network.json", msgspec.json.encode(network))
    return network


def _write(path: Path, data: bytes) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_bytes(data)
    fresh.replace(path)


def _watch(descriptor: int, stop: asyncio.Event) -> None:
    if not os.read(descriptor, 64):
        asyncio.get_running_loop().remove_reader(descriptor)
        stop.set()
