import asyncio
from pathlib import Path

import msgspec
import zmq

from wagateway import wire
from wagateway.commands.internal import Beat
from wagateway.sockets import Pump, open_socket
from workers.beat import Beats


async def test_beats_come_by_themselves_and_the_last_word_arrives(tmp_path: Path) -> None:
    state = "connecting"
    arrived: asyncio.Queue[Beat] = asyncio.Queue()
    with zmq.Context() as context:
        sink = open_socket(context, zmq.PULL)
        sink.bind(wire.beats_socket(tmp_path))
        reader = Pump(sink, lambda f: arrived.put_nowait(msgspec.msgpack.decode(f[0], type=Beat)))
        beats = Beats(
            context,
            wire.beats_socket(tmp_path),
            lambda lag: Beat(device_id="one", token="t", state=state, lag=lag),  # type: ignore[arg-type]
            interval=0.01,
        )
        running = asyncio.create_task(beats.run())

        first = await asyncio.wait_for(arrived.get(), 5)
        running.cancel()
        state = "disconnected"
        beats.now()
        beats.close()
        while (last := await asyncio.wait_for(arrived.get(), 5)).state == "connecting":
            pass

        reader.close()
        sink.close()
    assert (first.state, last.state) == ("connecting", "disconnected")
