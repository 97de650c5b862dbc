"""Keeping the workers of all devices, with workers that are made up."""

import asyncio
import signal
import time

import msgspec
import pytest

from supervisor.keeper import FIRST_BEAT_SECONDS, SILENCE_SECONDS
from tests.supervisor.conftest import JID, World
from wagateway import wire
from wagateway.commands.internal import DeviceTable
from wagateway.contract import Problem
from wagateway.exits import Exit
from wagateway.feed import Listener
from wagateway.registry import Entry
from wagateway.spec import device_folder


async def running(world: World, device_id: str = "shop", *, paired: bool = True) -> None:
    keeper = world.devices.add(Entry(device_id, time.time(), paired=paired, jid=JID if paired else ""))
    keeper.start()
    await world.until(device_id, lambda row: row.worker == "running")


async def test_a_beat_makes_a_worker_running_and_tells_who_it_is(world: World) -> None:
    await running(world)
    row = world.row("shop")
    assert ("running", "logged_in", JID, 1000) == (row.worker, row.state, row.jid, row.pid)


async def test_a_killed_worker_is_replaced_at_once(world: World) -> None:
    await running(world)
    world.workers[0].die(-signal.SIGKILL)
    row = await world.until("shop", lambda row: row.pid == 1001)
    assert (1, "SIGKILL") == (row.restarts, row.last_exit)


async def test_beats_of_an_earlier_worker_and_garbage_are_ignored(world: World) -> None:
    await running(world)
    world.workers[0].die(-9)
    await world.until("shop", lambda row: row.pid == 1001 and row.worker == "running")
    world.beat(world.workers[0], state="connecting", reason="stale")
    world.devices.beaten(b"\xc1garbage")
    world.devices.beaten(b"")
    assert ("logged_in", "") == (world.row("shop").state, world.row("shop").reason)


async def test_who_is_paired_is_remembered(world: World) -> None:
    await running(world, paired=False)
    world.beat(world.workers[0], state="logged_in", jid=JID, display_name="Ann")
    (entry,) = world.registry.entries()
    assert (True, JID, "Ann") == (entry.paired, entry.jid, entry.display_name)


async def test_a_logged_out_device_is_parked_and_no_longer_paired(world: World) -> None:
    await running(world)
    world.beat(world.workers[0], state="disconnected", reason="device_removed")
    world.workers[0].die(Exit.LOGGED_OUT)
    row = await world.until("shop", lambda row: row.worker == "parked")
    assert ("device_removed", False, "logged_out", 0) == (row.reason, row.paired, row.last_exit, row.pid)
    assert not world.registry.entries()[0].paired
    assert 1 == len(world.workers)


async def test_the_last_word_of_a_parked_worker_may_come_after_its_end(world: World) -> None:
    await running(world)
    world.workers[0].die(Exit.BANNED)
    await world.until("shop", lambda row: row.worker == "parked" and row.reason == "banned")
    world.beat(world.workers[0], state="disconnected", jid=JID, reason="banned_until_1800000000")
    assert "banned_until_1800000000" == world.row("shop").reason


async def test_a_parked_worker_starts_when_somebody_asks(world: World) -> None:
    await running(world)
    world.workers[0].die(Exit.STREAM_REPLACED)
    await world.until("shop", lambda row: row.worker == "parked")
    world.devices.keepers["shop"].start()
    row = await world.until("shop", lambda row: row.worker == "running")
    assert (1001, "") == (row.pid, row.reason)


async def test_a_crash_loop_is_quarantined_and_touches_no_other(world: World) -> None:
    await running(world, "good")
    world.first_beat = None
    keeper = world.devices.add(Entry("bad", time.time(), paired=True, jid="x@s.whatsapp.net"))
    keeper.start()
    for n in range(6):
        await world.until("bad", lambda row: row.pid == 1001 + n)
        world.workers[1 + n].die(-signal.SIGSEGV)
    row = await world.until("bad", lambda row: row.reason == "crash_loop")
    assert ("waiting", 6, 0) == (row.worker, row.restarts, row.pid)
    assert ("logged_in", 0) == (world.row("good").state, world.row("good").restarts)


