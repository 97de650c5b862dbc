"""`make demo`: the real gateway on the sandbox, two accounts that talk, and a webhook that listens."""

import asyncio
import contextlib
import hashlib
import hmac
import json
import os
import secrets
import shutil
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import zmq
from aiohttp import web

from wagateway import wire
from wagateway.commands.sandbox import AddPhone, ScanQr
from wagateway.contract import Command
from wagateway.link import Link

_SECONDS = 30.0
_NUMBERS = {"ann": "628111000001", "bob": "628111000002"}
_TALK = (
    ("ann", "bob", "Hello Bob, this went through the HTTP API."),
    ("bob", "ann", "Hello Ann! And a webhook told me so."),
    ("ann", "bob", "Two accounts, two processes, no phone."),
)


class Stopped(Exception):
    """The demo cannot go on; the text says why."""


class Delivery(msgspec.Struct, frozen=True):
    """One event that the webhook got, and when (monotonic seconds)."""

    device: str
    text: str
    sender: str
    verified: bool
    at: float


class Endpoint:
    """The webhook: checks every signature, shows what came, and keeps it."""

    def __init__(self, secret: str) -> None:
        self.deliveries: list[Delivery] = []
        self.sent_at: dict[str, float] = {}
        self._secret = secret.encode()
        self._more = asyncio.Condition()

    async def answer(self, request: web.Request) -> web.Response:
        """Take one event."""
        raw = await request.read()
        expected = "sha256=" + hmac.new(self._secret, raw, hashlib.sha256).hexdigest()
        verified = hmac.compare_digest(expected, request.headers.get("X-Hub-Signature-256", ""))
        event = json.loads(raw)
        if event.get("event") == "message":
            await self._take(event, verified)
        return web.Response(status=200 if verified else 401)

    async def until(self, count: int) -> None:
        """Returns when so many events came."""
        async with asyncio.timeout(_SECONDS), self._more:
            await self._more.wait_for(lambda: len(self.deliveries) >= count)

    async def _take(self, event: dict[str, Any], verified: bool) -> None:
        payload = event["payload"]
        sender = _name(payload["from"])
        delivery = Delivery(event["session_id"], payload["body"], sender, verified, time.monotonic())
        took = ""
        if sent := self.sent_at.get(delivery.text):
            took = f", {1000 * (delivery.at - sent):.0f} ms after it was sent"
        signature = "signature verified" if verified else "SIGNATURE WRONG"
        say("webhook", f"{delivery.device} got “{delivery.text}” from {sender}; {signature}{took}")
        async with self._more:
            self.deliveries.append(delivery)
            self._more.notify_all()


class Gateway:
    """The running gateway as a client sees it."""

    def __init__(self, http: aiohttp.ClientSession, sandbox: Link, url: str) -> None:
        self._http = http
        self._sandbox = sandbox
        self.url = url

    async def call(self, method: str, path: str, body: object = None, device: str = "") -> Any:
        """The result of one request; raises `Stopped` for a failure."""
        headers = {"X-Device-Id": device} if device else {}
        async with self._http.request(method, self.url + path, json=body, headers=headers) as response:
            envelope = await response.json()
        if response.status != 200:
            raise Stopped(f"{method} {path}: {response.status} {envelope}")
        return envelope["results"]

    async def phone(self, command: Command[Any]) -> None:
        """Have a virtual phone do something."""
        await self._sandbox.ask(command, _SECONDS)

    async def pair(self, device: str) -> None:
        """Create a device and link it to its phone by QR code."""
        number = _NUMBERS[device]
        await self.call("POST", "/devices", {"device_id": device})
        say(device, "created: POST /devices")
        login = await self.call("GET", f"/devices/{device}/login")
        say(device, f"QR code: GET /devices/{device}/login → {login['qr_code'][:24]}…")
        await self.phone(AddPhone(phone=number, name=device.title()))
        scanned = time.monotonic()
        await self.phone(ScanQr(phone=number, qr=login["qr_code"]))
        status = await self._logged_in(device)
        took = time.monotonic() - scanned
        say(device, f"phone +{number} scanned it: logged in as {status['jid']} after {took:.1f} s")

    async def _logged_in(self, device: str) -> Any:
        async with asyncio.timeout(_SECONDS):
            while True:
                status = await self.call("GET", f"/devices/{device}/status")
                if status["is_logged_in"]:
                    return status
                await asyncio.sleep(0.05)


