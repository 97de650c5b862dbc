"""Patience with a disk that fails: it is tried again until it works or the device stops."""

import threading
from collections.abc import Iterator

FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 10.0


def tries(stopping: threading.Event, first: float = FIRST_PAUSE) -> Iterator[float]:
    """A try each, the first at once; each is the seconds that pass until the next, which double.

    Ends once `stopping` is set: then no other try follows.
    """
    pause = first
    while True:
        yield pause
        if stopping.wait(pause):
            return
        pause = min(pause * 2, _LONGEST_PAUSE)
