"""Events that no message or file brings with it: kept in the order in which they are told."""

import asyncio
import sqlite3
import threading
from collections import deque
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Generic

import msgspec
import structlog

from wagateway.contract import Problem
from wagateway.events import Kind, P
from workers.head import Head
from workers.patience import FIRST_PAUSE
from workers.shard import Shard
from workers.shard import log as event_log
from workers.shard.log import Own
from workers.shard.writer import STORAGE

_MOST_WAITING = 256
_LONGEST_PAUSE = 10.0

log = structlog.get_logger()


class _Self(msgspec.Struct):
    """Whose event it is: the account may be another one by the time it is written."""

    id: str
    jid: str


class _Told(Generic[P]):
    """An event to append; `at` is where the last attempt put it, which may have been undone since."""

    __slots__ = ("at", "chat", "kind", "own", "payload")

    def __init__(self, own: _Self, kind: Kind[P], payload: P, chat: str) -> None:
        self.own = own
        self.kind = kind
        self.payload = payload
        self.chat = chat
        self.at: tuple[int, str] | None = None

    def kept(self, connection: sqlite3.Connection) -> bool:
        """Whether it is in the log."""
        return self.at is not None and _id_at(connection, self.at[0]) == self.at[1]

    def keep(self, connection: sqlite3.Connection) -> int:
        """Append it."""
        seq = event_log.append(connection, self.own, self.kind, self.chat, self.payload)
        self.at = seq, _id_at(connection, seq)
        return seq


class Teller:
    """Appends events to the log of a shard. Make it on the loop; call it on any thread.

    While the disk fails, the newest 256 events wait for it. What was told before the shard is closed is
    committed by that.
    """

    def __init__(self, shard: Shard, own: Own, head: Head, *, pause: float = FIRST_PAUSE) -> None:
        self._shard = shard
        self._own = own
        self._head = head
        self._loop = asyncio.get_running_loop()
        self._first_pause = self._pause = pause
        self._lock = threading.Lock()
        self._waiting: deque[_Told[Any]] = deque()
        self._dropped = 0
        self._trying = False

    def tell(self, kind: Kind[P], payload: P, chat: str = "") -> None:
        """Append an event of the device; returns at once."""
        with self._lock:
            self._waiting.append(_Told(_Self(self._own.id, self._own.jid), kind, payload, chat))
            if len(self._waiting) > _MOST_WAITING:
                self._waiting.popleft()
                self._dropped += 1
        self._submit()

    def _submit(self) -> None:
        # Each event brings a write of its own, though one write appends all that wait: a write that was told
        # of before the shard was closed is done, whereas nobody could ask for another one then.
        with suppress(Problem):  # the shard is closed
            self._shard.write(self._append, lazy=True).add_done_callback(self._appended)

    def _append(self, connection: sqlite3.Connection) -> tuple[int, _Told[Any]] | None:
        """Append what waits and is not in the log: a write before this one, not committed yet, may have."""
        missing: deque[_Told[Any]] = deque()
        for told in reversed(self._snapshot()):
            if told.kept(connection):
                break
            missing.appendleft(told)
        seqs = [told.keep(connection) for told in missing]
        return (seqs[-1], missing[-1]) if seqs else None

    def _snapshot(self) -> list[_Told[Any]]:
        with self._lock:
            return list(self._waiting)

    def _appended(self, future: Future[tuple[int, _Told[Any]] | None]) -> None:
        error = future.exception()
        if error is None:
            if done := future.result():
                self._forget(done[1])
                self._head.committed(done[0])
        elif isinstance(error, Problem) and error.code in STORAGE:
            self._try_later(error.code)
        else:
            # A bug that one event shows must not keep those behind it waiting for ever.
            log.error("telling.failed", exc_info=error)
            with self._lock:
                self._waiting.clear()

    def _forget(self, last: _Told[Any]) -> None:
        with self._lock:
            while last in self._waiting:
                self._waiting.popleft()
            self._pause = self._first_pause
            dropped, self._dropped = self._dropped, 0
        if dropped:
            log.warning("telling.dropped", events=dropped)

    def _try_later(self, why: str) -> None:
        with self._lock:
            if self._trying:
                return
            self._trying, pause = True, self._pause
            self._pause = min(pause * 2, _LONGEST_PAUSE)
        log.warning("telling.waiting_for_disk", code=why, pause=pause)
        with suppress(RuntimeError):  # the loop is closed: nothing comes after
            self._loop.call_soon_threadsafe(self._loop.call_later, pause, self._again)

    def _again(self) -> None:
        with self._lock:
            self._trying = False
        self._submit()


def _id_at(connection: sqlite3.Connection, seq: int) -> str:
    row = connection.execute("SELECT event_id FROM log WHERE seq = ?", (seq,)).fetchone()
    return str(row[0]) if row else ""
