"""What a device does by itself: when it answers, reads, rejects and shows presence, and when it does not."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec
import pytest

from tests.workers.conftest import ALICE, ALICE_LID, BOB, GROUP, NOON, OWN, Scripted, incoming, rows
from wagateway.contract import Problem
from wagateway.settings import Settings
from wagateway.whatsapp.protos import E2E
from workers.arrivals import Called
from workers.automation import Automation
from workers.automation.clock import Clock
from workers.automation.waiting import Waiting
from workers.device import Device
from workers.engine import IncomingMessage
from workers.inbound import Inbound
from workers.shard import Shard, marks

ANSWER = "We are away."
HOUR, DAY = 3600, 86_400  # seconds
PULSE = {"presence_pulse_enabled": True}


class Engine(Scripted):
    """Tells of reads, rejections and presence, too; `failures` are raised first."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[tuple[object, ...]] = []
        self.failures: list[Exception] = []

    async def mark_read(self, chat: str, sender: str, ids: list[str]) -> None:
        self._do("read", chat, sender, *ids)

    async def reject_call(self, caller: str, call_id: str) -> None:
        self._do("reject", caller, call_id)

    async def set_presence(self, *, available: bool) -> None:
        self._do("presence", available)

    def _do(self, *what: object) -> None:
        self.reached.set()
        if self.failures:
            raise self.failures.pop(0)
        self.done.append(what)

    def answered(self, chat: str) -> bool:
        return chat in [to for to, _ in self.sent]

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not condition():
                self.reached.clear()
                await self.reached.wait()


class Time:
    """A clock that the test moves; `asked` are the sleeps, which end when it says so."""

    def __init__(self) -> None:
        self.now = NOON
        self.asked: list[float] = []
        self._sleeping: list[tuple[int, asyncio.Future[None]]] = []
        self._more = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            return
        self.asked.append(seconds)
        end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleeping.append((self.now + int(seconds * 1000), end))
        self._more.set()
        await end

    async def slept(self, count: int) -> None:
        """Returns when so many sleeps have begun."""
        async with asyncio.timeout(5):
            while len(self.asked) < count:
                self._more.clear()
                await self._more.wait()

    def passes(self, seconds: float) -> None:
        self.now += int(seconds * 1000)
        for due, end in self._sleeping:
            if due <= self.now and not end.done():
                end.set_result(None)

    def clock(self, spread: float = 0.0) -> Clock:
        return Clock(lambda: self.now, self.sleep, lambda: spread)


class Desk:
    """A device at work by itself; `take` is an incoming message."""

    def __init__(self, device: Device, automation: Automation) -> None:
        self.automation = automation
        self._inbound = Inbound(device.shard, device, lambda seq: None, arrived=automation.arrived)

    async def take(self, message: IncomingMessage) -> None:
        await asyncio.to_thread(self._inbound.message, message)


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
async def time() -> Time:
    return Time()


@asynccontextmanager
async def at_work(device: Device, time: Time, spread: float = 0.0, **settings: object) -> AsyncIterator[Desk]:
    device.settings = msgspec.structs.replace(Settings(), **settings)
    automation = Automation(device, time.clock(spread))
    task = asyncio.create_task(automation.run())
    yield Desk(device, automation)
    assert not task.done(), task.exception()
    task.cancel()
    await asyncio.wait([task])


async def test_nobody_is_answered_twice_within_the_cool_down_nor_after_a_restart(
    device: Device, engine: Engine, time: Time
) -> None:
    for number, text in enumerate(("one", "two")):
        async with at_work(device, time, auto_reply=ANSWER) as desk:
            await desk.take(incoming(text))
            await desk.take(incoming(f"and {text}"))
            await desk.take(incoming(chat=_other(number), sender=BOB))
            await engine.until(lambda: engine.answered(_other(number)))
    assert 1 == [chat for chat, _ in engine.sent].count(ALICE)
    assert ANSWER in str(engine.sent[0][1])


