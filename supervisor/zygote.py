"""The zygote: has everything imported, stays single-threaded, and forks a worker per order."""

import gc
import importlib
import os
import signal
import socket
import sys
from types import ModuleType
from typing import NoReturn

import msgspec

from supervisor.spawn import Order

_ORDER_BYTES = 1 << 20


def main() -> None:
    """`python -m supervisor.zygote SOCKET MODULE`: preload the module, then fork until the socket ends."""
    orders = socket.socket(fileno=int(sys.argv[1]))
    module = importlib.import_module(sys.argv[2])
    module.preload()
    # Frozen objects are never visited by the collector, so their pages stay shared with every worker.
    gc.collect()
    gc.freeze()
    gc.disable()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    orders.send(b"ready")
    while order := orders.recv(_ORDER_BYTES):
        orders.send(
            str(_fork(orders, module, msgspec.msgpack.decode(order, type=Order, dec_hook=_path))).encode()
        )


def _path(kind: type, raw: object) -> object:
    return kind(raw)


def _fork(orders: socket.socket, module: ModuleType, order: Order) -> int:
    """The pid of a grandchild, which the supervisor adopts as the child between ends at once."""
    read, write = os.pipe()
    between = os.fork()
    if between == 0:
        pid = os.fork()
        if pid == 0:
            os.close(read)
            os.close(write)
            _become_worker(orders, module, order)
        os.write(write, str(pid).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        pid = int(pipe.read())
    os.waitpid(between, 0)
    return pid


def _become_worker(orders: socket.socket, module: ModuleType, order: Order) -> NoReturn:
    code = 1
    try:
        orders.close()
        output = os.open(order.output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.close(output)
        gc.enable()
        code = module.main(order.spec)
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()
