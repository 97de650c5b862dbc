"""The zygote: has everything imported, stays single-threaded, and forks a worker per order."""

import contextlib
import ctypes
import gc
import importlib
import os
import signal
import socket
import sys
import traceback
from types import ModuleType
from typing import NoReturn

import msgspec

from supervisor.spawn import NO_FORK, Order

_ORDER_BYTES = 1 << 20
_PR_SET_NAME = 15
_NEEDLESS = ("rich",)  # structlog imports it where it is installed, 3.5 MB for nothing that a worker shows


def main() -> None:
    """`python -m supervisor.zygote SOCKET MODULE`: preload the module, then fork until the socket ends."""
    orders = socket.socket(fileno=int(sys.argv[1]))
    for needless in _NEEDLESS:
        sys.modules[needless] = None  # type: ignore[assignment]  # the documented way to forbid an import
    module = importlib.import_module(sys.argv[2])
    module.preload()
    # Frozen objects are never visited by the collector, so their pages stay shared with every worker.
    gc.collect()
    gc.freeze()
    gc.disable()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    libc = ctypes.CDLL(None)
    orders.send(b"ready")
    while raw := orders.recv(_ORDER_BYTES):
        order = msgspec.msgpack.decode(raw, type=Order, dec_hook=_path)
        with contextlib.suppress(BrokenPipeError):  # the supervisor has gone; the next read says so
            orders.send(_fork(orders, libc, module, order))


def _path(kind: type, raw: object) -> object:
    return kind(raw)


def _fork(orders: socket.socket, libc: ctypes.CDLL, module: ModuleType, order: Order) -> bytes:
    """The pid of a grandchild, which the supervisor adopts as the child between ends at once."""
    read, write = os.pipe()
    try:
        between = os.fork()
    except OSError:
        os.close(read)
        os.close(write)
        return NO_FORK
    if between == 0:
        os.close(read)
        _be_between(write, orders, libc, module, order)
    os.close(write)
    with os.fdopen(read, "rb") as answer:
        pid = answer.read()
    os.waitpid(between, 0)
    return pid or NO_FORK


def _be_between(
    answer: int, orders: socket.socket, libc: ctypes.CDLL, module: ModuleType, order: Order
) -> NoReturn:
    try:
        pid = os.fork()
        if pid == 0:
            os.close(answer)
            orders.close()
            _become_worker(libc, module, order)
        os.write(answer, str(pid).encode())
    finally:
        os._exit(0)


def _become_worker(libc: ctypes.CDLL, module: ModuleType, order: Order) -> NoReturn:
    code = 1
    try:
        os.setsid()
        libc.prctl(_PR_SET_NAME, b"worker", 0, 0, 0)
        output = os.open(order.output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.close(output)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        gc.enable()
        code = module.main(order.spec)
    except BaseException:  # noqa: BLE001  the process's edge: the traceback goes to its output, then it ends
        traceback.print_exc()
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()
