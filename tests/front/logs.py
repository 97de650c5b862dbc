"""A played worker's log: what `ListEvents` answers, as a worker does."""

import asyncio
import json
from typing import Any

import msgspec

from tests.front.conftest import Stage
from wagateway.commands.events import EventPage, ListEvents
from wagateway.contract import Command
from wagateway.events import Event, encode, rfc3339
from wagateway.events import wants as wants_kind

JID = "628111:3@s.whatsapp.net"
EARLIER, LATER = 1_000_000, 4_000_000_000_000
"""Before and after the test begins: a listener whose worker came later tells by it what is new."""


class Log:
    """The log of a device; `asked` are the questions that it was asked, `waited` those that waited."""

    def __init__(self, device_id: str) -> None:
        self.device_id = device_id
        self.events: list[bytes] = []
        self.kinds: list[str] = []
        self.oldest = 1
        self.asked: list[ListEvents] = []
        self._grown = asyncio.Event()
        self._asked = asyncio.Event()

    def add(self, text: str = "hi", kind: str = "message", timestamp: int = LATER) -> int:
        seq = len(self.events) + 1
        event = Event(
            event=kind,
            device_id=JID,
            session_id=self.device_id,
            seq=seq,
            event_id=f"evt_{self.device_id}_{seq}",
            timestamp=rfc3339(timestamp),
            payload={"id": f"M{seq}", "from": "628222@s.whatsapp.net", "content": text},
        )
        self.events.append(encode(event))
        self.kinds.append(kind)
        grown, self._grown = self._grown, asyncio.Event()
        grown.set()
        return seq

    async def answer(self, asked: ListEvents) -> EventPage:
        self.asked.append(asked)
        self._asked.set()
        if asked.wait and asked.after == len(self.events):
            await self._grown.wait()
        head = len(self.events)
        first = max(asked.after + 1, self.oldest)
        seqs = range(first, min(head, first + asked.limit - 1) + 1)
        wanted = [n for n in seqs if wants_kind(frozenset(asked.events), self.kinds[n - 1])]
        return EventPage(
            events=[msgspec.Raw(self.events[n - 1]) for n in wanted],
            next=seqs[-1] if seqs else min(asked.after, head),
            head=head,
            oldest=self.oldest,
            missed=max(self.oldest - 1 - asked.after, 0) if asked.after else 0,
        )

    async def polled(self) -> None:
        """Returns once somebody waits for what comes after the newest event."""
        async with asyncio.timeout(5):
            while not any(one.wait and one.after == len(self.events) for one in self.asked):
                self._asked.clear()
                await self._asked.wait()


class Logs:
    """The logs of the stage's devices."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.of: dict[str, Log] = {}
        stage.logs = self

    def add(self, device_id: str, worker: str = "running", jid: str = JID) -> Log:
        self._stage.add(device_id, jid=jid, worker=worker)
        self.of[device_id] = Log(device_id)
        return self.of[device_id]

    async def answer(self, process: str, command: Command[Any]) -> EventPage:
        assert isinstance(command, ListEvents)
        return await self.of[process].answer(command)


def result(frame: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(frame)["result"]
    return found
