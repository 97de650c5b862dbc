"""A worker that misbehaves as its orders say; the zygote forks it like a real one."""

import ctypes
import os
import signal
import sys
import threading
import time
from pathlib import Path

LOADED: list[int] = []


def preload() -> None:
    LOADED.append(os.getpid())


def main(spec: bytes) -> int:
    word, _, rest = spec.decode().partition(" ")
    match word:
        case "exit":
            return int(rest)
        case "raise":
            raise ValueError(rest)
        case "fault":
            ctypes.string_at(0)
        case "deaf":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            print("deaf", flush=True)
            time.sleep(60)
        case "hang":
            print("hangs", flush=True)
            time.sleep(60)
        case "facts":
            while os.getppid() != int(rest):
                os.sched_yield()  # whoever forked us may take a moment to end
            sys.stderr.write(
                f"{LOADED[0]} {os.getppid()} {os.getsid(0) == os.getpid()} {threading.active_count()} "
                f"{Path('/proc/self/comm').read_text().strip()} {os.environ['NEONIZE_BOT_TAG']}\n"
            )
    return 0
