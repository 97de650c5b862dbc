"""`wagateway`: the supervisor, which starts everything else and keeps it running."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Coroutine
from importlib.metadata import version
from pathlib import Path
from typing import NoReturn

import msgspec
import structlog

from supervisor import claims
from supervisor.fixed import StartFailed
from supervisor.service import Service
from supervisor.spawn import adopt_orphans
from wagateway import logs
from wagateway.database import Unusable
from wagateway.exits import Exit
from wagateway.settings import Refused, Settings, load

log = structlog.get_logger()


def main() -> None:
    """The command `wagateway`."""
    arguments = sys.argv[1:]
    if arguments == ["--version"]:
        print(version("wagateway"))
        return
    try:
        if arguments[:1] == ["sandbox"]:
            _become_sandbox(arguments[1:])
        sys.exit(run(load(arguments, os.environ, Path.cwd())))
    except Refused as refused:
        print(f"wagateway: {refused}", file=sys.stderr)
        sys.exit(Exit.MISUSED)


def _become_sandbox(arguments: list[str]) -> NoReturn:
    """The simulated network alone, with its data where `wagateway --sandbox` has it."""
    os.umask(0o077)
    settings = load([], os.environ, Path.cwd())
    storage = claims.storage_folder(settings)
    runtime = claims.runtime_folder(settings, storage)
    given = ["--dir", str(storage / "sandbox"), "--runtime", str(runtime), "--logs", str(storage / "logs")]
    os.execv(sys.executable, [sys.executable, "-m", "wagateway.sandbox", *given, *arguments])  # noqa: S606


def run(settings: Settings) -> int:
    """Run until SIGTERM; raises `Refused` for what a person must change first."""
    os.umask(0o077)
    storage = claims.storage_folder(settings)
    settings = msgspec.structs.replace(settings, storage=storage)
    runtime = claims.runtime_folder(settings, storage)
    with contextlib.ExitStack() as stack:
        stack.enter_context(claims.alone(storage))
        listener = stack.enter_context(claims.listener(settings))
        folder = storage / "logs"
        logs.start("supervisor", folder=folder, terminal=2, debug=settings.debug)
        adopt_orphans()
        return asyncio.run(_serve(settings, runtime, listener))


async def _serve(settings: Settings, runtime: Path, listener: socket.socket) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    with contextlib.ExitStack() as stack:
        service = Service(settings, runtime, listener, stack)
        try:
            if await _unless(stop, service.start()):
                await service.watch(stop)
        except (OSError, StartFailed, TimeoutError, Unusable) as error:
            log.error("service.failed", why=str(error))  # noqa: TRY400  says all a person needs
            return 1
        finally:
            await service.stop()
    return Exit.DONE


async def _unless(stop: asyncio.Event, work: Coroutine[None, None, None]) -> bool:
    """Whether the work was done; it is given up when we are told to stop."""
    working, stopped = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    await asyncio.wait({working, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if not working.done():
        working.cancel()
        await asyncio.wait({working})
    if working.cancelled():
        return False
    working.result()
    return True


if __name__ == "__main__":
    main()
