"""The rate of a backlog: what is left of the worker's time is for its requests."""

import asyncio

_EACH_SECOND = 1200.0
_BURST_SECONDS = 0.02


class Rate:
    """So many events a second, all who spend from it together; use it on the loop."""

    def __init__(self, each_second: float = _EACH_SECOND) -> None:
        self._seconds = 1 / each_second
        self._spent = 0.0
        self._clock = asyncio.get_running_loop().time

    async def spend(self, events: int) -> None:
        """Returns when others may have had their turn."""
        now = self._clock()
        self._spent = max(self._spent, now - _BURST_SECONDS) + events * self._seconds
        if self._spent > now:
            await asyncio.sleep(self._spent - now)
