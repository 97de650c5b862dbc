"""The deadline of a command, for a handler that waits: its answer must come before that."""

import time

from wagateway.contract import DEADLINE

MARGIN = 0.5  # seconds between the answer and the moment when nobody waits for it any more


def seconds_left() -> float:
    """For how long a handler may wait from now on; not above 0 when it must answer at once."""
    return DEADLINE.get() - MARGIN - time.monotonic()
