"""The pauses between tries of what may fail for a while."""

from collections.abc import Iterator


def pauses(first: float, longest: float) -> Iterator[float]:
    """Seconds to wait after each failure in a row, without end: they double up to the longest."""
    pause = first
    while True:
        yield pause
        pause = min(2 * pause, longest)
