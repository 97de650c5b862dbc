"""What the demo says, and the two accounts it speaks of."""

import sys
import time

SECONDS = 30.0
NUMBERS = {"ann": "628111000001", "bob": "628111000002"}


class Stopped(Exception):
    """The demo cannot go on; the text says why."""


def say(who: str, what: str) -> None:
    """One line of the transcript."""
    sys.stdout.write(f"{time.strftime('%H:%M:%S')}  {who:<11}{what}\n")
    sys.stdout.flush()


def name_of(jid: str) -> str:
    """The account of a JID, or its number."""
    number = jid.partition("@")[0].partition(":")[0]
    return next((name for name, known in NUMBERS.items() if known == number), f"+{number}")
