"""Hooks: one reader of the event log per webhook URL, in order, at least once, retried for ever."""

import asyncio
import random
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from importlib.metadata import version
from typing import Self
from urllib.parse import urlsplit

import aiohttp
import msgspec
import structlog

from wagateway.commands.internal import Hooks
from wagateway.contract import Problem
from workers.shard import Shard, hooks
from workers.shard import log as event_log
from workers.shard.hooks import HookRow
from workers.shard.log import LogRow
from workers.signature import signed_headers

_BATCH = 64
_ENOUGH = 65536  # bytes of an answer that are read so that the connection can be used again
_USER_AGENT = f"wagateway/{version('wagateway')}"
_HIDDEN_CHATS = "@broadcast"  # the real server tells hooks nothing of status posts

log = structlog.get_logger()


class Pace(msgspec.Struct, frozen=True):
    """How patient a hook is, in seconds; waits double from `first` to `longest`, give or take `jitter`."""

    first: float = 1.0
    longest: float = 60.0
    jitter: float = 0.2
    longest_asked: float = 3600.0
    timeout: float = 10.0


class Failed(Exception):
    """An attempt that did not deliver; `retry_after` is what the receiver asked for, in seconds."""

    def __init__(self, why: str, retry_after: float = 0.0) -> None:
        super().__init__(why)
        self.why = why
        self.retry_after = retry_after


