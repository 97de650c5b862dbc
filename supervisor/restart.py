"""The restart policy: what follows a death, as a pure function."""

import random

import msgspec

from wagateway.exits import PARKS, Exit

HEALTHY_SECONDS = 30.0
FIRST_SECONDS = 0.05
LONGEST_SECONDS = 60.0
INTENSITY = 5
PERIOD_SECONDS = 60.0
QUARANTINE_SECONDS = 300.0
_LEASE_SECONDS = 1.0


class Delay(msgspec.Struct, frozen=True):
    """Start again after so many seconds; `reason` is shown while waiting."""

    seconds: float
    reason: str


class Park(msgspec.Struct, frozen=True):
    """Do not start again until somebody asks."""

    reason: str


def decide(code: int, lived: float, deaths: list[float], now: float, rng: random.Random) -> Delay | Park:
    """What follows exit `code` (a signal is negative) of a process that lived so many seconds.

    `deaths` are the monotonic times of the crashes so far, this one included. The first crash after a
    healthy life is answered at once; then the delay doubles, with jitter, to a minute. More than 5 crashes
    in a minute are a crash loop: one try each 5 minutes.
    """
    if code in PARKS:
        return Park(Exit(code).name.lower())
    if code == Exit.LEASE_HELD:
        return Delay(_LEASE_SECONDS, "lease_held")
    recent = [moment for moment in deaths if now - moment <= PERIOD_SECONDS]
    if len(recent) > INTENSITY:
        return Delay(QUARANTINE_SECONDS * rng.uniform(0.9, 1.1), "crash_loop")
    if lived >= HEALTHY_SECONDS or len(recent) <= 1:
        return Delay(0, "restarting")
    longest = min(FIRST_SECONDS * 2 ** (len(recent) - 1), LONGEST_SECONDS)
    return Delay(longest * rng.uniform(0.5, 1), "restarting")


def describe(code: int) -> str:
    """The exit in a word: a signal's number, an `Exit`'s name or the plain code."""
    if code < 0:
        import signal

        return signal.Signals(-code).name
    try:
        return Exit(code).name.lower()
    except ValueError:
        return f"exit_{code}"