def say(who: str, what: str) -> None:
    """One line of the transcript."""
    sys.stdout.write(f"{time.strftime('%H:%M:%S')}  {who:<11}{what}\n")
    sys.stdout.flush()


def main() -> int:
    """Run the demo; returns the exit code."""
    try:
        return asyncio.run(_demo(int(os.environ.get("DEMO_PORT", "3000")), bool(os.environ.get("DEMO_ONCE"))))
    except (Stopped, TimeoutError, aiohttp.ClientError) as stopped:
        sys.stderr.write(f"demo: {stopped or 'something took too long'}\n")
        return 1


async def _demo(port: int, once: bool) -> int:
    over = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    folder = _fresh_folder()
    say("demo", "two WhatsApp accounts on a simulated network; nothing leaves this machine")
    async with (
        _endpoint() as (endpoint, secret, hook),
        _gateway(folder, port, secret, hook) as (gateway, ended),
    ):
        show = asyncio.create_task(_show(gateway, endpoint))
        stop = asyncio.create_task(over.wait())
        await asyncio.wait({show, stop, ended}, return_when=asyncio.FIRST_COMPLETED)
        if not show.done():
            show.cancel()
            raise Stopped("interrupted" if stop.done() else _last_words(folder))
        summary = show.result()
        if not once:
            _invite(gateway.url, folder)
            await asyncio.wait({stop, ended}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
    sys.stdout.write(summary + "\n")
    return 0


async def _show(gateway: Gateway, endpoint: Endpoint) -> str:
    for device in _NUMBERS:
        await gateway.pair(device)
    sent = 0
    for sender, receiver, text in _TALK:
        endpoint.sent_at[text] = time.monotonic()
        body = {"phone": _NUMBERS[receiver], "message": text}
        say(f"{sender} → {receiver}", f"POST /send/message “{text}”")
        reply = await gateway.call("POST", "/send/message", body, device=sender)
        say("", f"WhatsApp has it: message {reply['message_id']}")
        sent += 1
        await endpoint.until(sent)
    received = 0
    for device, other in (("ann", "bob"), ("bob", "ann")):
        page = await gateway.call("GET", f"/chat/{_NUMBERS[other]}/messages", device=device)
        got = [message for message in page["data"] if not message["is_from_me"]]
        say(device, f"has {len(got)} received of {page['pagination']['total']} messages in this chat")
        received += len(got)
    hooked = sum(delivery.verified for delivery in endpoint.deliveries)
    summary = f"demo: {len(_NUMBERS)} devices, {sent} sent, {received} received, {hooked} webhooks"
    if not sent == received == hooked == len(_TALK):
        raise Stopped(f"this does not add up: {summary}")
    return summary


def _invite(url: str, folder: Path) -> None:
    sys.stdout.write(f"""
Both accounts stay up. Try in another terminal:

  curl {url}/devices
  curl {url}/send/message -H 'X-Device-Id: ann' -H 'Content-Type: application/json' \\
       -d '{{"phone": "{_NUMBERS["bob"]}", "message": "Hello from curl"}}'
  curl '{url}/chat/{_NUMBERS["ann"]}/messages?limit=5' -H 'X-Device-Id: bob'
  {Path(sys.executable).with_name("wagatewayctl")} --storage {folder}/storages status

What the webhook gets appears here. Ctrl-C stops everything.

""")
    sys.stdout.flush()


def _fresh_folder() -> Path:
    chosen = os.environ.get("DEMO_FOLDER")
    folder = Path(chosen or "build/demo").resolve()
    if chosen is None:
        shutil.rmtree(folder, ignore_errors=True)
    elif folder.exists() and any(folder.iterdir()):
        raise Stopped(f"DEMO_FOLDER: {folder} is not empty")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextlib.asynccontextmanager
async def _endpoint() -> AsyncIterator[tuple[Endpoint, str, str]]:
    secret = secrets.token_urlsafe(24)
    endpoint = Endpoint(secret)
    application = web.Application()
    application.router.add_post("/hook", endpoint.answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        await web.SockSite(runner, listener).start()
        try:
            yield endpoint, secret, f"http://127.0.0.1:{listener.getsockname()[1]}/hook"
        finally:
            await runner.cleanup()


@contextlib.asynccontextmanager
async def _gateway(
    folder: Path, port: int, secret: str, hook: str
) -> AsyncIterator[tuple[Gateway, "asyncio.Task[int]"]]:
    storage = folder / "storages"
    runtime = wire.runtime_folder(None, storage)
    flags = [
        "--sandbox",
        f"--port={port}",
        f"--storage={storage}",
        f"--runtime={runtime}",
        f"--webhook={hook}",
    ]
    began = time.monotonic()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind("\0wagateway-demo-" + secrets.token_hex(8))
        notify.setblocking(False)
        process = await _start(folder, flags, secret, notify)
        ended = asyncio.create_task(process.wait())
        try:
            await _ready(notify, ended, folder)
            say("wagateway", f"ready on http://127.0.0.1:{port} after {time.monotonic() - began:.1f} s")
            with zmq.Context() as context, Link(context, wire.sandbox_socket(runtime)) as sandbox:
                await asyncio.wait_for(sandbox.connected.wait(), _SECONDS)
                async with aiohttp.ClientSession() as http:
                    yield Gateway(http, sandbox, f"http://127.0.0.1:{port}"), ended
        finally:
            await _stop(process, ended)


async def _start(
    folder: Path, flags: list[str], secret: str, notify: socket.socket
) -> asyncio.subprocess.Process:
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "XDG_RUNTIME_DIR")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    environment["WHATSAPP_WEBHOOK_SECRET"] = secret
    environment["NOTIFY_SOCKET"] = "@" + notify.getsockname()[1:].decode()
    program = Path(sys.executable).with_name("wagateway")
    with (folder / "daemon.log").open("ab") as log:
        # A session of its own: Ctrl-C is for the demo, which then stops the gateway in order.
        return await asyncio.create_subprocess_exec(
            program,
            *flags,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,
            start_new_session=True,
        )


async def _ready(notify: socket.socket, ended: "asyncio.Task[int]", folder: Path) -> None:
    async def told() -> None:
        while b"READY=1" not in await asyncio.get_running_loop().sock_recv(notify, 4096):
            pass

    waiting = asyncio.create_task(told())
    await asyncio.wait({waiting, ended}, timeout=_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    if not waiting.done():
        waiting.cancel()
        raise Stopped(_last_words(folder))


async def _stop(process: asyncio.subprocess.Process, ended: "asyncio.Task[int]") -> None:
    if not ended.done():
        process.terminate()
    try:
        await asyncio.wait_for(asyncio.shield(ended), 15)
    except TimeoutError:
        process.kill()
        await ended
    say("wagateway", f"stopped, exit code {ended.result()}")


def _last_words(folder: Path) -> str:
    lines = (folder / "daemon.log").read_text(errors="replace").splitlines()[-5:]
    return "\n  ".join(["the gateway stopped; its last words:", *lines])


def _name(jid: str) -> str:
    number = jid.partition("@")[0].partition(":")[0]
    return next((name for name, known in _NUMBERS.items() if known == number), f"+{number}")


if __name__ == "__main__":
    sys.exit(main())
