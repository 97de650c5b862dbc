"""Patience with a disk that fails: it is tried again until it works or the device stops."""

import threading
from collections.abc import Callable, Iterator
from typing import TypeVar

import structlog

from wagateway.contract import Problem
from wagateway.pauses import pauses
from workers.shard.writer import CLOSED, STORAGE

FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 10.0

T = TypeVar("T")

log = structlog.get_logger()


class Stopped(Exception):
    """The device stops, and something could not be kept; says the code of the `Problem`, if there was one."""


def tries(stopping: threading.Event, first: float = FIRST_PAUSE) -> Iterator[float]:
    """A try each, the first at once; each is the seconds that pass until the next, which double.

    Ends once `stopping` is set: then no other try follows.
    """
    for pause in pauses(first, _LONGEST_PAUSE):
        yield pause
        if stopping.wait(pause):
            return


def patiently(write: Callable[[], T], stopping: threading.Event, event: str, first: float = FIRST_PAUSE) -> T:
    """What `write` returns, tried again while the disk fails; raises what else it raises.

    Raises `Stopped` when `stopping` is set before that, or the shard is closed. `event` is what is logged
    of each failure.
    """
    code = ""
    for pause in tries(stopping, first):
        try:
            return write()
        except Problem as problem:
            code = problem.code
            if code == CLOSED:
                break
            if code not in STORAGE:
                raise
            if not stopping.is_set():
                log.warning(event, code=code, pause=pause)
    raise Stopped(code)
