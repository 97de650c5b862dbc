"""A shard keeps what it acknowledged, and one write's failure is its own."""

import asyncio
import itertools
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import Future
from pathlib import Path

import pytest

from tests.workers.conftest import rows
from wagateway.contract import Problem
from wagateway.database import Unusable
from workers.shard import Shard, writer

COUNT = "SELECT count(*) FROM contacts"


def name(connection: sqlite3.Connection, jid: str, text: str = "x") -> str:
    connection.execute("INSERT INTO contacts (jid, name) VALUES (?, ?)", (jid, text))
    return jid


def test_a_write_returns_its_result_after_the_commit(shard: Shard, path: Path) -> None:
    assert shard.write(lambda c: name(c, "a")).result() == "a"
    other = sqlite3.connect(path)
    assert other.execute(COUNT).fetchone() == (1,)
    other.close()


async def test_a_read_sees_what_was_committed(shard: Shard) -> None:
    await asyncio.wrap_future(shard.write(lambda c: name(c, "a")))
    assert await shard.read(lambda c: c.execute(COUNT).fetchone()) == (1,)


async def test_a_read_cannot_write(shard: Shard) -> None:
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        await shard.read(lambda c: name(c, "a"))


def together(shard: Shard, *writes: object) -> list[Future[object]]:
    """Submit the writes while the writer is busy, so that they share a transaction."""
    busy, go = threading.Event(), threading.Event()

    def hold(connection: sqlite3.Connection) -> None:
        busy.set()
        go.wait(5)

    shard.write(hold)
    busy.wait(5)
    futures = [shard.write(write) for write in writes]  # type: ignore[arg-type]
    go.set()
    return futures  # type: ignore[return-value]


def test_writes_that_wait_share_a_transaction_and_a_failing_one_undoes_only_itself(shard: Shard) -> None:
    def bad(connection: sqlite3.Connection) -> None:
        name(connection, "half")
        raise ValueError("no")

    first, second, third = together(shard, lambda c: name(c, "a"), bad, lambda c: name(c, "b"))
    assert first.result() == "a"
    assert third.result() == "b"
    with pytest.raises(ValueError, match="no"):
        second.result()
    assert rows(shard, "SELECT jid FROM contacts ORDER BY jid") == [("a",), ("b",)]


def test_a_write_that_ends_the_shared_transaction_does_not_take_others_with_it(shard: Shard) -> None:
    def rude(connection: sqlite3.Connection) -> None:
        connection.execute("ROLLBACK")
        raise ValueError("rude")

    first, second, third = together(shard, lambda c: name(c, "a"), rude, lambda c: name(c, "b"))
    assert [first.result(), third.result()] == ["a", "b"]
    with pytest.raises(ValueError, match="rude"):
        second.result()
    assert rows(shard, COUNT) == [(2,)]


def limit(shard: Shard, pages: int) -> None:
    """Make a disk that has room for so many pages more."""

    def change(connection: sqlite3.Connection) -> None:
        used = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {used + pages}")

    shard.write(change).result()


class Changes:
    """What a shard says of its disk, change by change."""

    def __init__(self, shard: Shard) -> None:
        self.seen: list[str] = []
        self.news = threading.Semaphore(0)
        self._shard = shard
        shard.tell_changes(self._changed)

    def next(self) -> str:
        assert self.news.acquire(timeout=5)
        return self.seen[-1]

    def _changed(self) -> None:
        self.seen.append(self._shard.failing)
        self.news.release()


def fault(connection: sqlite3.Connection) -> None:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR  # type: ignore[misc]
    raise error


async def test_a_fault_of_the_disk_that_ends_a_read_is_told_as_such(shard: Shard) -> None:
    def ended(connection: sqlite3.Connection) -> None:
        connection.execute("ROLLBACK")  # as SQLite does by itself
        fault(connection)

    with pytest.raises(sqlite3.OperationalError, match="disk I/O error"):
        await shard.read(ended)


def test_a_full_disk_is_a_507_and_passes(shard: Shard) -> None:
    limit(shard, 2)
    small, big = together(shard, lambda c: name(c, "a"), lambda c: name(c, "b", "x" * 100_000))
    assert small.result() == "a"
    with pytest.raises(Problem) as caught:
        big.result()
    assert (caught.value.status, caught.value.code) == (507, "STORAGE_FULL")
    limit(shard, 1000)
    assert shard.write(lambda c: name(c, "b", "x" * 100_000)).result() == "b"


