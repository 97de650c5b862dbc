"""Which events of the log may go: what nobody is to get any more, oldest first, a few at a time."""

import sqlite3

import msgspec

from workers.shard.log import last_seq

_END = 2**63 - 1

# A replay of dead letters holds nothing back: those are kept for themselves.
_OWED = """
SELECT min(cursor) FROM (
    SELECT cursor FROM hooks WHERE state = 'active'
    UNION ALL SELECT a.cursor FROM lanes a JOIN hooks h ON h.id = a.hook WHERE h.state = 'active'
    UNION ALL SELECT cursor FROM replays WHERE dead = 0 AND created_at > :since
)
"""
_WAITING = """
SELECT min(cursor) FROM (
    SELECT cursor FROM hooks WHERE state != 'active'
    UNION ALL SELECT a.cursor FROM lanes a JOIN hooks h ON h.id = a.hook WHERE h.state != 'active'
)
"""
_LOOK = """
SELECT seq, time, length(body), EXISTS (
    SELECT 1 FROM deliveries d INDEXED BY deliveries_dead WHERE d.seq = l.seq AND d.state = 'dead'
) FROM log l WHERE seq > :after AND seq <= :floor ORDER BY seq LIMIT :limit
"""
_OUTLIVED = """
SELECT hook, seq, at FROM deliveries INDEXED BY deliveries_dead
WHERE state = 'dead' AND seq > :after ORDER BY seq LIMIT :limit
"""


class Limits(msgspec.Struct, frozen=True):
    """What is too old, in Unix milliseconds, and how many bytes of events there may be; 0 for no limit."""

    oldest: int
    most: int


class Doomed(msgspec.Struct, frozen=True):
    """Events that may go. `reached` is the last one looked at, `over` that none behind it may."""

    seqs: list[int]
    reached: int
    over: bool


def owed(connection: sqlite3.Connection, limits: Limits, *, old: bool) -> int:
    """Up to which number no hook is to get an event any more.

    A replay is waited for until it is itself as old as the oldest event may be. For `old` events those hooks
    do not count that are paused or gone.
    """
    (least,) = connection.execute(_OWED, {"since": limits.oldest or -1}).fetchone()
    if not old:
        (waiting,) = connection.execute(_WAITING).fetchone()
        least = min((one for one in (least, waiting) if one is not None), default=None)
    return _END if least is None else int(least)


def too_old(connection: sqlite3.Connection, limits: Limits, after: int, limit: int) -> Doomed:
    """The next events after a number that are too old, as is each before them but for dead letters."""
    if not limits.oldest:
        return Doomed([], after, over=True)
    doomed: list[int] = []
    reached, seen = after, 0
    for seq, time, _, dead in _look(connection, after, owed(connection, limits, old=True), limit):
        if time >= limits.oldest:
            return Doomed(doomed, reached, over=True)
        if not dead:
            doomed.append(seq)
        reached, seen = seq, seen + 1
    return Doomed(doomed, reached, over=seen < limit)


def too_many(connection: sqlite3.Connection, limits: Limits, after: int, limit: int, *, dead: bool) -> Doomed:
    """The next events after a number that must go for want of room; of dead letters only with `dead`."""
    excess = held(connection) - limits.most if limits.most else 0
    if excess <= 0:
        return Doomed([], after, over=True)
    doomed: list[int] = []
    reached, seen = after, 0
    for seq, _, size, is_dead in _look(connection, after, owed(connection, limits, old=False), limit):
        if dead or not is_dead:
            doomed.append(seq)
            excess -= size
        reached, seen = seq, seen + 1
        if excess <= 0:
            return Doomed(doomed, reached, over=True)
    return Doomed(doomed, reached, over=seen < limit)


def remove(connection: sqlite3.Connection, limits: Limits, seqs: list[int], *, old: bool, dead: bool) -> int:
    """Remove those of these events that still may go, with what became of them; returns how many went.

    They are looked at again, because a hook, a replay or a dead letter may have come since.
    """
    if not seqs:
        return 0
    floor = owed(connection, limits, old=old)
    marks = ", ".join("?" * len(seqs))
    query = f"SELECT seq FROM log WHERE seq IN ({marks}) AND seq <= ?"  # noqa: S608  question marks
    if not dead:
        query += (
            " AND NOT EXISTS (SELECT 1 FROM deliveries d INDEXED BY deliveries_dead"
            " WHERE d.seq = log.seq AND d.state = 'dead')"
        )
    gone = connection.execute(query, (*seqs, floor)).fetchall()
    connection.executemany(
        "DELETE FROM deliveries WHERE hook = ? AND seq = ?",
        [(hook, seq) for hook in hooks(connection) for (seq,) in gone],
    )
    connection.executemany("DELETE FROM log WHERE seq = ?", gone)
    return len(gone)


def outlived(
    connection: sqlite3.Connection, oldest: int, after: int, limit: int
) -> tuple[list[tuple[str, int]], int | None]:
    """The hooks and numbers of dead letters last tried before `oldest`, among the next after a number.

    The second is the last one looked at, None at the end.
    """
    rows = connection.execute(_OUTLIVED, {"after": after, "limit": limit}).fetchall()
    if len(rows) == limit:
        # All those of an event are looked at together.
        last = rows[-1][1]
        rows = [row for row in rows if row[1] < last] or rows
    return [(hook, seq) for hook, seq, at in rows if at < oldest], rows[-1][1] if rows else None


def forget_letters(connection: sqlite3.Connection, oldest: int, letters: list[tuple[str, int]]) -> None:
    """These dead letters are kept no more, unless they were tried again since."""
    connection.executemany(
        "DELETE FROM deliveries WHERE hook = ? AND seq = ? AND state = 'dead' AND at < ?",
        [(hook, seq, oldest) for hook, seq in letters],
    )


def hooks(connection: sqlite3.Connection) -> list[str]:
    """The ids of all hooks."""
    return [hook for (hook,) in connection.execute("SELECT id FROM hooks")]


def held(connection: sqlite3.Connection) -> int:
    """How many bytes the events of the log have."""
    return int(connection.execute("SELECT bytes FROM log_totals").fetchone()[0])


def gone(connection: sqlite3.Connection) -> int:
    """How many events the log held once and holds no more."""
    (events,) = connection.execute("SELECT events FROM log_totals").fetchone()
    return last_seq(connection) - int(events)


def _look(connection: sqlite3.Connection, after: int, floor: int, limit: int) -> sqlite3.Cursor:
    return connection.execute(_LOOK, {"after": after, "floor": floor, "limit": limit})