class Delivery:
    """All hooks of a device. Use it on the loop; only `committed` may be called on any thread."""

    def __init__(self, shard: Shard, pace: Pace, head: int, first: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._shard = shard
        self._pace = pace
        self._hooks: list[Hook] = []
        self._head = head
        self._first = first
        self._group: asyncio.TaskGroup | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._changing = asyncio.Lock()

    @classmethod
    async def open(cls, shard: Shard, wanted: Hooks, pace: Pace | None = None) -> Self:
        """The hooks of a device: a new one starts at the end of the log, a known one where it was."""
        head, held = await shard.read(
            lambda connection: (event_log.last_seq(connection), event_log.count(connection))
        )
        delivery = cls(shard, pace or Pace(), head, head - held)
        await delivery.change(wanted)
        return delivery

    async def change(self, wanted: Hooks) -> None:
        """Have these hooks from now on; raises `Problem` when the disk cannot keep that."""
        async with self._changing:
            for task in self._tasks:
                task.cancel()
            if self._tasks:
                await asyncio.wait(self._tasks)  # as they end they save how far they came
            try:
                rows = await asyncio.wrap_future(
                    self._shard.write(lambda connection: hooks.sync_hooks(connection, wanted.urls))
                )
                self._hooks = [Hook(self._shard, row, self._head, wanted, self._pace) for row in rows]
            finally:
                self._start()

    async def run(self) -> None:
        """Deliver until cancelled."""
        async with asyncio.TaskGroup() as self._group:
            self._start()
            await asyncio.Event().wait()  # hooks may come later

    def _start(self) -> None:
        if self._group is not None:
            self._tasks = [
                self._group.create_task(hook.run(), name=f"hook {hook.host}") for hook in self._hooks
            ]

    def committed(self, seq: int) -> None:
        """The log holds events up to this one."""
        with suppress(RuntimeError):  # the loop is closed: the next start reads on
            self._loop.call_soon_threadsafe(self._advance, seq)

    def depth(self) -> int:
        """How many events the log holds."""
        return self._head - self._first

    def lag(self) -> int:
        """How many events the hook that is farthest behind has not got yet."""
        return max((hook.head - hook.cursor for hook in self._hooks), default=0)

    def _advance(self, seq: int) -> None:
        self._head = max(self._head, seq)
        for hook in self._hooks:
            hook.advance(self._head)


class Hook:
    """One URL: what it got, and the task that gives it the rest."""

    def __init__(self, shard: Shard, row: HookRow, head: int, wanted: Hooks, pace: Pace) -> None:
        self.head = head
        self.cursor = row.cursor
        self.host = urlsplit(row.url).hostname or ""
        self._shard = shard
        self._row = row
        self._secret = wanted.secret
        self._pace = pace
        self._verify = not wanted.insecure
        self._wanted = frozenset(name.lower() for name in wanted.events)
        self._more = asyncio.Event()
        self._saving: asyncio.Task[None] | None = None

    def advance(self, head: int) -> None:
        """There are events up to `head`."""
        self.head = head
        self._more.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        try:
            async with self._session() as session:
                await asyncio.sleep(self._row.wait)
                while True:
                    for row in await self._next():
                        if self._wants(row):
                            await self._until_delivered(session, row)
                        self.cursor = row.seq
                        self._save_soon()
        finally:
            self._save_at_last()

    async def _next(self) -> list[LogRow]:
        while self.cursor >= self.head:
            self._more.clear()
            await self._more.wait()
        return await self._shard.read(partial(event_log.read_after, cursor=self.cursor, limit=_BATCH))

    def _session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=1, ssl=self._verify, keepalive_timeout=60),
            timeout=aiohttp.ClientTimeout(total=self._pace.timeout),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"Content-Type": "application/json", "User-Agent": _USER_AGENT},
            auto_decompress=False,
        )

    def _wants(self, row: LogRow) -> bool:
        if row.chat.endswith(_HIDDEN_CHATS):
            return False
        return not self._wanted or row.kind.lower() in self._wanted

    async def _until_delivered(self, session: aiohttp.ClientSession, row: LogRow) -> None:
        attempts = self._row.attempts if self.cursor == self._row.cursor else 0
        while True:
            try:
                await self._post(session, row)
            except Failed as failure:
                attempts += 1
                await self._failed(attempts, failure)
            else:
                if attempts:
                    log.info("hook.recovered", host=self.host, attempts=attempts)
                return

    async def _post(self, session: aiohttp.ClientSession, row: LogRow) -> None:
        headers = signed_headers(self._secret, row.event_id, int(time.time()), row.body)
        try:
            async with session.post(
                self._row.url, data=row.body, headers=headers, allow_redirects=False
            ) as response:
                if not 200 <= response.status < 300:
                    raise Failed(f"HTTP {response.status}", _retry_after(response.headers.get("Retry-After")))
                with suppress(aiohttp.ClientError, TimeoutError):
                    await response.content.read(_ENOUGH)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise Failed(type(error).__name__) from error

    async def _failed(self, attempts: int, failure: Failed) -> None:
        wait = pause(self._pace, attempts, failure.retry_after)
        row = HookRow(self._row.url, self.cursor, attempts, wait)
        if attempts == 1:
            log.warning("hook.failing", host=self.host, why=failure.why, retry_in=round(wait, 1))
        await self._stored(partial(hooks.save_failure, hook=row, error=failure.why))
        await asyncio.sleep(wait)

    def _save_soon(self) -> None:
        # One save at a time, of the newest cursor: at a high rate many events share a commit.
        if self._saving is None or self._saving.done():
            self._saving = asyncio.create_task(self._save(), name="save cursor")

    async def _save(self) -> None:
        saved = -1
        while saved != self.cursor:
            saved = self.cursor
            if not await self._stored(partial(hooks.save_cursor, url=self._row.url, cursor=saved)):
                return  # the next event saves again

    async def _stored(self, write: Callable[[sqlite3.Connection], None]) -> bool:
        try:
            await asyncio.wrap_future(self._shard.write(write))
        except Problem:
            return False  # a full disk delays only what is remembered; deliveries go on, some of them twice
        return True

    def _save_at_last(self) -> None:
        if self._saving is not None:
            self._saving.cancel()
            with suppress(Problem):
                self._shard.write(partial(hooks.save_cursor, url=self._row.url, cursor=self.cursor))


def pause(pace: Pace, attempts: int, asked: float) -> float:
    """Seconds to wait after so many failed attempts; `asked` is the receiver's own wish."""
    grown = min(pace.longest, pace.first * 2.0 ** min(attempts - 1, 32))
    spread = grown * random.uniform(1 - pace.jitter, 1 + pace.jitter)  # noqa: S311  spreads load, keeps no secret
    return max(spread, min(asked, pace.longest_asked))


def _retry_after(value: str | None) -> float:
    if value is None:
        return 0.0
    if value.strip().isascii() and value.strip().isdigit():
        return float(value)
    try:
        when = parsedate_to_datetime(value)
    except ValueError:
        return 0.0
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())
