"""The yardstick: a bare neonize client in a process of its own, without any of our code around it."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec

from tests.bench import memory
from tests.bench.rows import Bare
from tests.harness import Gateway
from wagateway.commands import sandbox


class Plain(msgspec.Struct):
    """The running client; `pss` is its MB when connected and idle."""

    process: asyncio.subprocess.Process
    pss: float

    async def send(self, to: str, count: int) -> Bare:
        """Send `count` texts one after the other."""
        return await self._ask({"to": to, "count": count})

    async def send_file(self, to: str, file: Path, kind: str, count: int) -> Bare:
        """Upload the file and send it, `count` times one after the other; `kind` is image or document."""
        return await self._ask({"to": to, "count": count, "file": str(file), "kind": kind})

    async def _ask(self, order: dict[str, object]) -> Bare:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order).encode() + b"\n")
        told = await _told(self.process, "sent")
        return Bare(rate=told["rate"], median=told["median"], pss=self.pss)


@contextlib.asynccontextmanager
async def client(running: Gateway, number: str) -> AsyncIterator[Plain]:
    """A plain client, paired to a new phone of the sandbox."""
    network = running.storage / "sandbox" / "network.json"
    folder = running.storage.parent / "bare"
    folder.mkdir(exist_ok=True)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "NEONIZE_BOT_TAG": "off",
        "SSL_CERT_FILE": json.loads(network.read_text())["ca"],
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(__file__).with_name("bare_client.py")),
        str(network),
        str(folder / "session.db"),
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=Path.cwd(),
    )
    try:
        qr = (await _told(process, "qr"))["code"]
        await running.sandbox.ask(sandbox.AddPhone(phone=number, name="Bare"), 10)
        await running.sandbox.ask(sandbox.ScanQr(phone=number, qr=qr), 10)
        await _told(process, "connected")
        yield Plain(process, memory.pss(process.pid))
    finally:
        process.kill()
        await process.wait()


async def _told(process: asyncio.subprocess.Process, what: str) -> dict[str, Any]:
    assert process.stdout is not None
    async with asyncio.timeout(120):
        while line := await process.stdout.readline():
            with contextlib.suppress(ValueError):
                said: dict[str, Any] = json.loads(line)
                if said["said"] == what:
                    return said
    raise AssertionError(f"the bare client ended before it said {what}")