async def test_while_nothing_can_be_forked_it_is_tried_again(world: World) -> None:
    world.broken = True
    keeper = world.devices.add(Entry("shop", time.time(), paired=True))
    keeper.start()
    await world.until("shop", lambda row: row.reason == "cannot_start")
    world.broken = False
    assert 1000 == (await world.until("shop", lambda row: row.worker == "running")).pid


async def test_a_silent_worker_dumps_its_stacks_and_is_killed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("supervisor.keeper.ABORT_SECONDS", 0.0)
    await running(world)
    world.devices.check(time.monotonic() + SILENCE_SECONDS - 1)
    assert [] == world.workers[0].signals
    world.devices.check(time.monotonic() + SILENCE_SECONDS + 1)
    assert [signal.SIGABRT] == world.workers[0].signals
    world.workers[0].die(-signal.SIGABRT)
    assert 1001 == (await world.until("shop", lambda row: row.worker == "running" and row.pid == 1001)).pid
    assert [] == world.workers[1].signals


async def test_a_worker_may_take_longer_for_its_first_beat(world: World) -> None:
    world.first_beat = None
    keeper = world.devices.add(Entry("shop", time.time(), paired=True))
    keeper.start()
    await world.until("shop", lambda row: row.pid == 1000)
    world.devices.check(time.monotonic() + SILENCE_SECONDS + 1)
    assert [] == world.workers[0].signals
    world.devices.check(time.monotonic() + FIRST_BEAT_SECONDS + 1)
    assert [signal.SIGABRT] == world.workers[0].signals


async def test_a_worker_is_told_how_the_one_before_it_ended(world: World) -> None:
    before = time.time()
    await running(world)
    world.workers[0].die(-signal.SIGKILL)
    await world.until("shop", lambda row: row.pid == 1001 and row.worker == "running")
    world.workers[1].die(Exit.ENGINE_ENDED)
    await world.until("shop", lambda row: row.pid == 1002)
    deaths = [worker.spec.death for worker in world.workers]
    assert [None, ("SIGKILL", 1), ("engine_ended", 2)] == [
        death and (death.reason, death.restarts) for death in deaths
    ]
    assert all(before <= death.at <= time.time() for death in deaths if death)


