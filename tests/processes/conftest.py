"""One gateway with two paired devices for all tests of real processes: it heals after each of them."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from tests.harness import Endpoint, Gateway, endpoint, gateway
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


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    folder: Path = tmp_path_factory.mktemp("gateway")
    async with endpoint() as (sink, url), gateway(folder, f"--webhook={url}") as running:
        await running.pair("alice", "628111000001")
        await running.pair("bob", "628111000002")
        await running.sandbox.ask(sandbox.AddPhone(phone="628111000003", name="Carol"), 10)
        yield World(running, sink, "alice", "bob", "628111000001", "628111000002", "628111000003")
