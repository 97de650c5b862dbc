"""An outage: the endpoint of a hook fails as a whole, and is left alone but for one attempt at a time."""

from workers.delivery.pace import Pace, pause
from workers.shard.hooks import HookRow

_FAILURES = 5  # in a row


class Outage:
    """Counts failures in a row whatever the chat; `down` after some, or when the receiver asked for a pause.

    `pause` is the wait until the next attempt, which ends at `due`, and `waited` the sum of those before:
    clocks that jump make none of them longer. `asked` is whether it is the receiver's own wish.
    """

    def __init__(self, row: HookRow, time: float) -> None:
        self.attempts = row.attempts
        self.down = row.pause > 0
        self.pause = row.pause
        self.due = time + row.left
        self.waited = row.down
        self.asked = False
        self._only: str | None = None
        self._others = self.down

    def failed(self, chat: str, asked: float, pace: Pace, time: float) -> None:
        """An attempt with an event of this chat failed."""
        self.attempts += 1
        self._others = self._others or self._only not in (None, chat)
        self._only = chat
        if self.down or asked > 0 or self.attempts >= _FAILURES:
            self.down = True
            self.asked = asked > 0
            self.pause = pause(pace, max(1, self.attempts - _FAILURES + 1), asked)
            self.due = time + self.pause

    def may_be_of(self, chat: str) -> bool:
        """Whether an event of this chat says nothing new about the endpoint."""
        return self.asked or self._others or self._only == chat

    def elapsed(self) -> None:
        """The pause is over."""
        self.waited += self.pause

    def over(self, attempts: int = 0) -> None:
        """It has ended; `attempts` failures count on."""
        self.attempts = attempts
        self.down = self.asked = self._others = False
        self.pause = self.waited = 0.0
        self._only = None
