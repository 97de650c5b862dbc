"""The front process: serves HTTP on the socket that the supervisor hands over, until told to stop."""

import argparse
import asyncio
import os
import signal
import socket

import structlog
import uvloop
import zmq
from aiohttp import web

from wagateway import logs, wire
from wagateway.front.application import build
from wagateway.front.devices import Devices
from wagateway.front.requests import Road
from wagateway.link import Link
from wagateway.spec import FrontSpec, decode_front

DRAIN_SECONDS = 6.0

log = structlog.get_logger()


def main() -> None:
    """Run until SIGTERM, or until the supervisor is gone."""
    parser = argparse.ArgumentParser(prog="wagateway.front")
    parser.add_argument("--spec", type=int, required=True)
    descriptor = parser.parse_args().spec
    with os.fdopen(descriptor, "rb") as file:
        spec = decode_front(file.read())
    storage = spec.settings.storage
    logs.start("front", folder=storage / "logs", terminal=spec.log, debug=spec.settings.debug)
    uvloop.run(serve(spec))


async def serve(spec: FrontSpec) -> None:
    """Serve until told to stop; then answer what is under way and return."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    loop.add_reader(spec.life, os._exit, 0)
    with zmq.Context() as context, Devices(context, spec.runtime) as devices:
        sandbox = Link(context, wire.sandbox_socket(spec.runtime)) if spec.settings.sandbox else None
        await devices.load()
        road = Road(devices, sandbox, spec.settings.request_timeout)
        runner = web.AppRunner(build(spec.settings, road), access_log=None, shutdown_timeout=DRAIN_SECONDS)
        await runner.setup()
        await web.SockSite(runner, socket.socket(fileno=spec.listener)).start()
        os.write(spec.ready, b"1")
        os.close(spec.ready)
        log.info("front.ready", pid=os.getpid())
        await stop.wait()
        loop.call_later(DRAIN_SECONDS - 1, road.give_up)
        await runner.cleanup()
        if sandbox is not None:
            sandbox.close()
    log.info("front.stopped")


if __name__ == "__main__":
    main()
