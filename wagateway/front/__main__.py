"""The front's process: orders from a descriptor, then HTTP until told to stop."""

import argparse
import asyncio
import os
import signal
import socket
import sys

import structlog
import uvloop
import zmq

from wagateway import logs
from wagateway.front.main import Front
from wagateway.front.serving import Serving
from wagateway.spec import FrontSpec, decode_front

log = structlog.get_logger()


def main() -> int:
    """Run the front that `--spec` describes; the exit code of the process."""
    parser = argparse.ArgumentParser(prog="wagateway.front")
    parser.add_argument("--spec", type=int, required=True, help="descriptor of the encoded FrontSpec")
    with os.fdopen(parser.parse_args().spec, "rb") as file:
        spec = decode_front(file.read())
    settings = spec.settings
    logs.start("front", folder=settings.storage / "logs", terminal=spec.log, debug=settings.debug)
    # Ctrl-C reaches the whole process group; the supervisor says when it is our turn.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    uvloop.run(run(spec))
    return 0


async def run(spec: FrontSpec) -> None:
    """Serve until SIGTERM, then drain."""
    loop = asyncio.get_running_loop()
    told = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, told.set)
    # Without a supervisor nobody restarts workers or us: leave at once, its successor starts a new front.
    loop.add_reader(spec.life, os._exit, 1)
    with zmq.Context() as context:
        key = bytes.fromhex(spec.link_key.value)
        async with Front(spec.settings, spec.runtime, context, key) as front:
            serving = Serving(front, socket.socket(fileno=spec.listener))
            os.write(spec.ready, b"1")
            os.close(spec.ready)
            log.info("front.serves")
            await told.wait()
            log.info("front.drains")
            await serving.drain()
    log.info("front.stopped")


if __name__ == "__main__":
    sys.exit(main())
