"""A webhook endpoint that does what the test says, events to deliver, and a delivery at work."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec
import pytest
from aiohttp import web

from tests.workers.conftest import ALICE, Who
from wagateway.commands.internal import Hook
from wagateway.events import Kind
from workers.delivery import Delivery, Pace
from workers.head import Head
from workers.shard import Shard
from workers.shard import log as event_log

SECRET = "whsec_a2tra2tra2tra2tra2tra2tra2tra2tr"
FAST = Pace(first=0.001, longest=0.002, longest_asked=0.01, timeout=0.5)
NOWHERE = "http://127.0.0.1:1/hook"
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Said(msgspec.Struct, kw_only=True, omit_defaults=True):
    chat_id: str
    body: str
    sender: str = msgspec.field(default="", name="from")
    chat_lid: str = ""


class Sink:
    """`answers` are used up first, then `judge` says the status of each event."""

    def __init__(self) -> None:
        self.url = ""
        self.answers: list[int | Answer] = []
        self.judge: Callable[[dict[str, Any]], int] = lambda _: 200
        self.attempts: list[tuple[dict[str, str], bytes]] = []
        self.taken: list[dict[str, Any]] = []
        self.connections: set[object] = set()
        self.busy = self.busiest = 0
        self._changed = asyncio.Condition()

    async def hook(self, request: web.Request) -> web.StreamResponse:
        self.busy += 1
        self.busiest = max(self.busy, self.busiest)
        body = await request.read()
        event = json.loads(body)
        self.connections.add(request.transport)
        answer = self.answers.pop(0) if self.answers else self.judge(event)
        response = await answer(request) if callable(answer) else web.Response(status=answer)
        self.busy -= 1
        async with self._changed:
            self.attempts.append((dict(request.headers), body))
            if response.status == 200:
                self.taken.append(event)
            self._changed.notify_all()
        return response

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10), self._changed:
            await self._changed.wait_for(condition)

    def texts(self, chat: str = "") -> list[str]:
        """Without repeats: who is stopped before it hears the answer delivers once more."""
        events = [event["payload"] for event in self.taken]
        return list(dict.fromkeys(one["body"] for one in events if chat in ("", one["chat_id"])))


@contextlib.asynccontextmanager
async def listening(sink: Sink, port: int = 0) -> AsyncIterator[int]:
    application = web.Application()
    application.router.add_post("/hook", sink.hook)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    bound: int = runner.addresses[0][1]
    sink.url = f"http://127.0.0.1:{bound}/hook"
    try:
        yield bound
    finally:
        await runner.cleanup()


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    made = Sink()
    async with listening(made):
        yield made


def hook(url: str, **changes: Any) -> Hook:
    return Hook(**({"id": "crm", "url": url, "secret": SECRET} | changes))


async def tell(
    shard: Shard, *texts: str, chat: str = ALICE, kind: str = "message", head: Head | None = None, **more: str
) -> int:
    """Append events; `head` hears of them."""
    told = Kind(kind, Said, "")

    def append(connection: Any) -> int:
        seq = 0
        for text in texts:
            seq = event_log.append(
                connection, Who(), told, chat, Said(chat_id=chat, body=text, sender=more.get("sender", ""))
            )
        return seq

    seq = await asyncio.wrap_future(shard.write(append))
    if head is not None:
        head.committed(seq)
    return seq


class Running:
    def __init__(self, shard: Shard, made: Delivery, head: Head) -> None:
        self.delivery = made
        self._shard = shard
        self._head = head

    async def tell(self, *texts: str, chat: str = ALICE, kind: str = "message", **more: str) -> int:
        return await tell(self._shard, *texts, chat=chat, kind=kind, head=self._head, **more)


async def until(condition: Callable[[], bool]) -> None:
    """Turns the loop until then."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  what is waited for has no event
            await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def delivering(shard: Shard, *hooks: Hook, pace: Pace = FAST) -> AsyncIterator[Running]:
    head = Head()
    made = await Delivery.open(shard, list(hooks), Who(), head, pace)
    task = asyncio.create_task(made.run())
    try:
        yield Running(shard, made, head)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
