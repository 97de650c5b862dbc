"""What neonize logs, as lines of our own log."""

import math
import re
import threading
import time
from collections.abc import Callable

import structlog
from neonize.proto.Neonize_pb2 import LogEntry  # type: ignore[import-untyped, unused-ignore]

_LONGEST_LINE = 500
_AGAIN_SECONDS = 10.0
_MOST_TEXTS = 64
_CREDENTIALS = re.compile(r"//\S*@")

log = structlog.get_logger()


class Lines:
    """Logs what neonize says, on any thread; `proxy` is the URL whose password is left out.

    In a backlog neonize warns of every message: the same text is logged once in 10 seconds at most, the next
    time with how many were left out before. Of more than 64 texts the oldest are forgotten.
    """

    def __init__(self, proxy: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._proxy = proxy
        self._clock = clock
        self._lock = threading.Lock()
        self._said: dict[str, tuple[float, int]] = {}

    def write(self, raw: bytes) -> None:
        """Log a serialised `LogEntry`, unless its text was logged just now."""
        entry = LogEntry.FromString(raw)
        text = fit(entry.Message, self._proxy)
        level = {"WARN": log.warning, "ERROR": log.error}.get(entry.Level)
        if level is None:
            log.debug("neonize", source=entry.Name, text=text)
            return
        left_out = self._left_out(text)
        if left_out is not None:
            counted = {"left_out": left_out} if left_out else {}
            level("neonize", source=entry.Name, text=text, **counted)

    def _left_out(self, text: str) -> int | None:
        """How often the text was left out before; None when it is to be left out now."""
        with self._lock:
            now = self._clock()
            at, left_out = self._said.pop(text, (-math.inf, 0))
            due = now - at >= _AGAIN_SECONDS
            self._said[text] = (now, 0) if due else (at, left_out + 1)
            if len(self._said) > _MOST_TEXTS:
                del self._said[next(iter(self._said))]
        return left_out if due else None


def fit(text: str, proxy: str) -> str:
    """A text of Go's, short, and without the password that is part of the proxy's URL."""
    if proxy:
        text = _CREDENTIALS.sub("//", text.replace(proxy, "the proxy"))
    return text[:_LONGEST_LINE]
