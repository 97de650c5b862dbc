"""Pauses after failures, as rows keep them: their length, and when they end by the clock."""


def left(due: int, pause: int, moment: int) -> float:
    """How many seconds are left at a moment: never more than the pause was long, whatever the clock says.

    `due` and `moment` are Unix milliseconds, `pause` milliseconds.
    """
    return min(max(due - moment, 0), pause) / 1000


def due(left: float, pause: float, moment: int) -> int:
    """When a pause ends of which so many seconds are left, in Unix milliseconds; 0 when there is none."""
    return moment + int(left * 1000) if pause else 0
