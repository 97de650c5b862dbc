"""What came of a download: the file's row and its event, in one transaction."""

import asyncio
import math
import sqlite3
from collections.abc import Callable
from typing import TypeVar

import msgspec
import structlog

from wagateway.contract import Problem
from wagateway.events import Kind
from wagateway.events.catalogue import MEDIA_FAILED, MEDIA_READY
from wagateway.events.messages import MediaPayload
from wagateway.problems import storage_failed, storage_full
from workers.delivery.pace import Pace, pause
from workers.media import problems
from workers.media.download import Failed
from workers.media.store import served_at
from workers.shard import Shard, media, messages
from workers.shard import log as event_log
from workers.shard.log import Own
from workers.shard.media import MediaRow
from workers.shard.writer import once_kept

_TRIES = 15  # about an hour, at the usual pace
_DISK_SECONDS = 30

T = TypeVar("T")

log = structlog.get_logger()


class Outcomes:
    """Keeps them in the shard; `committed(seq)` is called after each event, on any thread."""

    def __init__(self, shard: Shard, own: Own, pace: Pace) -> None:
        self.committed: Callable[[int], None] = _nobody_listens
        self._shard = shard
        self._own = own
        self._pace = pace

    async def ready(self, row: MediaRow, size: int) -> None:
        """The file is in its folder; raises `Problem` when the shard cannot keep that."""
        done = msgspec.structs.replace(row, size=size)

        def save(connection: sqlite3.Connection) -> int | None:
            if media.save_ready(connection, row.id, size):
                return tell(connection, self._own, MEDIA_READY, done)
            return None

        await self._commit(save)

    async def failed(self, row: MediaRow, failure: Failed) -> Problem:
        """It is not, for now or for good; the problem tells whoever asked for it."""
        if failure.fate in ("full", "disk"):
            await self._later(row, _DISK_SECONDS, failure)
            storage = storage_full if failure.fate == "full" else storage_failed
            return storage(retry_after=_DISK_SECONDS)
        tried = msgspec.structs.replace(row, attempts=row.attempts + 1)
        if failure.fate == "later" and tried.attempts < _TRIES:
            wait = pause(self._pace, tried.attempts, failure.after)
            await self._later(tried, wait, failure)
            return problems.unavailable(failure.why, retry_after=math.ceil(wait))
        await self._over(tried, failure)
        if failure.fate == "expired":
            return problems.expired(failure.why)
        return problems.unavailable(failure.why)

    async def _later(self, row: MediaRow, wait: float, failure: Failed) -> None:
        if row.attempts <= 1:
            log.info("media.waiting", media_id=row.id, why=failure.why, wait=round(wait, 1))

        def save(connection: sqlite3.Connection) -> None:
            media.save_retry(connection, row, wait, failure.why)

        await self._commit(save)

    async def _over(self, row: MediaRow, failure: Failed) -> None:
        log.warning("media.failed", media_id=row.id, why=failure.why, attempts=row.attempts)

        def save(connection: sqlite3.Connection) -> int | None:
            state: media.State = "expired" if failure.fate == "expired" else "failed"
            if media.save_over(connection, row, state, failure.why):
                return tell(connection, self._own, MEDIA_FAILED, row, failure.why)
            return None

        await self._commit(save)

    async def _commit(self, save: Callable[[sqlite3.Connection], int | None]) -> None:
        # Shielded: a worker that stops must still tell of an event that was written.
        future = self._shard.write(save)
        once_kept(future, self._told)
        await asyncio.shield(asyncio.wrap_future(future))

    def _told(self, seq: int | None) -> None:
        if seq is not None:
            self.committed(seq)


def tell(
    connection: sqlite3.Connection, own: Own, kind: Kind[MediaPayload], row: MediaRow, reason: str = ""
) -> int:
    """Append the event about the file of the row's message; returns its number. `reason` is why it failed."""
    chat = messages.phone_of(connection, row.chat)
    lid = messages.lid_of(connection, chat)
    payload = MediaPayload(
        media_id=row.id,
        message_id=row.message_id,
        chat_id=chat,
        chat_lid=lid if lid != chat else "",
        path="" if reason else served_at(own.id, row.id, row.mime_type),
        mime_type=row.mime_type,
        size=row.size,
        reason=reason,
    )
    return event_log.append(connection, own, kind, chat, payload)


def _nobody_listens(seq: int) -> None:
    """Until the worker says who does."""
