"""A worker: the process that runs one device, from the fork to the exit code."""

import asyncio
import contextlib
import faulthandler
import functools
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from pathlib import Path
from typing import NoReturn

import structlog
import zmq

from wagateway import logs, wire
from wagateway.commands.internal import Beat
from wagateway.database import Unusable, names
from wagateway.exits import PARKS, Exit
from wagateway.link import Context
from wagateway.serve import Handlers, Server, collect
from wagateway.spec import WorkerSpec, decode_worker, device_folder
from workers import lease, neonize_library
from workers.automation import Automation
from workers.beat import Beats
from workers.delivery import LAST_WORDS_SECONDS, Delivery
from workers.device import Device
from workers.groupnames import GroupNames
from workers.handlers import MODULES
from workers.history import History
from workers.listening import Events
from workers.media import Way
from workers.neonize_client import Orders
from workers.neonize_engine import NeonizeEngine
from workers.retention import Retention
from workers.shard import Shard
from workers.shard.schema import SCHEMA

SWITCH_SECONDS = 0.0005  # Go's callback threads and the loop hand the interpreter to each other
DRAIN_SECONDS = 1.5
ORPHAN_SECONDS = 2.0
IDLE_SECONDS = 300.0
BEHIND_SECONDS = 5.0
CRASHED = 1
_CANCEL_SECONDS = 0.5

Work = Callable[[], Awaitable[None]]
"""What a worker does beside answering, until it is cancelled."""

log = structlog.get_logger()


def preload() -> None:
    """Everything that a worker needs except neonize's library; starts no thread, socket, loop or context.

    Importing this module did most of it.
    """
    neonize_library.prepare()
    names(SCHEMA)
    _handlers()


def main(raw: bytes) -> NoReturn:
    """Run the device that the encoded `WorkerSpec` names, and end the process with an `Exit`."""
    spec = decode_worker(raw)
    storage = spec.settings.storage.resolve()
    faulthandler.enable()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the supervisor, which then stops us
    sys.setswitchinterval(SWITCH_SECONDS)
    os.umask(0o077)
    logs.start(
        "worker", folder=storage / "logs", terminal=spec.log, debug=spec.settings.debug, device=spec.device_id
    )
    folder = device_folder(storage, spec.device_id)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _silence_stdout()
    _leave(_live(spec, folder))


def _silence_stdout() -> None:
    """Only Go writes to stdout: with it, the numbers that messages could not be sent to."""
    nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    os.dup2(nowhere, 1)
    os.close(nowhere)


def _live(spec: WorkerSpec, folder: Path) -> int:
    if spec.settings.sandbox != (spec.sandbox is not None):
        log.error("worker.misused", why="sandbox mode and its network must come together")
        return Exit.MISUSED
    try:
        lease.take(folder)  # the kernel gives it back when the process ends
        code = asyncio.new_event_loop().run_until_complete(_run(spec, folder))
    except lease.Held:
        log.warning("lease.held")
        return Exit.LEASE_HELD
    except Unusable as problem:
        log.error("storage.unusable", why=str(problem))  # noqa: TRY400  says all a person needs
        return Exit.SHARD_UNUSABLE
    except Exception:  # the process's edge: a bug becomes a traceback in the log and a crash
        log.exception("worker.crashed")
        return CRASHED
    log.info("worker.ended", code=code.name)
    return code


def _leave(code: int) -> NoReturn:
    # Go's threads can hold up an orderly end of the interpreter for ever.
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