async def test_somebody_is_answered_again_after_the_cool_down_but_ten_times_a_day(
    device: Device, engine: Engine, time: Time
) -> None:
    async with at_work(device, time, auto_reply=ANSWER, auto_reply_cooldown=0) as desk:
        for number in range(12):
            await desk.take(incoming(timestamp=time.now))
            await desk.take(incoming(chat=_other(number), sender=BOB, timestamp=time.now))
            await engine.until(lambda: engine.answered(_other(number)))
            time.passes(11)
    assert 10 == [chat for chat, _ in engine.sent].count(ALICE)


def _other(number: int) -> str:
    return f"491520000{number:04}@s.whatsapp.net"


@pytest.mark.parametrize(
    "message",
    [
        incoming(timestamp=NOON - 61_000),
        incoming(sender=OWN, is_from_me=True),
        incoming(chat=GROUP),
        incoming(chat="status@broadcast"),
        incoming(chat="120363000000000009@newsletter", sender="120363000000000009@newsletter"),
        incoming(chat="0@s.whatsapp.net", sender="0@s.whatsapp.net"),
        incoming(content=E2E.Message(imageMessage=E2E.ImageMessage(mimetype="image/jpeg"))),
    ],
    ids=["old", "own", "group", "status", "newsletter", "whatsapp", "image"],
)
async def test_w42_only_young_texts_of_people_are_answered(
    device: Device, engine: Engine, time: Time, message: IncomingMessage
) -> None:
    async with at_work(device, time, auto_reply=ANSWER) as desk:
        await desk.take(message)
        await desk.take(incoming(chat=BOB, sender=BOB))
        await engine.until(lambda: bool(engine.sent))
    assert [BOB] == [chat for chat, _ in engine.sent]


async def test_messages_are_read_and_status_posts_are_not(
    device: Device, engine: Engine, time: Time, shard: Shard
) -> None:
    async with at_work(device, time, auto_mark_read=True) as desk:
        await desk.take(incoming(chat="status@broadcast"))
        await desk.take(incoming(id="A1"))
        await engine.until(lambda: bool(engine.done))
        await desk.take(incoming(id="B1", chat=BOB, sender=BOB))
        await engine.until(lambda: len(engine.done) == 2)  # so the first one's row is written
    assert [("read", ALICE, ALICE, "A1"), ("read", BOB, BOB, "B1")] == engine.done
    assert [(0,)] == rows(shard, "SELECT unread_count FROM chats WHERE jid = ?", ALICE)


@pytest.mark.parametrize(("member", "author"), [(ALICE, ALICE), (ALICE_LID, ALICE_LID)])
async def test_an_author_in_a_group_is_told_as_the_group_calls_them(
    device: Device, engine: Engine, time: Time, member: str, author: str
) -> None:
    engine.members = [member]
    async with at_work(device, time, auto_mark_read=True) as desk:
        await desk.take(incoming(id="A1", chat=GROUP, sender_lid=ALICE_LID))
        await engine.until(lambda: bool(engine.done))
    assert [("read", GROUP, author, "A1")] == engine.done


async def test_nothing_happens_by_itself_unless_asked_for(device: Device, engine: Engine, time: Time) -> None:
    async with at_work(device, time) as desk:
        desk.automation.connected()
        await desk.take(incoming())
        desk.automation.called(Called("C1", ALICE))  # which only Inbound asks for, when set so
        await engine.until(lambda: bool(engine.done))
    assert ([("reject", ALICE, "C1")], []) == (engine.done, engine.sent)


async def test_what_fails_does_not_stop_what_comes_next(device: Device, engine: Engine, time: Time) -> None:
    engine.failures = [Problem(502, "WHATSAPP_REFUSED", "no"), RuntimeError("a bug")]
    async with at_work(device, time) as desk:
        for number in range(3):
            desk.automation.called(Called(f"C{number}", ALICE))
        await engine.until(lambda: bool(engine.done))
    assert [("reject", ALICE, "C2")] == engine.done


