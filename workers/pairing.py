"""A login under way: the codes it has shown, and those who wait for the next one."""

import asyncio
import time

from wagateway.contract import Problem
from wagateway.problems import device_unavailable, timed_out
from workers.engine import Engine, QrShown

_SCAN_SECONDS = 2.0  # a code with less time left is no use to anybody: the next one is


class Pairing:
    """Lives in the event loop. `over` is true when no more codes will come: paired, expired or failed.

    `unreachable` is true when that is because WhatsApp was not reached.
    """

    def __init__(self) -> None:
        self.over = False
        self.unreachable = False
        self._shown: QrShown | None = None
        self._news = asyncio.Condition()
        self._codes: dict[str, str] = {}
        self._asking = asyncio.Lock()
        self._told: set[asyncio.Task[None]] = set()

    def show(self, shown: QrShown | None) -> None:
        """A new code, or None when there will be no more."""
        self._shown = shown
        self.over = shown is None
        task = asyncio.get_running_loop().create_task(self._tell(), name="pairing.news")
        self._told.add(task)
        task.add_done_callback(self._told.discard)

    async def qr(self, timeout: float) -> QrShown:
        """The code to scan now, waited for at most `timeout` seconds; raises `Problem`."""
        try:
            async with asyncio.timeout(timeout), self._news:
                while True:
                    if self.over:
                        raise self._ended()
                    if self._shown is not None and self._shown.expires_at > time.time() + _SCAN_SECONDS:
                        return self._shown
                    await self._news.wait()
        except TimeoutError:
            raise timed_out() from None

    async def code(self, engine: Engine, phone: str, timeout: float) -> str:
        """The code to type into the phone, the same one for as long as this login lives.

        WhatsApp gives codes only to a client that could also show a QR code, so this waits for the first.
        """
        async with self._asking:
            await self.qr(timeout)
            if phone not in self._codes:
                code = await engine.pair_code(phone)
                # A code for another number replaces the one before, so that one must not be shown again.
                self._codes = {phone: code}
            return self._codes[phone]

    def _ended(self) -> Problem:
        if self.unreachable:
            return device_unavailable(
                "WhatsApp, or the proxy on the way to it, cannot be reached; try again later", 5
            )
        return device_unavailable("The login has ended; ask again for a new one", 1)

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()
