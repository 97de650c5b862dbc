"""A WebSocket client of the stage's front."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from yarl import URL

from tests.front.conftest import Stage

OPEN = aiohttp.ClientWSTimeout(ws_close=5)


@asynccontextmanager
async def listening(
    stage: Stage, query: str = "", path: str = "/ws", **options: Any
) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    url = URL(f"http://127.0.0.1:{stage.port}{path}?{query}", encoded=True)
    async with asyncio.timeout(15), stage.http.ws_connect(url, timeout=OPEN, **options) as client:
        yield client


async def refused(stage: Stage, query: str = "", **options: Any) -> int:
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        async with listening(stage, query, **options):
            pass
    return caught.value.status