async def _run(spec: WorkerSpec, folder: Path) -> Exit:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    _watch(spec.life, lambda: loop.call_soon_threadsafe(stop.set))
    async with contextlib.AsyncExitStack() as stack:
        shard = Shard.open(folder / "shard.db")
        stack.callback(shard.close)
        told = Events(loop)
        engine = NeonizeEngine(_orders(spec, folder), told)
        way = Way(spec.sandbox, _proxy(spec))
        device = Device(spec.device_id, spec.settings, engine, shard, folder, way)
        stack.push_async_callback(device.close)
        device.delivery = delivery = await Delivery.open(shard, spec.hooks, device, device.head)
        automation = Automation(device)
        history = History(shard, folder / "history", device, device.head.committed)
        group_names = GroupNames(engine, shard)
        retention = Retention(shard, spec.settings, device.head)
        device.logged_in = _each(automation.connected, history.wake, group_names.wake)
        inbound = told.attach(device, automation, history)
        context = stack.enter_context(zmq.Context())
        server = stack.enter_context(_server(context, spec, device))
        beats = Beats(context, wire.beats_socket(spec.runtime), _reader(spec, device, retention))
        stack.callback(beats.close)
        device.changed = beats.now
        shard.tell_changes(partial(loop.call_soon_threadsafe, beats.now))
        await device.start(connect=spec.connect, death=spec.death)
        beats.now()
        going_on = (
            beats.run,
            delivery.run,
            retention.run,
            device.absence.run,
            device.media.run,
            automation.run,
            history.run,
            group_names.run,
        )
        code = await _until_over(device, stop, going_on)
        beats.now()
        device.absence.lost()
        device.head.close()
        await server.drain(DRAIN_SECONDS)
        inbound.stop()
        await engine.stop()
    return code


def _orders(spec: WorkerSpec, folder: Path) -> Orders:
    return Orders(
        device_id=spec.device_id,
        session=folder / "session.db",
        shown_as=spec.settings.os,
        debug=spec.settings.debug,
        sandbox=spec.sandbox,
        proxy=_proxy(spec),
        history=folder / "history",
    )


def _proxy(spec: WorkerSpec) -> str:
    return spec.proxy.value if spec.proxy else ""


@functools.cache
def _handlers() -> Handlers[Device]:
    return collect(MODULES)


def _server(context: Context, spec: WorkerSpec, device: Device) -> Server[Device]:
    return Server(context, wire.worker_socket(spec.runtime, spec.device_id), _handlers(), device)


def _reader(spec: WorkerSpec, device: Device, retention: Retention) -> Callable[[float], Beat]:
    def read(lag: float) -> Beat:
        return Beat(
            device_id=device.id,
            token=spec.token,
            state=device.state,
            jid=device.jid,
            display_name=device.display_name,
            reason=device.reason,
            lag=lag,
            log_depth=retention.held,
            hook_lag=device.delivery.lag(),
            dead=retention.dead,
            gone=device.delivery.gone(),
            disk=device.shard.size(),
            storage=device.shard.failing,
        )

    return read


def _watch(life: int, gone: Callable[[], object]) -> None:
    """When the supervisor has gone, stop, and be gone in two seconds whatever the loop is doing."""

    def wait() -> None:
        # Not a read: whoever shares the pipe may have made it non-blocking.
        end = select.poll()
        end.register(life, select.POLLIN)
        end.poll()
        gone()
        time.sleep(ORPHAN_SECONDS)
        os._exit(Exit.DONE)

    threading.Thread(target=wait, name="life", daemon=True).start()


def _each(*calls: Callable[[], None]) -> Callable[[], None]:
    def call_each() -> None:
        for call in calls:
            call()

    return call_each


async def _until_over(device: Device, stop: asyncio.Event, going_on: Iterable[Work]) -> Exit:
    """The exit code, once the device has ended, somebody asks us to stop, or nobody needs us.

    Raises what ended a task that should have gone on.
    """

    async def over() -> Exit:
        code = await device.over
        if code in PARKS:  # nobody will deliver for a while
            await device.delivery.settled(LAST_WORDS_SECONDS)
        return code

    async def stopped() -> Exit:
        await stop.wait()
        return Exit.DONE

    async def unused() -> Exit:
        await device.unused(IDLE_SECONDS)
        while device.delivery.behind():
            await asyncio.sleep(BEHIND_SECONDS)
            await device.unused(IDLE_SECONDS)
        return Exit.IDLE

    async def on(work: Work) -> Exit:
        await work()
        return await over()  # it had nothing to do

    ways = (over(), stopped(), unused(), *map(on, going_on))
    tasks = [asyncio.ensure_future(way) for way in ways]
    done, left = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in left:
        task.cancel()
    await asyncio.wait(left, timeout=_CANCEL_SECONDS)
    return done.pop().result()
