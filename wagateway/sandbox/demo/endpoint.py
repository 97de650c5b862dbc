"""The demo's webhook: it checks every signature and shows what comes."""

import asyncio
import contextlib
import hashlib
import hmac
import json
import secrets
import socket
import time
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from aiohttp import web

from wagateway.sandbox.demo.telling import SECONDS, name_of, say


class Delivery(msgspec.Struct, frozen=True):
    """One text that the webhook got, and when (monotonic seconds)."""

    device: str
    text: str
    sender: str
    verified: bool
    at: float


class Endpoint:
    """The webhook: checks every signature, shows what came, and keeps it."""

    def __init__(self, secret: str) -> None:
        self.deliveries: list[Delivery] = []
        self.files: dict[tuple[str, str], str] = {}
        self.sent_at: dict[str, float] = {}
        self._secret = secret.encode()
        self._more = asyncio.Condition()

    async def answer(self, request: web.Request) -> web.Response:
        """Take one event."""
        raw = await request.read()
        expected = "sha256=" + hmac.new(self._secret, raw, hashlib.sha256).hexdigest()
        verified = hmac.compare_digest(expected, request.headers.get("X-Hub-Signature-256", ""))
        event = json.loads(raw)
        match event.get("event"):
            case "message":
                await self._take(event, verified)
            case "media.ready":
                await self._take_file(event)
        return web.Response(status=200 if verified else 401)

    async def until(self, count: int) -> None:
        """Returns when so many events came."""
        async with asyncio.timeout(SECONDS), self._more:
            await self._more.wait_for(lambda: len(self.deliveries) >= count)

    async def file(self, device: str, media_id: str) -> str:
        """Where the device serves a file that it received, once it is there."""
        async with asyncio.timeout(SECONDS), self._more:
            await self._more.wait_for(lambda: (device, media_id) in self.files)
        return self.files[device, media_id]

    async def _take_file(self, event: dict[str, Any]) -> None:
        payload = event["payload"]
        say("webhook", f"{event['session_id']} has the file {payload['media_id'][:16]}… of a message")
        async with self._more:
            self.files[event["session_id"], payload["media_id"]] = payload["path"]
            self._more.notify_all()

    async def _take(self, event: dict[str, Any], verified: bool) -> None:
        payload = event["payload"]
        sender = name_of(payload["from"])
        if payload["kind"] != "text":
            say("webhook", f"{event['session_id']} got a message of kind {payload['kind']} from {sender}")
            return
        delivery = Delivery(event["session_id"], payload["body"], sender, verified, time.monotonic())
        took = ""
        if sent := self.sent_at.get(delivery.text):
            took = f", {1000 * (delivery.at - sent):.0f} ms after it was sent"
        signature = "signature verified" if verified else "SIGNATURE WRONG"
        say("webhook", f"{delivery.device} got “{delivery.text}” from {sender}; {signature}{took}")
        async with self._more:
            self.deliveries.append(delivery)
            self._more.notify_all()


@contextlib.asynccontextmanager
async def listening() -> AsyncIterator[tuple[Endpoint, str, str]]:
    """A listening webhook, its secret and its URL."""
    secret = secrets.token_urlsafe(24)
    taken = Endpoint(secret)
    application = web.Application()
    application.router.add_post("/hook", taken.answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        await web.SockSite(runner, listener).start()
        try:
            yield taken, secret, f"http://127.0.0.1:{listener.getsockname()[1]}/hook"
        finally:
            await runner.cleanup()
