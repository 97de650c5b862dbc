"""A plain neonize client as its documentation shows it, driven over stdin; the process of `bare.py`."""

import asyncio
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import neonize
import neonize.aioze.events as neonize_events
from neonize._binder import ProxySettings  # type: ignore[attr-defined]
from neonize.aioze.client import NewAClient
from neonize.aioze.events import ConnectedEv
from neonize.proto.waE2E.WAWebProtobufsE2E_pb2 import (
    DocumentMessage,
    ExtendedTextMessage,
    ImageMessage,
    Message,
)
from neonize.utils.enum import MediaType
from neonize.utils.jid import build_jid

from wagateway.spec import SandboxNetwork
from workers import trust


def say(what: str, **more: object) -> None:
    """One line of JSON to whoever drives this process."""
    print(json.dumps({"said": what, **more}), flush=True)


async def main(network: SandboxNetwork, session: str) -> None:
    """Pair, then send what stdin asks for."""
    trust.trust(network, next(Path(neonize.__file__).parent.glob("neonize-linux-*.so")))
    loop = asyncio.get_running_loop()
    neonize_events.event_global_loop = loop
    connected = asyncio.Event()
    client = NewAClient(session)

    @client.event(ConnectedEv)
    async def _connected(_: NewAClient, __: ConnectedEv) -> None:
        connected.set()

    @client.qr
    async def _qr(_: NewAClient, code: bytes) -> None:
        say("qr", code=code.decode())

    await client.connect(ProxySettings(network.proxy))
    await connected.wait()
    say("connected")
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        order = json.loads(line)
        spent = []
        make = files(client, Path(order["file"]), order["kind"]) if "file" in order else texts
        begin = time.perf_counter()
        for number in range(order["count"]):
            before = time.perf_counter()
            message = await make(number)
            await client.send_message(build_jid(order["to"], "s.whatsapp.net"), message)
            spent.append(time.perf_counter() - before)
        rate = order["count"] / (time.perf_counter() - begin)
        say("sent", rate=rate, median=statistics.median(spent) * 1000)


async def texts(number: int) -> Message:
    """The next text to send."""
    return Message(extendedTextMessage=ExtendedTextMessage(text=f"bare {number}"))


def files(client: NewAClient, path: Path, kind: str) -> Callable[[int], Awaitable[Message]]:
    """What uploads the file anew for each message."""
    data = path.read_bytes()

    async def make(number: int) -> Message:
        sort = MediaType.MediaImage if kind == "image" else MediaType.MediaDocument
        got = await client.upload(data, sort)
        where = {
            "URL": got.url,
            "directPath": got.DirectPath,
            "mediaKey": got.MediaKey,
            "fileSHA256": got.FileSHA256,
            "fileEncSHA256": got.FileEncSHA256,
            "fileLength": got.FileLength,
        }
        if kind == "image":
            return Message(imageMessage=ImageMessage(mimetype="image/jpeg", **where))
        return Message(documentMessage=DocumentMessage(mimetype="application/pdf", **where))

    return make


if __name__ == "__main__":
    told = json.loads(Path(sys.argv[1]).read_text())
    asyncio.run(main(SandboxNetwork(told["proxy"], told["root_key"], told["ca"]), sys.argv[2]))
