"""The entry point of the sandbox: `python -m wagateway.sandbox --dir DIR`."""

import argparse
import os
import sqlite3
import sys
from pathlib import Path

import structlog
import uvloop

from wagateway import logs
from wagateway.exits import Exit
from wagateway.sandbox.server import Orders, run


def main() -> int:
    """Run the simulated WhatsApp network until told to stop; returns the exit code."""
    words = _parser().parse_args()
    os.umask(0o077)
    logs.start("sandbox", folder=words.logs or words.dir, terminal=2, debug=words.debug)
    orders = Orders(
        folder=words.dir,
        runtime=words.runtime or words.dir,
        port=words.port,
        life=words.life_fd,
        patience=words.patience,
        ready=words.ready_fd,
    )
    try:
        uvloop.run(run(orders))
    except sqlite3.OperationalError as error:
        structlog.get_logger().error("sandbox.unusable", why=f"{words.dir}: {error}")
        return Exit.LEASE_HELD
    return Exit.DONE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m wagateway.sandbox", description="A simulated WhatsApp network on 127.0.0.1."
    )
    parser.add_argument("--dir", type=Path, required=True, help="folder of its data, mode 0700")
    parser.add_argument("--runtime", type=Path, help="folder of its command socket; default: --dir")
    parser.add_argument("--logs", type=Path, help="folder of its log; default: --dir")
    parser.add_argument("--port", type=int, default=0, help="port of the proxy; default: the last one")
    parser.add_argument("--life-fd", type=int, help="stop when this descriptor reads end-of-file")
    parser.add_argument("--ready-fd", type=int, help="write to this descriptor once clients are served")
    parser.add_argument("--patience", type=float, default=5.0, help="seconds to wait for another in --dir")
    parser.add_argument("--debug", action="store_true", help="log at debug level")
    return parser


if __name__ == "__main__":
    sys.exit(main())
