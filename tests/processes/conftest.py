"""One gateway with two paired devices for all tests of real processes: it heals after each of them."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from tests.harness import Answer, Endpoint, Gateway, endpoint, free_port, gateway
from wagateway.commands import sandbox


class World(msgspec.Struct, frozen=True):
    """The gateway, its webhook endpoint, two paired devices and a phone outside."""

    gateway: Gateway
    sink: Endpoint
    alice: str
    bob: str
    alice_number: str
    bob_number: str
    carol_number: str
    pages_port: int


async def post(world: World, path: str, **body: Any) -> Answer:
    """The answer to Alice."""
    return await world.gateway.call("POST", path, world.alice, json=body)


async def get(world: World, path: str, **query: str) -> Answer:
    """The answer to Alice."""
    return await world.gateway.call("GET", path, world.alice, params=query)


async def ask(world: World, command: Any) -> Any:
    """What the sandbox answers."""
    return await world.gateway.sandbox.ask(command, 20)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    folder: Path = tmp_path_factory.mktemp("gateway")
    pages_port = free_port()
    # Web pages for links and files by URL are served on 127.0.0.2, the only loopback address that is allowed.
    egress = ("--egress-allow=127.0.0.2/32", f"--egress-ports=80,443,{pages_port}")
    async with endpoint() as (sink, url), gateway(folder, f"--webhook={url}", *egress) as running:
        await running.pair("alice", "628111000001")
        await running.pair("bob", "628111000002")
        await running.sandbox.ask(sandbox.AddPhone(phone="628111000003", name="Carol"), 10)
        numbers = ("628111000001", "628111000002", "628111000003")
        yield World(running, sink, "alice", "bob", *numbers, pages_port)
