"""The restart policy: what follows the end of a process, as a pure function."""

import random
import signal

import msgspec

from wagateway.exits import PARKS, Exit

PERIOD_SECONDS = 60.0
INTENSITY = 5
QUARANTINE_SECONDS = 300.0
OFTEN = 30
LONGEST_SECONDS = 30.0
_FIRST_SECONDS = 0.05
_LEASE_SECONDS = 1.0


class Ending(msgspec.Struct, frozen=True):
    """One ending: the exit code (a signal is negative) and its monotonic time.

    `useful` is whether the process had come to do its work before: a paired device had logged in.
    """

    code: int
    at: float
    useful: bool


class Delay(msgspec.Struct, frozen=True):
    """Start again after so many seconds; `reason` is shown while waiting."""

    seconds: float
    reason: str


class Park(msgspec.Struct, frozen=True):
    """Do not start again until somebody asks."""

    reason: str


def decide(endings: list[Ending], rng: random.Random) -> Delay | Park:
    """What follows the last of these endings (oldest first).

    A process that had done its work is back at once, unless that happens more than 30 times a minute. One
    that never got there waits, doubling from 50 ms to 30 s with jitter. More than 5 crashes of that kind in
    a minute are a crash loop: one try each 5 minutes, until one is useful. An engine that ends (no network)
    is no crash.
    """
    last = endings[-1]
    if last.code in PARKS:
        return Park(Exit(last.code).name.lower())
    if last.code == Exit.LEASE_HELD:
        return Delay(_LEASE_SECONDS, "lease_held")
    if last.useful:
        recent = [ending for ending in endings if last.at - ending.at <= PERIOD_SECONDS]
        return Delay(_doubling(len(recent) - OFTEN, rng), "restarting")
    streak = _since_useful(endings)
    if last.code != Exit.ENGINE_ENDED and _loops(streak):
        return Delay(QUARANTINE_SECONDS * rng.uniform(0.9, 1.1), "crash_loop")
    return Delay(_doubling(len(streak) - 1, rng), "restarting")


def _since_useful(endings: list[Ending]) -> list[Ending]:
    length = next((n for n, ending in enumerate(reversed(endings)) if ending.useful), len(endings))
    return endings[len(endings) - length :]


def _loops(streak: list[Ending]) -> bool:
    """Whether there was a crash loop in this streak: one slow try does not end it, only a useful one."""
    crashes = [ending.at for ending in streak if ending.code != Exit.ENGINE_ENDED]
    return any(
        later - earlier <= PERIOD_SECONDS
        for earlier, later in zip(crashes, crashes[INTENSITY:], strict=False)
    )


def _doubling(step: int, rng: random.Random) -> float:
    if step <= 0:
        return 0.0
    return min(_FIRST_SECONDS * 2.0**step, LONGEST_SECONDS) * rng.uniform(0.5, 1)


def describe(code: int) -> str:
    """The exit in a word: a signal's name, an `Exit`'s name or the plain code."""
    try:
        return signal.Signals(-code).name if code < 0 else Exit(code).name.lower()
    except ValueError:
        return f"signal_{-code}" if code < 0 else f"exit_{code}"
