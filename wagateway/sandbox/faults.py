"""Faults on demand: what the network does wrong on purpose, until it has done it often enough."""

import time

import msgspec

from wagateway.sandbox.bell import Bell
from wagateway.whatsapp.stanza import Node


class _Faults(msgspec.Struct):
    refused_until: float = 0.0
    delay: float = 0.0
    withhold: int = 0
    held: int = 0
    rejects: int = 0
    garbled: int = 0
    error: int = 0
    failures: int = 0
    failure: Node | None = None


class MediaFaults(msgspec.Struct):
    """What the media host does wrong: fail its next uploads and downloads with `status`, and be slow.

    `bytes_per_second` (0: full speed) and `delay` in seconds hold for requests that come from now on.
    """

    upload_failures: int = 0
    download_failures: int = 0
    status: int = 500
    bytes_per_second: int = 0
    delay: float = 0.0

    def failed_upload(self) -> int:
        """The status to answer this upload with, or 0."""
        if not self.upload_failures:
            return 0
        self.upload_failures -= 1
        return self.status

    def failed_download(self) -> int:
        """The status to answer this download with, or 0."""
        if not self.download_failures:
            return 0
        self.download_failures -= 1
        return self.status


class Faults:
    """The faults of every account, by number; lost with the process, as accidents should be."""

    def __init__(self) -> None:
        self.refused_until = 0.0
        self._of: dict[str, _Faults] = {}
        self._bell = Bell()

    def _get(self, number: str) -> _Faults:
        return self._of.setdefault(number, _Faults())

    def refuse(self, number: str, seconds: float) -> None:
        """Refuse the connections of an account, or of everybody (empty number)."""
        until = time.monotonic() + seconds
        if number:
            self._get(number).refused_until = until
        else:
            self.refused_until = until

    def refuses(self, number: str = "") -> bool:
        """Whether connections are refused now."""
        until = self._get(number).refused_until if number else self.refused_until
        return time.monotonic() < until

    def delay(self, number: str, seconds: float) -> None:
        """Acknowledge the messages of an account late."""
        faults = self._get(number)
        faults.delay, faults.held = seconds, 0

    def withhold(self, number: str, count: int) -> None:
        """Never acknowledge the next messages of an account."""
        faults = self._get(number)
        faults.withhold, faults.held = count, 0

    def reject(self, number: str, count: int, error: int) -> None:
        """Answer the next messages of an account with an error."""
        self._get(number).rejects, self._get(number).error = count, error

    def garble(self, number: str, count: int) -> None:
        """Garble the next messages to linked devices of an account."""
        self._get(number).garbled = count

    def fail_logins(self, number: str, count: int, failure: Node) -> None:
        """Answer the next logins of an account with a `<failure>`."""
        self._get(number).failures, self._get(number).failure = count, failure

    def rejected(self, number: str) -> int:
        """The error to answer this message with, or 0."""
        faults = self._get(number)
        if not faults.rejects:
            return 0
        faults.rejects -= 1
        return faults.error

    def garbles(self, number: str) -> bool:
        """Whether to garble this message."""
        faults = self._get(number)
        if not faults.garbled:
            return False
        faults.garbled -= 1
        return True

    def failing(self, number: str) -> Node | None:
        """The `<failure>` to answer this login with."""
        faults = self._get(number)
        if not faults.failures:
            return None
        faults.failures -= 1
        return faults.failure

    def ack_delay(self, number: str) -> float | None:
        """How late to acknowledge this message, in seconds; None is never."""
        faults = self._get(number)
        if faults.withhold:
            faults.withhold -= 1
            return None
        return faults.delay

    def hold(self, number: str, by: int) -> None:
        """Count an acknowledgement as held back (1) or sent at last (-1)."""
        faults = self._get(number)
        faults.held = max(0, faults.held + by)
        self._bell.ring()

    async def held(self, number: str, wait: float) -> int:
        """How many acknowledgements are held back; waits for the first at most `wait` seconds."""
        faults = self._get(number)
        await self._bell.until(lambda: faults.held > 0, wait)
        return faults.held