def test_a_full_disk_shows_until_a_write_succeeds(shard: Shard) -> None:
    changes = Changes(shard)
    limit(shard, 2)
    small, big = together(shard, lambda c: name(c, "a"), lambda c: name(c, "b", "x" * 100_000))
    with pytest.raises(Problem):
        big.result()
    assert ("a", "full") == (small.result(), changes.next())
    limit(shard, 1000)
    assert "" == changes.next()
    assert ["full", ""] == changes.seen


def test_a_disk_that_works_again_is_found_out_while_nobody_writes(path: Path) -> None:
    shard = Shard.open(path, probe=0.001)
    changes = Changes(shard)
    with pytest.raises(Problem):
        shard.write(fault).result()
    assert ["failed", ""] == [changes.next(), changes.next()]
    shard.close()


def test_a_disk_that_stays_broken_is_tried_on_and_on(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    probed, mended = threading.Semaphore(0), threading.Event()

    def probe(connection: sqlite3.Connection) -> None:
        probed.release()
        if not mended.is_set():
            fault(connection)

    monkeypatch.setattr(writer, "_write_something", probe)
    shard = Shard.open(path, probe=0.001)
    changes = Changes(shard)
    with pytest.raises(Problem):
        shard.write(fault).result()
    assert all(probed.acquire(timeout=5) for _ in range(3))
    assert ["failed"] == changes.seen
    mended.set()
    assert changes.news.acquire(timeout=5)
    assert "" == changes.next()
    shard.close()


def test_a_write_that_fails_for_itself_says_nothing_about_the_disk(shard: Shard) -> None:
    with pytest.raises(ZeroDivisionError):
        shard.write(lambda _: 1 / 0).result()
    assert "" == shard.failing


def test_the_size_is_that_of_all_its_files(shard: Shard, path: Path) -> None:
    shard.write(lambda c: name(c, "a")).result()
    wal = path.with_name(path.name + "-wal")
    assert path.stat().st_size + wal.stat().st_size == shard.size() > 0


def test_after_a_disk_fault_the_file_is_opened_anew(shard: Shard) -> None:
    shard.write(lambda c: name(c, "a")).result()
    with pytest.raises(Problem) as caught:
        shard.write(fault).result()
    assert (caught.value.status, caught.value.code) == (503, "STORAGE_FAILED")
    assert shard.write(lambda c: name(c, "b")).result() == "b"
    assert rows(shard, COUNT) == [(2,)]


def test_closing_commits_what_was_submitted_and_refuses_more(path: Path) -> None:
    shard = Shard.open(path)
    futures = together(shard, *(lambda c, n=n: name(c, str(n)) for n in range(50)))
    shard.close()
    assert {str(n) for n in range(50)} == {future.result() for future in futures}
    with pytest.raises(Problem):
        shard.write(lambda c: name(c, "late"))


def test_a_damaged_file_that_was_not_closed_is_refused(path: Path) -> None:
    shard = Shard.open(path)
    for n in range(200):
        shard.write(lambda c, n=n: name(c, str(n), "y" * 200))  # type: ignore[misc]
    shard.close()
    damaged = bytearray(path.read_bytes())
    for start in range(8192, len(damaged), 4096):
        damaged[start : start + 2000] = os.urandom(2000)
    path.write_bytes(damaged)
    path.with_name("shard.db-wal").touch()
    with pytest.raises(Unusable):
        Shard.open(path)


WRITER = """
import sys
from pathlib import Path
from workers.shard import Shard, writer
shard = Shard.open(Path(sys.argv[1]))
start = int(sys.argv[2])
def insert(connection, n):
    connection.execute("INSERT INTO contacts (jid, name) VALUES (?, 'x')", (str(n),))
    return n
while True:
    futures = [shard.write(lambda c, n=n: insert(c, n)) for n in range(start, start + 7)]
    for future in futures:
        sys.stdout.write(f"{future.result()}\\n")
        sys.stdout.flush()
    start += 7
"""


def test_everything_acknowledged_survives_kill_9(path: Path) -> None:
    acknowledged: list[str] = []
    for round_number in range(4):
        start = round_number * 1_000_000
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(start)], stdout=subprocess.PIPE, text=True
        )
        with writer:
            assert writer.stdout is not None
            some = random.randint(1, 400)
            acknowledged += [line.strip() for line in itertools.islice(writer.stdout, some)]
            writer.send_signal(signal.SIGKILL)
            acknowledged += [line.strip() for line in writer.stdout if line.endswith("\n")]
    shard = Shard.open(path)
    stored = {row[0] for row in rows(shard, "SELECT jid FROM contacts")}
    shard.close()
    assert set() == set(acknowledged) - stored
