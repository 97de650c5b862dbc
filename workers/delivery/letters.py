"""Dead letters in the journal: a line each, or one for many that an endpoint that is down leaves."""

import asyncio

import structlog

_SECONDS = 1.0

log = structlog.get_logger()


class Letters:
    """Tells of the dead letters of a hook."""

    def __init__(self, hook: str) -> None:
        self._hook = hook
        self._count = 0
        self._last = (0, "")
        self._timer: asyncio.TimerHandle | None = None

    def one(self, seq: int, why: str) -> None:
        """An event was given up."""
        log.warning("delivery.dead_letter", hook=self._hook, seq=seq, why=why)

    def one_of_many(self, seq: int, why: str) -> None:
        """So was this, and many others are with it."""
        self._count += 1
        self._last = (seq, why)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_SECONDS, self.flush)

    def flush(self) -> None:
        """Tell now of what was counted."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            seq, why = self._last
            log.warning("delivery.dead_letter", hook=self._hook, count=self._count, last_seq=seq, why=why)
            self._count = 0
