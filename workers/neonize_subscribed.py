"""Which events neonize is asked for: typing is left out for a day after it has ended the event pump.

Anybody can make up a typing notice that neonize cannot tell. What was on its way to the pump then is lost, so
nobody shall be able to do that again and again.
"""

import time
from pathlib import Path

import structlog

from workers.neonize_events import SUBSCRIBED, Code, killer

_MARK = "typing.off"
_SECONDS = 24 * 3600.0
_WITHOUT_TYPING = bytes(code for code in SUBSCRIBED if code != Code.CHAT_PRESENCE)

log = structlog.get_logger()


def subscribed(folder: Path) -> bytes:
    """The codes of the events to ask for; `folder` is the device's."""
    try:
        age = time.time() - (folder / _MARK).stat().st_mtime
    except OSError:
        return SUBSCRIBED
    return _WITHOUT_TYPING if age < _SECONDS else SUBSCRIBED


def ended(folder: Path, text: str) -> None:
    """The pump has ended with this text."""
    if killer(text) != "ChatPresence":
        return
    log.warning("typing.left_out", seconds=_SECONDS)
    try:
        (folder / _MARK).touch()
    except OSError as error:  # then the next worker takes its chances
        log.warning("typing.not_left_out", error=str(error))
