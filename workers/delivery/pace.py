"""How patient whatever fails is tried again."""

import random

import msgspec

_LONGEST_FOR_DISK = 10.0


class Pace(msgspec.Struct, frozen=True):
    """In seconds; waits double from `first` to `longest`, give or take a share of `jitter`.

    `timeout` is for one attempt, and `longest_asked` the longest wait that a receiver is granted.
    """

    first: float = 0.25
    longest: float = 300.0
    jitter: float = 0.2
    longest_asked: float = 86400.0
    timeout: float = 10.0


def pause(pace: Pace, attempts: int, asked: float) -> float:
    """Seconds to wait after so many failed attempts; `asked` is the receiver's own wish."""
    grown = min(pace.longest, pace.first * 2.0 ** min(attempts - 1, 32))
    spread = grown * random.uniform(1 - pace.jitter, 1 + pace.jitter)  # noqa: S311  spreads load, keeps no secret
    return max(spread, min(asked, pace.longest_asked))


def pause_for_disk(pace: Pace, attempts: int) -> float:
    """The same until a disk that fails is tried again: 10 at most."""
    return min(pause(pace, attempts, 0), _LONGEST_FOR_DISK)
