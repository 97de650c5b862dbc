"""The only connection that writes a shard, owned by one thread: what waits together commits together."""

import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Generic, Literal, TypeVar

import structlog

from wagateway.contract import Problem
from wagateway.database import as_problem, damages
from wagateway.problems import device_unavailable

T = TypeVar("T")
Connect = Callable[[bool], sqlite3.Connection]

_BATCH = 256
_LAZY_SECONDS = 0.02
PROBE_SECONDS = 1.0
_PROBE_SHARE = 10  # looking whether the disk works again takes a tenth of the time at most
STORAGE = frozenset({"STORAGE_FULL", "STORAGE_FAILED"})
"""The codes of a write that failed for want of a working disk: nothing was stored, a repeat may succeed."""

CLOSED = "DEVICE_UNAVAILABLE"
"""The code of a write that comes when the shard is closed."""

Failing = Literal["", "full", "failed"]
"""Why nothing can be stored at present, "" when it can."""
_FAILING: dict[str, Failing] = {"STORAGE_FULL": "full", "STORAGE_FAILED": "failed"}

log = structlog.get_logger()


class _Write(Generic[T]):
    __slots__ = ("function", "future", "lazy", "outcome")

    def __init__(self, function: Callable[[sqlite3.Connection], T], *, lazy: bool) -> None:
        self.function = function
        self.lazy = lazy
        self.future: Future[T] = Future()
        self.outcome: T | Exception | None = None


class Writer:
    """`connect(verify)` opens the file; after a disk fault it is called again with `verify` true.

    `failing` is why the last transaction could not be stored. As long as it could not, the writer tries by
    itself each `probe` seconds when nobody else does; `changed` is called in its thread when that changes.
    """

    def __init__(self, connect: Connect, verify: bool, probe: float = PROBE_SECONDS) -> None:
        self.failing: Failing = ""
        self.changed: Callable[[], object] = _nobody_listens
        self._probe_seconds = probe
        self._probe_wait = probe
        self._connect = connect
        self._connection: sqlite3.Connection | None = connect(verify)
        self._queue: queue.SimpleQueue[_Write[Any] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="shard-write", daemon=True)
        self._thread.start()

    def submit(self, function: Callable[[sqlite3.Connection], T], *, lazy: bool = False) -> Future[T]:
        """Run `function` in the next transaction; the future is done when that is on disk.

        A `lazy` one waits up to 20 ms for another that is not, to share its transaction and its sync.

        The function only uses the connection and its arguments: it is run again when the transaction it
        shared with others fails. What it raises undoes its own changes only and becomes the future's
        exception; so does a `Problem` with one of the codes in `STORAGE`.
        """
        write = _Write(function, lazy=lazy)
        with self._lock:
            if self._closed:
                raise device_unavailable("The device is stopping; nothing was stored")
            self._queue.put(write)
        return write.future

    def close(self) -> None:
        """Commit what was submitted and close the file."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        more = True
        while more:
            batch, more = self._next()
            self._commit([write for write in batch if write.future.set_running_or_notify_cancel()])
        if self._connection is not None:
            self._connection.close()

    def _next(self) -> tuple[list[_Write[Any]], bool]:
        batch: list[_Write[Any]] = []
        try:
            write = self._queue.get(timeout=self._probe_wait if self.failing else None)
        except queue.Empty:
            self._probe()
            return [], True
        until, hurry = time.monotonic() + _LAZY_SECONDS, False
        while write is not None:
            batch.append(write)
            if len(batch) == _BATCH:
                return batch, True
            hurry = hurry or not write.lazy
            patience = 0.0 if hurry else max(0.0, until - time.monotonic())
            try:
                write = self._queue.get(timeout=patience) if patience else self._queue.get_nowait()
            except queue.Empty:
                return batch, True
        return batch, False

    def _commit(self, batch: list[_Write[Any]]) -> None:
        if not batch:
            return
        try:
            self._transact(batch)
        except Exception as error:  # noqa: BLE001  the thread's edge: if it ended, all would wait for ever
            self._failed(batch, error)
            return
        self._now_failing(next(filter(None, (_failing(write.outcome) for write in batch)), ""))
        for write in batch:
            if isinstance(write.outcome, Exception):
                write.future.set_exception(write.outcome)
            else:
                write.future.set_result(write.outcome)

    def _transact(self, batch: list[_Write[Any]]) -> None:
        if self._connection is None:
            self._connection = self._connect(True)
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            for write in batch:
                write.outcome = _attempt(connection, write.function)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _failed(self, batch: list[_Write[Any]], error: Exception) -> None:
        problem = as_problem(error)
        if not self.failing or not _failing(problem):
            log.warning("shard.write_failed", error=str(error), writes=len(batch))
        if damages(error):
            # After a failed write or sync SQLite's cache may be ahead of the disk: trust only a fresh look.
            if self._connection is not None:
                self._connection.close()
            self._connection = None
        elif len(batch) > 1:
            for write in batch:
                self._commit([write])
            return
        self._now_failing(_failing(problem) or self.failing)
        for write in batch:
            write.future.set_exception(problem)

    def _probe(self) -> None:
        began = time.monotonic()
        self._commit([_Write(_write_something, lazy=False)])
        # To open a large file anew takes long: it is read through.
        self._probe_wait = max(self._probe_seconds, _PROBE_SHARE * (time.monotonic() - began))

    def _now_failing(self, failing: Failing) -> None:
        if failing == self.failing:
            return
        self.failing = failing
        self._probe_wait = self._probe_seconds
        if failing:
            log.error("shard.failing", why=failing)
        else:
            log.info("shard.writable")
        with suppress(RuntimeError):  # the loop that is to hear of it is closed
            self.changed()


def _attempt(connection: sqlite3.Connection, function: Callable[[sqlite3.Connection], T]) -> T | Exception:
    connection.execute("SAVEPOINT one")
    try:
        outcome: T | Exception = function(connection)
    except Exception as error:  # the writer's edge: what a write raises belongs to who submitted it
        if not connection.in_transaction or damages(error):
            raise  # SQLite gave the whole transaction up
        connection.execute("ROLLBACK TO one")
        outcome = as_problem(error)
    connection.execute("RELEASE one")
    return outcome


def once_kept(future: Future[T], done: Callable[[T], object]) -> None:
    """Have `done` called with what a write returned when it is on disk; never when it could not be kept.

    It is called on the writer's thread, also where whoever submitted the write does not wait any more.
    """

    def kept(finished: Future[T]) -> None:
        if not finished.cancelled() and finished.exception() is None:
            done(finished.result())

    future.add_done_callback(kept)


def _failing(outcome: object) -> Failing:
    return _FAILING.get(outcome.code, "") if isinstance(outcome, Problem) else ""


def _write_something(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT OR REPLACE INTO marks (name, at) VALUES ('disk_probe', 0)")


def _nobody_listens() -> None:
    """Until somebody wants to know."""
