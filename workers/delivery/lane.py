"""A lane: the events of one chat, which a hook gets strictly one after the other."""

import asyncio
from collections import deque
from typing import Literal

from workers.shard.lanes import LaneRow
from workers.shard.log import LogRow

Place = Literal["ready", "busy", "waiting", "held"]


class Lane:
    """At first its events are here, in `rows`, and the main cursor waits for them.

    After a failure it is `behind`: it reads the log by itself from its own `cursor` on, as far as the main
    reader came for its chat, which is `latest`; `waiting` are then so many. The next event failed
    `attempts` times and has waited `waited` seconds, without the `pause` it is in, which ends at `due`.
    A lane is in one `place` at a time, and `held` while the whole endpoint is down.
    """

    __slots__ = (
        "attempts",
        "behind",
        "chat",
        "cursor",
        "due",
        "held_from",
        "latest",
        "pause",
        "place",
        "rows",
        "timer",
        "waited",
        "waiting",
    )

    def __init__(self, chat: str) -> None:
        self.chat = chat
        self.rows: deque[LogRow] = deque()
        self.behind = False
        self.cursor = self.latest = self.waiting = 0
        self.attempts = 0
        self.pause = self.due = self.waited = self.held_from = 0.0
        self.place: Place = "ready"
        self.timer: asyncio.TimerHandle | None = None

    @property
    def next(self) -> int:
        """The least number that its next event can have."""
        return self.rows[0].seq if self.rows else self.cursor + 1

    def fall_behind(self) -> list[LogRow]:
        """From now on it reads by itself; returns the events that nobody else need wait for."""
        rows = list(self.rows)
        self.rows.clear()
        self.behind = True
        self.cursor, self.latest, self.waiting = rows[0].seq - 1, rows[-1].seq, len(rows)
        return rows

    def passed(self, seq: int) -> None:
        """It is done with its next event."""
        self.cursor = seq
        self.waiting = max(0, self.waiting - 1)
        self.attempts = 0
        self.pause = self.waited = 0.0

    def relax(self) -> None:
        """It waits no more by itself."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None

    def row(self, time: float) -> LaneRow:
        """What is to be remembered of it; `time` is the loop's."""
        left = max(0.0, self.due - time) if self.pause else 0.0
        return LaneRow(self.chat, self.cursor, self.attempts, self.pause, left, self.waited)


def restored(row: LaneRow, latest: int, waiting: int, time: float) -> Lane:
    """A lane that is behind, as it is remembered; `time` is the loop's."""
    lane = Lane(row.chat)
    lane.behind = True
    lane.cursor, lane.latest, lane.waiting = row.cursor, latest, waiting
    lane.attempts, lane.pause, lane.waited = row.attempts, row.pause, row.waited
    lane.due = time + row.left
    return lane