async def test_a_worker_that_was_killed_for_its_silence_hung(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("supervisor.keeper.ABORT_SECONDS", 0.0)
    await running(world)
    world.devices.check(time.monotonic() + SILENCE_SECONDS + 1)
    world.workers[0].die(-signal.SIGABRT)
    await world.until("shop", lambda row: row.pid == 1001 and row.worker == "running")
    world.workers[1].die(-signal.SIGSEGV)
    await world.until("shop", lambda row: row.pid == 1002)
    deaths = [worker.spec.death for worker in world.workers[1:]]
    assert ["hang", "SIGSEGV"] == [death and death.reason for death in deaths]


async def test_a_lease_that_is_held_does_not_hide_how_its_holder_ended(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("supervisor.restart._LEASE_SECONDS", 0.001)
    await running(world)
    world.workers[0].die(-signal.SIGKILL)
    await world.until("shop", lambda row: row.pid == 1001)
    world.workers[1].die(Exit.LEASE_HELD)
    await world.until("shop", lambda row: row.pid == 1002)
    death = world.workers[2].spec.death
    assert death is not None
    assert ("SIGKILL", 1) == (death.reason, death.restarts)


async def test_no_death_is_told_where_somebody_asked_for_the_start(world: World) -> None:
    await running(world)
    keeper = world.devices.keepers["shop"]
    world.workers[0].die(-signal.SIGKILL)
    await world.until("shop", lambda row: row.pid == 1001 and row.worker == "running")
    await keeper.stop()
    keeper.start()
    await world.until("shop", lambda row: row.pid == 1002 and row.worker == "running")
    world.workers[2].die(Exit.BANNED)
    await world.until("shop", lambda row: row.worker == "parked")
    keeper.start()
    await world.until("shop", lambda row: row.pid == 1003)
    assert [None, None] == [worker.spec.death for worker in world.workers[2:]]


async def test_a_start_during_a_stop_waits_for_the_old_worker(world: World) -> None:
    await running(world)
    old, keeper = world.workers[0], world.devices.keepers["shop"]
    old.obeys = False
    stopping = asyncio.create_task(keeper.stop())
    await asyncio.wait_for(old.asked_to_stop.wait(), 5)
    keeper.start()
    world.beat(old, state="disconnected", jid=JID)
    assert ("starting", [old]) == (world.row("shop").worker, world.workers)
    old.die(0)
    await stopping
    row = await world.until("shop", lambda row: row.worker == "running")
    assert 1001 == row.pid


async def test_a_closed_device_is_never_started_again(world: World) -> None:
    await running(world)
    keeper = world.devices.keepers["shop"]
    await world.devices.stop(1)
    with pytest.raises(Problem, match="not found"):
        keeper.start()
    assert "stopped" == keeper.row().worker


async def test_only_a_few_start_at_the_same_time(world: World) -> None:
    world.first_beat = None
    for n in range(12):
        world.registry.put(Entry(f"d{n}", float(n), paired=True, jid=f"{n}@s.whatsapp.net"))
    world.devices.load()
    await world.until("d7", lambda row: row.pid != 0)
    assert 8 == len(world.workers)
    world.beat(world.workers[0], state="logged_in", jid="0@s.whatsapp.net")
    await world.until("d8", lambda row: row.pid != 0)
    world.workers[1].die(Exit.BANNED)
    await world.until("d9", lambda row: row.pid != 0)
    assert 10 == len(world.workers)


async def test_at_start_the_paired_ones_come_up_and_the_trash_goes(world: World) -> None:
    world.registry.put(Entry("paired", 1.0, paired=True, jid=JID))
    world.registry.put(Entry("not", 2.0))
    trash = world.folder / "devices" / "trash-1"
    trash.mkdir(parents=True)
    world.devices.load()
    await world.until("paired", lambda row: row.state == "logged_in")
    assert ["paired"] == [worker.spec.device_id for worker in world.workers]
    assert "stopped" == world.row("not").worker
    assert not trash.exists()


async def test_a_removed_device_leaves_nothing(world: World) -> None:
    await running(world)
    folder = device_folder(world.folder, "shop")
    folder.mkdir(parents=True)
    (folder / "session.db").write_text("secret")
    (world.folder / f"{wire.device_key('shop')}.sock").write_text("")
    await world.devices.remove(world.devices.keepers["shop"])
    assert [] == list((world.folder / "devices").iterdir())
    assert [] == world.registry.entries()
    assert {} == world.devices.keepers
    assert not list(world.folder.glob(f"{wire.device_key('shop')}*"))


async def test_a_change_that_the_disk_refuses_is_saved_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await running(world, paired=False)
    world.registry._connection.execute("PRAGMA query_only = ON")
    world.beat(world.workers[0], state="logged_in", jid=JID)
    assert (JID, "logged_in") == (world.row("shop").jid, world.row("shop").state)
    assert "" == world.registry.entries()[0].jid
    world.registry._connection.execute("PRAGMA query_only = OFF")
    world.devices.check(time.monotonic())
    assert JID == world.registry.entries()[0].jid


async def test_changes_are_published_together(world: World) -> None:
    seen: asyncio.Queue[DeviceTable] = asyncio.Queue()
    with Listener(
        world.context,
        wire.supervisor_feed(world.folder),
        lambda body: seen.put_nowait(msgspec.msgpack.decode(body, type=DeviceTable)),
    ):
        world.devices.add(Entry("first", 0.0))
        assert ["first"] == [row.device_id for row in (await asyncio.wait_for(seen.get(), 5)).rows]
        world.devices.add(Entry("one", 1.0))
        world.devices.add(Entry("two", 2.0))
        shown = {"first"}
        while "two" not in shown:
            shown = {row.device_id for row in (await asyncio.wait_for(seen.get(), 5)).rows}
            assert ("one" in shown) == ("two" in shown)
