"""The demo's gateway: the real daemon in a folder of its own, and a client of its HTTP API."""

import asyncio
import contextlib
import os
import secrets
import shutil
import socket
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import zmq

from wagateway import wire
from wagateway.commands.sandbox import AddPhone, ScanQr
from wagateway.contract import Command
from wagateway.link import Link
from wagateway.sandbox.demo.telling import NUMBERS, SECONDS, Stopped, say


class File(msgspec.Struct, frozen=True):
    """Something to send: the field of the form, the name of the file, and its bytes."""

    field: str
    name: str
    content: bytes


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

    async def upload(self, path: str, device: str, fields: dict[str, str], file: File) -> Any:
        """The result of one multipart request; raises `Stopped` for a failure."""
        form = aiohttp.FormData(fields)
        form.add_field(file.field, file.content, filename=file.name)
        async with self._http.post(self.url + path, data=form, headers={"X-Device-Id": device}) as response:
            envelope = await response.json()
        if response.status != 200:
            raise Stopped(f"POST {path}: {response.status} {envelope}")
        return envelope["results"]

    async def fetch(self, path: str) -> bytes:
        """The bytes of a file that the gateway serves; raises `Stopped` for a failure."""
        async with self._http.get(f"{self.url}/{path}") as response:
            if response.status != 200:
                raise Stopped(f"GET {path}: {response.status}")
            return await response.read()

    async def hear(self, device: str, count: int) -> list[str]:
        """The codes of the first frames that a WebSocket gets of the device's log."""
        async with (
            asyncio.timeout(SECONDS),
            self._http.ws_connect(f"{self.url}/ws?device_id={device}&after=0") as socket_,
        ):
            return [(await socket_.receive_json())["code"] for _ in range(count)]

    async def media_id(self, device: str, message_id: str) -> str:
        """The SHA-256 of the file that the device sent with a message."""
        other = next(number for name, number in NUMBERS.items() if name != device)
        page = await self.call("GET", f"/chat/{other}/messages", device=device)
        return next(str(row["media_id"]) for row in page["data"] if row["id"] == message_id)

    async def phone(self, command: Command[Any]) -> None:
        """Have a virtual phone do something."""
        await self._sandbox.ask(command, SECONDS)

    async def pair(self, device: str) -> None:
        """Create a device and link it to its phone by QR code."""
        number = NUMBERS[device]
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
        async with asyncio.timeout(SECONDS):
            while True:
                status = await self.call("GET", f"/devices/{device}/status")
                if status["is_logged_in"]:
                    return status
                await asyncio.sleep(0.05)


def fresh_folder() -> Path:
    """Where the demo keeps its data: DEMO_FOLDER, or build/demo made anew."""
    chosen = os.environ.get("DEMO_FOLDER")
    folder = Path(chosen or "build/demo").resolve()
    if chosen is None:
        shutil.rmtree(folder, ignore_errors=True)
    elif folder.exists() and any(folder.iterdir()):
        raise Stopped(f"DEMO_FOLDER: {folder} is not empty")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextlib.asynccontextmanager
async def running(
    folder: Path, port: int, secret: str, hook: str
) -> AsyncIterator[tuple[Gateway, "asyncio.Task[int]"]]:
    """The gateway on the sandbox, and the task that is done when its process ends."""
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
                await asyncio.wait_for(sandbox.connected.wait(), SECONDS)
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
    await asyncio.wait({waiting, ended}, timeout=SECONDS, return_when=asyncio.FIRST_COMPLETED)
    if not waiting.done():
        waiting.cancel()
        raise Stopped(last_words(folder))


async def _stop(process: asyncio.subprocess.Process, ended: "asyncio.Task[int]") -> None:
    if not ended.done():
        process.terminate()
    try:
        await asyncio.wait_for(asyncio.shield(ended), 15)
    except TimeoutError:
        process.kill()
        await ended
    say("wagateway", f"stopped, exit code {ended.result()}")


def last_words(folder: Path) -> str:
    """Why the gateway has stopped, in its own words."""
    lines = (folder / "daemon.log").read_text(errors="replace").splitlines()[-5:]
    return "\n  ".join(["the gateway stopped; its last words:", *lines])
