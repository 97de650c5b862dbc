"""The turns of a hook's lanes: which may go on now, which wait, and which is tried during an outage."""

import asyncio
from collections.abc import Callable

from workers.delivery.lane import Lane
from workers.delivery.outage import Outage
from workers.delivery.pace import Pace


class Turns:
    """All `lanes` by their chats. `up` is set while there is no outage.

    During one all lanes are held but for the probe: the one that was tried least, of those the oldest, so
    that an event which the receiver never takes does not hide that it takes others. Events up to `expired`
    may go, to be given up.
    """

    def __init__(self, lanes: dict[str, Lane], outage: Outage, pace: Pace) -> None:
        self.lanes = lanes
        self.outage = outage
        self.expired = 0
        self.up = asyncio.Event()
        self._pace = pace
        self._clock = asyncio.get_running_loop().time
        self._ready: asyncio.Queue[Lane] = asyncio.Queue()
        self._probe: Lane | None = None
        self._probe_due = False
        self._all_read = False
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """Let all lanes and an outage go on where they were."""
        if self.outage.down:
            self._leave_alone()
        else:
            self.up.set()
        for lane in self.lanes.values():
            self.wait(lane, lane.due - self._clock())

    def end(self) -> None:
        """Nothing goes on by itself any more."""
        for lane in self.lanes.values():
            lane.relax()
        self._end_timer()
        self._ready = asyncio.Queue()
        self._probe, self._probe_due = None, False

    async def next(self) -> Lane:
        """The lane whose turn it is; end it with `enter`, `wait`, `hold` or `leave`, then `over`."""
        lane = await self._ready.get()
        lane.place = "busy"
        return lane

    def over(self, lane: Lane) -> None:
        """The turn of a lane is over."""
        if lane is self._probe:
            self._probe = None
        if self.outage.down and self._timer is None and self._probe is None:
            self._send_probe()

    def enter(self, lane: Lane) -> None:
        """It may go on."""
        lane.place = "ready"
        self._ready.put_nowait(lane)

    def wait(self, lane: Lane, seconds: float) -> None:
        """It may go on after so long."""
        lane.place = "waiting"
        lane.due = self._clock() + max(0.0, seconds)
        lane.timer = asyncio.get_running_loop().call_at(lane.due, self._waited, lane)

    def hold(self, lane: Lane) -> None:
        """It may go on when the outage is over."""
        lane.place = "held"
        lane.held_from = self.outage.waited
        lane.pause = 0.0
        # A chat that was not tried yet tells whether it is the endpoint that fails, or one event only.
        if self._timer is not None and not self.outage.may_be_of(lane.chat):
            self._end_timer()

    def leave(self, lane: Lane) -> None:
        """There is nothing more for it."""
        del self.lanes[lane.chat]

    def barred(self, lane: Lane, seq: int) -> bool:
        """Whether the outage forbids to try this event of a lane."""
        return self.outage.down and lane is not self._probe and seq > self.expired

    def succeeded(self) -> None:
        """The endpoint took an event: all go on."""
        if self.outage.down:
            self._go_on(0)
        elif self.outage.attempts:
            self.outage.over()

    def failed(self, lane: Lane, asked: float) -> bool:
        """It did not; `asked` is the pause that it wishes. Whether this attempt tells something new of it."""
        if self.outage.down and lane is not self._probe:
            return False  # it was under way when the outage began
        self._probe = None
        self.outage.failed(lane.chat, asked, self._pace, self._clock())
        if self.outage.down:
            self.up.clear()
            self._leave_alone()
        return True

    def expire(self, seq: int) -> None:
        """Events up to this one are too old to be held any longer."""
        if self.outage.down:
            self.expired = seq
            self._release(lambda lane: lane.next <= seq)

    def all_read(self, *, all_read: bool) -> None:
        """Whether the main reader knows of no event that is to come."""
        self._all_read = all_read
        if self._probe_due:
            self._send_probe()

    def _leave_alone(self) -> None:
        self._end_timer()
        self._timer = asyncio.get_running_loop().call_at(self.outage.due, self._pause_over)

    def _pause_over(self) -> None:
        self._timer = None
        self.outage.elapsed()
        self._send_probe()

    def _send_probe(self) -> None:
        held = [lane for lane in self.lanes.values() if lane.place == "held"]
        self._probe_due = not held
        if held:
            self._probe = min(held, key=lambda lane: (lane.attempts, lane.next))
            self._let_go(self._probe)
        elif self._all_read and not self.lanes:
            # Replays wait for the end of the outage: where nothing is left to try it must not last for ever.
            self._go_on(max(0, self.outage.attempts - 1))

    def _go_on(self, attempts: int) -> None:
        self._end_timer()
        self._probe, self._probe_due = None, False
        self._release(lambda _: True)
        self.outage.over(attempts)
        self.expired = 0
        self.up.set()

    def _release(self, which: Callable[[Lane], bool]) -> None:
        for lane in self.lanes.values():
            if lane.place == "held" and which(lane):
                self._let_go(lane)

    def _let_go(self, lane: Lane) -> None:
        if lane.attempts:
            lane.waited += self.outage.waited - lane.held_from
        self.enter(lane)

    def _waited(self, lane: Lane) -> None:
        lane.timer = None
        lane.waited += lane.pause
        lane.pause = 0.0
        self.enter(lane)

    def _end_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
