"""The shard as the rest of a worker uses it: writes that are durable when answered, reads beside them."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Self, TypeVar

from wagateway.database import Unusable, open_database
from workers.shard.schema import SCHEMA
from workers.shard.writer import PROBE_SECONDS, Failing, Writer

T = TypeVar("T")

_READERS = 2
_CHECKED = 16 * 1024 * 1024  # bytes; a check of this much takes about 0.1 s
_READ_PRAGMAS = (
    "PRAGMA busy_timeout = 2000",
    "PRAGMA query_only = ON",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA cache_size = -1024",
)


class Shard:
    """One device's file. Any thread may write; reads are awaited on the loop."""

    def __init__(self, path: Path, writer: Writer) -> None:
        self._path = path
        self._writer = writer
        self._executor = ThreadPoolExecutor(_READERS, "shard-read")
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = []

    @classmethod
    def open(cls, path: Path, probe: float = PROBE_SECONDS) -> Self:
        """Open or make the file; checked first when its last user did not close it and it is small.

        While the disk fails, it is tried each `probe` seconds whether it works again.

        Raises `Unusable`; a full disk or a locked file is a `sqlite3.OperationalError`, because it may pass.
        """
        # SQLite removes the write-ahead file on a clean close.
        unclean = path.with_name(path.name + "-wal").exists() and path.stat().st_size <= _CHECKED
        return cls(path, Writer(lambda verify: _connect(path, verify), unclean, probe))

    @property
    def failing(self) -> Failing:
        """Why nothing can be stored at present: `full`, `failed` or "", which it becomes by itself."""
        return self._writer.failing

    def tell_changes(self, changed: Callable[[], object]) -> None:
        """From now on `changed` is called when `failing` is another, on a thread of the shard's own."""
        self._writer.changed = changed

    def size(self) -> int:
        """How many bytes the file takes on the disk, with what is still to go into it."""
        names = (self._path.name, self._path.name + "-wal")
        return sum(map(_size, map(self._path.with_name, names)))

    def write(self, function: Callable[[sqlite3.Connection], T], *, lazy: bool = False) -> Future[T]:
        """Run `function(connection)` in the writer thread; the future is done once its changes are on disk.

        A `lazy` one may wait 20 ms for others, which spares a sync. All are done in the order of the calls.

        It may run twice, and it must do nothing but use the connection. Wait with `.result()` in a thread
        and `asyncio.wrap_future` on the loop. The future raises what the function raised, or a `Problem`
        507 `STORAGE_FULL` or 503 `STORAGE_FAILED`; then nothing was changed. Raises 503
        `DEVICE_UNAVAILABLE` when closed.
        """
        return self._writer.submit(function, lazy=lazy)

    async def read(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """What `function(connection)` returns from one consistent view of the file, read only."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._view, function)

    def close(self) -> None:
        """Finish what was begun, commit what was submitted, close the file."""
        self._executor.shutdown()
        for connection in self._readers:
            connection.close()
        self._writer.close()

    def _view(self, function: Callable[[sqlite3.Connection], T]) -> T:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = _connect_reader(self._path)
            self._readers.append(connection)
        connection.execute("BEGIN")
        try:
            return function(connection)
        finally:
            if connection.in_transaction:  # a disk that fails may have ended it
                connection.execute("ROLLBACK")


def _connect(path: Path, verify: bool) -> sqlite3.Connection:
    connection = open_database(path, SCHEMA)
    connection.execute("PRAGMA cell_size_check = ON")
    # Before 3.44 SQLite does not count its own FTS5 among what the triggers of a file may use.
    connection.execute("PRAGMA trusted_schema = ON")
    if verify:
        try:
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        except sqlite3.DatabaseError as error:
            verdict = str(error)
        if verdict != "ok":
            connection.close()
            raise Unusable(f"{path}: {verdict}")
    return connection


def _connect_reader(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
    )
    for pragma in _READ_PRAGMAS:
        connection.execute(pragma).fetchall()
    return connection


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
