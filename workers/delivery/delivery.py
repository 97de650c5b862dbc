"""The delivery of a device's events: a reader of the log per hook, and what can be done with each."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Self

from wagateway.commands.internal import Hook
from wagateway.contract import Problem
from wagateway.events import Event, encode, new_event_id, rfc3339
from wagateway.events.catalogue import TEST
from wagateway.events.device import TestPayload
from workers.delivery.kept import Kept, kept
from workers.delivery.pace import Pace
from workers.delivery.rate import Rate
from workers.delivery.reader import Reader
from workers.delivery.receiver import Outcome, Receiver
from workers.delivery.views import HookView
from workers.head import Head
from workers.shard import Shard, hooks
from workers.shard import log as event_log
from workers.shard.log import LogRow, Own
from workers.shard.messages import now

LAST_WORDS_SECONDS = 1.0
"""For how long a device that nobody will run after this waits for its last events to be delivered."""

_LOOK_SECONDS = 0.02

Write = Callable[[sqlite3.Connection], object]


class Delivery:
    """All hooks of a device; use it on the loop."""

    def __init__(self, shard: Shard, own: Own, head: Head, pace: Pace) -> None:
        self._shard = shard
        self._own = own
        self._head = head
        self._pace = pace
        self._rate = Rate()
        self._readers: dict[str, Reader] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None
        self._changing = asyncio.Lock()

    @classmethod
    async def open(
        cls, shard: Shard, wanted: list[Hook], own: Own, head: Head, pace: Pace | None = None
    ) -> Self:
        """The hooks of a device: a new one starts at the end of the log, a known one where it was."""
        head.committed(await shard.read(event_log.last_seq))
        delivery = cls(shard, own, head, pace or Pace())
        await delivery.change(wanted)
        return delivery

    async def run(self) -> None:
        """Deliver until cancelled."""
        try:
            async with asyncio.TaskGroup() as self._group:
                self._start(self._readers.values())
                await asyncio.Event().wait()  # hooks may come later
        finally:
            self._group = None

    async def change(self, wanted: list[Hook]) -> None:
        """Have these hooks from now on; raises `Problem` when the disk cannot keep that.

        Those whose configuration stays are not disturbed. Another goes on from its cursor, at once.
        """
        configured = {hook.id: hook for hook in wanted}
        known = {hook_id: reader.hook for hook_id, reader in self._readers.items()}
        changed = {hook_id for hook_id, hook in configured.items() if known.get(hook_id, hook) != hook}

        def write(connection: sqlite3.Connection) -> None:
            hooks.sync_hooks(connection, configured)
            for hook_id in changed:
                hooks.hurry(connection, hook_id)

        await self._anew(changed | (known.keys() - configured.keys()), configured, write)

    async def pause(self, hook_id: str) -> None:
        """Deliver nothing more to a hook; raises `Problem`: 404 `WEBHOOK_NOT_FOUND`, or the disk's."""
        self._find(hook_id)
        await self._anew({hook_id}, None, lambda connection: hooks.set_state(connection, hook_id, "paused"))

    async def resume(self, hook_id: str) -> None:
        """Deliver to it again, at once; raises as `pause`."""
        self._find(hook_id)

        def write(connection: sqlite3.Connection) -> None:
            hooks.set_state(connection, hook_id, "active")
            hooks.hurry(connection, hook_id)

        await self._anew({hook_id}, None, write)

    async def test(self, hook_id: str) -> Outcome:
        """Try a hook once with an event that is in no log; raises 404 `WEBHOOK_NOT_FOUND`."""
        moment, event_id = now(), new_event_id()
        event = Event(
            event=TEST.name,
            device_id=self._own.jid,
            session_id=self._own.id,
            seq=0,
            event_id=event_id,
            timestamp=rfc3339(moment),
            payload=TestPayload(webhook_id=hook_id),
        )
        async with Receiver(self._find(hook_id).hook, self._pace) as receiver:
            return await receiver.post(LogRow(0, event_id, TEST.name, "", encode(event)))

    def replay_added(self) -> None:
        """There is a new replay of some hook."""
        for reader in self._readers.values():
            reader.wake_replays()

    def lag(self) -> int:
        """How many events the hook that is farthest behind has not got yet."""
        return max((reader.lag() for reader in self._readers.values()), default=0)

    def gone(self) -> int:
        """How many hooks' receivers said that they are no more."""
        return sum(reader.gone for reader in self._readers.values())

    def behind(self) -> bool:
        """Whether any hook that is not held has events to come."""
        return any(reader.active and reader.lag() for reader in self._readers.values())

    async def settled(self, seconds: float) -> None:
        """Returns when every hook that answers has got all that was told until now, or after `seconds`."""

        def waiting() -> bool:
            return any(
                reader.active and not reader.down and reader.lag() for reader in self._readers.values()
            )

        with suppress(Problem, TimeoutError):
            async with asyncio.timeout(seconds):
                # What was told before is committed with this.
                await asyncio.shield(asyncio.wrap_future(self._shard.write(lambda _: None)))
                while waiting():  # noqa: ASYNC110  several things move it
                    await asyncio.sleep(_LOOK_SECONDS)

    def hook_ids(self) -> list[str]:
        """The ids of the hooks."""
        return list(self._readers)

    def state(self, hook_id: str) -> HookView:
        """How it goes with a hook; raises 404 `WEBHOOK_NOT_FOUND`."""
        return self._find(hook_id).view()

    def all(self) -> list[HookView]:
        """How it goes with each hook."""
        return [reader.view() for reader in self._readers.values()]

    def _find(self, hook_id: str) -> Reader:
        reader = self._readers.get(hook_id)
        if reader is None:
            raise Problem(404, "WEBHOOK_NOT_FOUND", f"Webhook '{hook_id}' not found")
        return reader

    async def _anew(self, ids: set[str], wanted: dict[str, Hook] | None, write: Write) -> None:
        # Shielded: whoever gives up waiting must not leave a hook that is neither stopped nor started.
        await asyncio.shield(asyncio.create_task(self._replace(ids, wanted, write), name="change hooks"))

    async def _replace(self, ids: set[str], wanted: dict[str, Hook] | None, write: Write) -> None:
        """Stop these hooks, write, and go on with all that are wanted as they are kept then."""
        async with self._changing:
            stopped = [self._readers[hook_id] for hook_id in ids if hook_id in self._readers]
            await self._stop(stopped)
            try:
                held = await self._written(write)
            except Problem:
                self._start(stopped)
                raise
            configured = wanted if wanted is not None else {r.hook.id: r.hook for r in self._readers.values()}
            untouched = {key: reader for key, reader in self._readers.items() if reader not in stopped}
            self._readers = {
                key: untouched.get(key)
                or Reader(self._shard, hook, held[key], self._head, self._pace, self._rate)
                for key, hook in configured.items()
            }
            self._start(reader for key, reader in self._readers.items() if key not in untouched)

    async def _written(self, write: Write) -> dict[str, Kept]:
        def both(connection: sqlite3.Connection) -> dict[str, Kept]:
            write(connection)
            return kept(connection)

        return await asyncio.wrap_future(self._shard.write(both))

    async def _stop(self, readers: Iterable[Reader]) -> None:
        tasks = [task for reader in readers if (task := self._tasks.pop(reader.hook.id, None)) is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)  # as they end they save how far they came

    def _start(self, readers: Iterable[Reader]) -> None:
        if self._group is not None:
            for reader in readers:
                if reader.active:
                    self._tasks[reader.hook.id] = self._group.create_task(
                        reader.run(), name=f"hook {reader.hook.id}"
                    )