async def test_everything_waits_for_a_login(device: Device, engine: Engine, time: Time) -> None:
    device.state = "connecting"
    async with at_work(device, time) as desk:
        desk.automation.called(Called("C1", ALICE))
        device.state = "logged_in"
        desk.automation.connected()
        await engine.until(lambda: bool(engine.done))
    assert [("reject", ALICE, "C1")] == engine.done


async def test_too_much_is_dropped_oldest_first_and_blocks_nobody() -> None:
    waiting: Waiting[int] = Waiting("numbers", 3)

    def put() -> None:
        for number in range(100):
            waiting.put(number)

    thread = threading.Thread(target=put)
    thread.start()
    thread.join(5)  # while the loop that would take them stands still
    assert not thread.is_alive()
    await asyncio.wait_for(waiting.some(), 5)
    assert [97, 98, 99] == waiting.take()


@pytest.mark.parametrize(("setting", "shown"), [("available", True), ("unavailable", False)])
async def test_presence_is_shown_after_each_login(
    device: Device, engine: Engine, time: Time, setting: str, shown: bool
) -> None:
    async with at_work(device, time, presence_on_connect=setting) as desk:
        for count in (1, 2):
            desk.automation.connected()
            await engine.until(lambda: len(engine.done) == count)
    assert [("presence", shown)] * 2 == engine.done


async def test_presence_is_tried_again_while_the_account_has_no_name(
    device: Device, engine: Engine, time: Time
) -> None:
    engine.failures = [Problem(409, "NO_NAME", "no name yet")]
    async with at_work(device, time, presence_on_connect="available") as desk:
        desk.automation.connected()
        await time.slept(1)
        time.passes(time.asked[-1])
        await engine.until(lambda: bool(engine.done))
    assert [("presence", True)] == engine.done


async def test_w41_pulses_are_off_by_default(device: Device, engine: Engine, time: Time) -> None:
    async with at_work(device, time) as desk:
        desk.automation.connected()
        desk.automation.called(Called("C1", ALICE))
        await engine.until(lambda: bool(engine.done))
        time.passes(10 * DAY)
    assert ([], [("reject", ALICE, "C1")]) == (time.asked, engine.done)


@pytest.mark.parametrize("spread", [0.0, 0.25, 0.9])
async def test_w41_first_pulses_are_spread_over_the_interval(
    device: Device, engine: Engine, time: Time, spread: float
) -> None:
    async with at_work(device, time, spread, **PULSE):
        await time.slept(1)
        late = 0.05 * spread * DAY
        assert pytest.approx((1 - spread) * DAY + late, abs=1) == time.asked[0]
    assert [] == engine.done


async def test_w41_a_pulse_ends_and_is_not_repeated_after_a_restart(
    device: Device, engine: Engine, time: Time
) -> None:
    async with at_work(device, time, **PULSE):
        await time.slept(1)
        time.passes(DAY)
        await time.slept(2)
        assert ([("presence", True)], 300) == (engine.done, time.asked[1])
        time.passes(300)
        await time.slept(3)
        assert [("presence", True), ("presence", False)] == engine.done
    time.passes(HOUR)
    async with at_work(device, time, **PULSE):
        await time.slept(4)
        assert pytest.approx(DAY - HOUR - 300, abs=1) == time.asked[3]
    assert 2 == len(engine.done)


async def test_w41_a_pulse_that_was_cut_off_is_ended_at_the_next_login(
    device: Device, engine: Engine, time: Time, shard: Shard
) -> None:
    shard.write(lambda connection: marks.put(connection, "presence_pulse_open", NOON)).result()
    async with at_work(device, time) as desk:
        desk.automation.connected()
        await engine.until(lambda: bool(engine.done))
        desk.automation.called(Called("C1", ALICE))
        await engine.until(lambda: len(engine.done) == 2)
    assert ("presence", False) == engine.done[0]
