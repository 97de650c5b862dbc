"""Children that nobody answers for, left when a zygote died or was killed in the middle of a fork."""

import contextlib
import os
import signal
from collections.abc import Set as AbstractSet
from pathlib import Path


def end(known: AbstractSet[int]) -> list[int]:
    """Kill and reap every child of this process that is not known; returns their pids."""
    found = [pid for pid in _children() if pid not in known]
    for pid in found:
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, os.WNOHANG)  # one that is not dead yet is found again the next time
    return found


def _children() -> list[int]:
    pids: list[int] = []
    for thread in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):
            pids += map(int, (thread / "children").read_text().split())
    return pids
