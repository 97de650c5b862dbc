"""What may stay in the folder of files: what a row stands for, not too old, and not too much of it."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import TypeVar

import structlog

from wagateway.settings import Settings
from workers.media.store import Store, in_thread
from workers.shard import Shard, media
from workers.shard.messages import now

MEGABYTE = 1_000_000
_DAY = 86_400_000  # milliseconds
_BATCH = 64

T = TypeVar("T")

log = structlog.get_logger()


class Retention:
    """The rules of one device; it must be alone with the files while it works."""

    def __init__(self, shard: Shard, store: Store, executor: Executor, settings: Settings) -> None:
        self._shard = shard
        self._store = store
        self._executor = executor
        self._days = settings.media_days
        self._most = settings.media_megabytes * MEGABYTE

    async def settle(self) -> None:
        """After a crash: remove files that no row stands for, and tell of rows whose files are gone."""
        prefixes = await self._thread(self._store.prefixes) | await self._shard.read(media.prefixes)
        for prefix in sorted(prefixes):
            states = await self._shard.read(partial(media.states, prefix=prefix))
            files = await self._thread(partial(self._store.files, prefix))
            strays = [path for name, path in files.items() if states.get(name) not in ("ready", "wanted")]
            lost = [name for name, state in states.items() if state == "ready" and name not in files]
            if strays or lost:
                log.info("media.settled", strays=len(strays), lost=len(lost))
                await self._remove(strays, lost, "the file was not in the device's folder")

    async def make_room(self) -> None:
        """Remove the files that are too old, and the longest unused while there are too many bytes."""
        excess = 0
        if self._most:
            excess = await self._shard.read(media.total) - self._most
        while True:
            ids = []
            for row in await self._shard.read(partial(media.oldest, limit=_BATCH)):
                old = self._days and row.used_at < now() - self._days * _DAY
                if not old and excess <= 0:
                    break
                ids.append(row.id)
                excess -= row.size
            if not ids:
                return
            paths = [self._store.path_of(media_id) for media_id in ids]
            await self._remove(paths, ids, "the file was removed from the device's folder to make room")
            log.info("media.removed", files=len(ids))

    async def _remove(self, paths: list[Path], ids: list[str], reason: str) -> None:
        # The files first: on a full disk no row can be changed. A row that lies is found out by its reader.
        await self._thread(partial(self._store.remove, paths))
        write = self._shard.write(lambda connection: media.save_removed(connection, ids, reason))
        await asyncio.wrap_future(write)

    async def _thread(self, function: Callable[[], T]) -> T:
        return await in_thread(self._executor, function)
