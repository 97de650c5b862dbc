"""The window: events that were read from the log, and how far a hook is done with all of them."""

from collections import deque

from workers.shard.log import LogRow

_EVENTS = 192
_BYTES = 4 * 1024 * 1024


class Window:
    """Events finish in any order; `cursor` is where all before are finished, `read` how far was read."""

    def __init__(self, cursor: int) -> None:
        self.read = cursor
        self._seqs: deque[int] = deque()
        self._finished: set[int] = set()
        self._bytes = 0

    @property
    def cursor(self) -> int:
        """All events up to this one are finished."""
        return self._seqs[0] - 1 if self._seqs else self.read

    @property
    def unfinished(self) -> int:
        """How many events are here."""
        return len(self._seqs) - len(self._finished)

    @property
    def full(self) -> bool:
        """Whether nothing more should be read for now."""
        return len(self._seqs) >= _EVENTS or self._bytes >= _BYTES

    def add(self, row: LogRow) -> None:
        """An event that was read, in the order of the log."""
        self._seqs.append(row.seq)
        self._bytes += len(row.body)

    def finish(self, row: LogRow) -> None:
        """Nobody need wait for this one any more."""
        self._finished.add(row.seq)
        self._bytes -= len(row.body)
        while self._seqs and self._seqs[0] in self._finished:
            self._finished.remove(self._seqs.popleft())
