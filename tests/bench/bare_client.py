"""A plain neonize client as its documentation shows it, driven over stdin; the process of `bare.py`."""

import asyncio
import json
import statistics
import sys
import time
from pathlib import Path

import neonize
import neonize.aioze.events as neonize_events
from neonize._binder import ProxySettings  # type: ignore[attr-defined]
from neonize.aioze.client import NewAClient
from neonize.aioze.events import ConnectedEv
from neonize.proto.waE2E.WAWebProtobufsE2E_pb2 import ExtendedTextMessage, Message
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
        begin = time.perf_counter()
        for number in range(order["count"]):
            before = time.perf_counter()
            message = Message(extendedTextMessage=ExtendedTextMessage(text=f"bare {number}"))
            await client.send_message(build_jid(order["to"], "s.whatsapp.net"), message)
            spent.append(time.perf_counter() - before)
        rate = order["count"] / (time.perf_counter() - begin)
        say("sent", rate=rate, median=statistics.median(spent) * 1000)


if __name__ == "__main__":
    told = json.loads(Path(sys.argv[1]).read_text())
    asyncio.run(main(SandboxNetwork(told["proxy"], told["root_key"], told["ca"]), sys.argv[2]))
