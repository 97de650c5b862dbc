"""What the supervisor answers."""

import asyncio
import time
import types
import uuid

import pytest

from supervisor.handlers import devices, processes
from tests.supervisor.conftest import JID, World
from wagateway import wire
from wagateway.commands.devices import (
    CreateDevice,
    GetDevice,
    GetDeviceProxy,
    ListDevices,
    LogoutDevice,
    ReconnectDevice,
    Reconnected,
    Removed,
    RemoveDevice,
    SetDeviceProxy,
)
from wagateway.commands.internal import (
    GetDeviceTable,
    GetOverview,
    ProcessRow,
    RestartWorker,
    StartWorker,
    Unlink,
    Unlinked,
)
from wagateway.contract import Problem
from wagateway.exits import Exit
from wagateway.registry import Entry
from wagateway.serve import Server, collect


def paired(world: World, device_id: str = "shop") -> None:
    world.devices.add(Entry(device_id, time.time(), paired=True, jid=JID))


async def test_a_device_gets_the_id_it_asks_for_or_a_uuid(world: World) -> None:
    own = await devices.create_device(world.devices, CreateDevice(device_id="shop"))
    given = await devices.create_device(world.devices, CreateDevice())
    assert ("shop", "disconnected", "") == (own.device_id, own.state, own.jid)
    assert str(uuid.UUID(given.device_id)) == given.id
    assert [] == world.workers


async def test_a_taken_id_is_a_conflict_but_only_that_very_id(world: World) -> None:
    await devices.create_device(world.devices, CreateDevice(device_id="shop"))
    with pytest.raises(Problem) as caught:
        await devices.create_device(world.devices, CreateDevice(device_id="shop"))
    assert (409, "DEVICE_ALREADY_EXISTS") == (caught.value.status, caught.value.code)
    await devices.create_device(world.devices, CreateDevice(device_id="Shop"))


async def test_devices_are_listed_oldest_first_and_found_by_id_or_jid(world: World) -> None:
    paired(world)
    await devices.create_device(world.devices, CreateDevice(device_id="a"))
    listed = await devices.list_devices(world.devices, ListDevices())
    assert ["shop", "a"] == [info.device_id for info in listed]
    found = [await devices.get_device(world.devices, GetDevice(device_id=name)) for name in ("shop", JID)]
    assert ["628111000001"] * 2 == [info.phone_number for info in found]


@pytest.mark.parametrize("wanted", ["", "nobody", "x" * 5000])
async def test_an_unknown_device_is_not_found(world: World, wanted: str) -> None:
    with pytest.raises(Problem) as caught:
        await devices.get_device(world.devices, GetDevice(device_id=wanted))
    assert (404, "DEVICE_NOT_FOUND") == (caught.value.status, caught.value.code)
    assert len(caught.value.message) < 200


async def test_concurrent_starts_share_one_worker(world: World) -> None:
    await devices.create_device(world.devices, CreateDevice(device_id="shop"))
    command = StartWorker(device_id="shop")
    rows = await asyncio.gather(*(processes.start_worker(world.devices, command) for _ in range(5)))
    assert {("running", 1000)} == {(row.worker, row.pid) for row in rows}
    assert 1 == len(world.workers)
    assert not world.workers[0].spec.connect


async def test_a_worker_that_cannot_run_is_unavailable_at_once(world: World) -> None:
    world.first_beat = None
    paired(world)
    asking = asyncio.create_task(processes.start_worker(world.devices, StartWorker(device_id="shop")))
    await world.until("shop", lambda row: row.pid != 0)
    world.workers[0].die(Exit.SHARD_UNUSABLE)
    with pytest.raises(Problem, match="shard_unusable") as caught:
        await asyncio.wait_for(asking, 5)
    assert (503, "DEVICE_UNAVAILABLE") == (caught.value.status, caught.value.code)


async def test_a_restart_gives_a_new_worker(world: World) -> None:
    paired(world)
    await processes.start_worker(world.devices, StartWorker(device_id="shop"))
    row = await processes.restart_worker(world.devices, RestartWorker(device_id="shop"))
    assert (1001, "running") == (row.pid, row.worker)


async def test_a_reconnect_waits_for_the_login(world: World) -> None:
    paired(world)
    await processes.start_worker(world.devices, StartWorker(device_id="shop"))
    answer = await devices.reconnect_device(world.devices, ReconnectDevice(device_id="shop"))
    assert Reconnected(device_id="shop", state="logged_in") == answer
    assert 2 == len(world.workers)


async def test_a_reconnect_that_takes_long_says_where_it_is(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "LOGIN_SECONDS", 0.02)
    world.first_beat = lambda _: {"state": "connecting", "jid": JID}
    paired(world)
    answer = await devices.reconnect_device(world.devices, ReconnectDevice(device_id="shop"))
    assert Reconnected(device_id="shop", state="connecting") == answer


async def test_an_unpaired_device_cannot_be_reconnected(world: World) -> None:
    await devices.create_device(world.devices, CreateDevice(device_id="shop"))
    with pytest.raises(Problem) as caught:
        await devices.reconnect_device(world.devices, ReconnectDevice(device_id="shop"))
    assert "DEVICE_NOT_LOGGED_IN" == caught.value.code


async def _unlinks(state: list[str], command: Unlink) -> Unlinked:
    state.append("unlinked")
    return Unlinked(unlinked=True)


async def test_a_logout_starts_the_worker_unlinks_and_purges(world: World) -> None:
    module = types.ModuleType("answers")
    module.unlink = _unlinks  # type: ignore[attr-defined]
    module.unlink.__module__ = "answers"
    asked: list[str] = []
    paired(world)
    with Server(world.context, wire.worker_socket(world.folder, "shop"), collect([module]), asked):
        answer = await devices.logout_device(world.devices, LogoutDevice(device_id="shop"))
    assert Removed(device_id="shop", unlinked=True) == answer
    assert ["unlinked"] == asked
    assert {} == world.devices.keepers


async def test_a_device_whose_worker_does_not_answer_is_removed_all_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "UNLINK_SECONDS", 0.02)
    paired(world)
    answer = await devices.remove_device(world.devices, RemoveDevice(device_id="shop"))
    assert Removed(device_id="shop", unlinked=False) == answer


async def test_two_removals_at_once_remove_once(world: World) -> None:
    await devices.create_device(world.devices, CreateDevice(device_id="shop"))
    command = RemoveDevice(device_id="shop")
    answers = await asyncio.gather(
        *(devices.remove_device(world.devices, command) for _ in range(2)), return_exceptions=True
    )
    assert ["Problem", "Removed"] == sorted(type(answer).__name__ for answer in answers)


async def test_the_table_has_every_device(world: World) -> None:
    paired(world)
    table = await processes.get_device_table(world.devices, GetDeviceTable())
    assert ["shop"] == [row.device_id for row in table.rows]


def fixed(pid: int) -> list[ProcessRow]:
    return [ProcessRow("front", pid, 0.0, 0, "", 0)]


async def test_all_is_well_until_something_needs_a_person(world: World) -> None:
    world.devices.fixed = lambda: fixed(1)
    paired(world)
    await processes.start_worker(world.devices, StartWorker(device_id="shop"))
    assert (await processes.get_overview(world.devices, GetOverview())).well
    world.workers[0].die(Exit.BANNED)
    await world.until("shop", lambda row: row.worker == "parked")
    overview = await processes.get_overview(world.devices, GetOverview())
    assert not overview.well
    assert "banned" == overview.devices[0].last_exit


async def test_reading_the_log_of_a_device_that_was_logged_out_does_not_make_it_well(world: World) -> None:
    world.devices.fixed = lambda: fixed(1)
    paired(world)
    await processes.start_worker(world.devices, StartWorker(device_id="shop"))
    world.beat(world.workers[0], state="disconnected", reason="device_removed")
    world.workers[0].die(Exit.LOGGED_OUT)
    await world.until("shop", lambda row: row.worker == "parked")
    await processes.start_worker(world.devices, StartWorker(device_id="shop"))
    overview = await processes.get_overview(world.devices, GetOverview())
    row = overview.devices[0].device
    assert row is not None
    assert (False, "running", "device_removed") == (overview.well, row.worker, row.reason)


@pytest.mark.parametrize("storage", ["full", "failed"])
async def test_a_disk_that_takes_nothing_needs_a_person_and_is_the_reason(world: World, storage: str) -> None:
    world.devices.fixed = lambda: fixed(1)
    paired(world)
    await processes.start_worker(world.devices, StartWorker(device_id="shop"))
    world.beat(world.workers[0], state="logged_in", jid=JID, storage=storage, dead=3, gone=1, disk=4096)
    overview = await processes.get_overview(world.devices, GetOverview())
    row = overview.devices[0].device
    assert row is not None
    assert (False, storage, 3, 1, 4096) == (overview.well, row.storage, row.dead, row.gone, row.disk)
    info = await devices.get_device(world.devices, GetDevice(device_id="shop"))
    assert f"storage_{storage}" == info.reason
    world.beat(world.workers[0], state="logged_in", jid=JID, storage=storage, reason="reachout_timelock")
    info = await devices.get_device(world.devices, GetDevice(device_id="shop"))
    assert "reachout_timelock" == info.reason
    world.beat(world.workers[0], state="logged_in", jid=JID)
    assert (await processes.get_overview(world.devices, GetOverview())).well


async def test_a_dead_front_is_not_well(world: World) -> None:
    world.devices.fixed = lambda: fixed(0)
    assert not (await processes.get_overview(world.devices, GetOverview())).well


async def test_a_new_proxy_replaces_the_worker_and_its_password_is_not_told(world: World) -> None:
    paired(world)
    world.devices.keepers["shop"].start()
    await world.until("shop", lambda row: row.worker == "running")
    proxy = "socks5://me:hush@127.0.0.1:1080"
    shown = await devices.set_device_proxy(world.devices, SetDeviceProxy(device_id="shop", proxy=proxy))
    await world.until("shop", lambda row: row.worker == "running")
    first, second = world.of("shop")
    assert first.spec.proxy is None
    assert second.spec.proxy is not None
    assert proxy == second.spec.proxy.value
    assert "socks5://127.0.0.1:1080" == shown.proxy
    assert shown == await devices.get_device_proxy(world.devices, GetDeviceProxy(device_id="shop"))


@pytest.mark.parametrize("proxy", ["ftp://x", "http://u:p%zz@127.0.0.1:1", "http://127.0.0.1:1/path"])
async def test_a_proxy_that_the_engine_could_not_read_is_refused(world: World, proxy: str) -> None:
    with pytest.raises(Problem, match=r"^proxy: "):
        await devices.create_device(world.devices, CreateDevice(device_id="new", proxy=proxy))
    paired(world)
    with pytest.raises(Problem, match=r"^proxy: "):
        await devices.set_device_proxy(world.devices, SetDeviceProxy(device_id="shop", proxy=proxy))


async def replaced(world: World, **beat: object) -> None:
    """Shop was logged in until another client took its session over."""
    paired(world)
    world.first_beat = lambda spec: {"state": "logged_in" if spec.connect else "disconnected", "jid": JID}
    world.devices.keepers["shop"].start()
    await world.until("shop", lambda row: row.state == "logged_in")
    world.beat(world.workers[0], state="disconnected", jid=JID, reason="stream_replaced", **beat)
    world.workers[0].die(Exit.STREAM_REPLACED)


async def test_reading_a_parked_device_does_not_connect_it(world: World) -> None:
    await replaced(world)
    await world.until("shop", lambda row: row.worker == "parked")
    row = await processes.start_worker(world.devices, StartWorker(device_id="shop", dials=False))
    assert ("running", "stream_replaced", True) == (row.worker, row.reason, row.paired)
    assert [True, False] == [worker.spec.connect for worker in world.workers]
    assert not (await processes.get_overview(world.devices, GetOverview())).well
    world.workers[1].die(Exit.IDLE)
    row = await world.until("shop", lambda row: row.worker == "parked")
    assert "stream_replaced" == row.reason
    await devices.reconnect_device(world.devices, ReconnectDevice(device_id="shop"))
    assert world.workers[2].spec.connect


async def test_a_device_that_is_only_read_is_connected_to_be_unlinked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "UNLINK_SECONDS", 0.02)
    await replaced(world)
    await world.until("shop", lambda row: row.worker == "parked")
    await processes.start_worker(world.devices, StartWorker(device_id="shop", dials=False))
    await devices.remove_device(world.devices, RemoveDevice(device_id="shop"))
    assert [True, False, True] == [worker.spec.connect for worker in world.workers]


async def test_events_of_a_parked_device_are_delivered_without_connecting_it(world: World) -> None:
    await replaced(world, hook_lag=3)
    row = await world.until("shop", lambda row: row.worker == "running" and len(world.workers) == 2)
    assert ("stream_replaced", False) == (row.reason, world.workers[1].spec.connect)
    assert world.workers[1].spec.death is None
    world.workers[1].die(Exit.IDLE)
    assert "stream_replaced" == (await world.until("shop", lambda row: row.worker == "parked")).reason


async def test_a_login_in_a_worker_that_was_only_read_is_kept_over_a_crash(world: World) -> None:
    await replaced(world)
    await world.until("shop", lambda row: row.worker == "parked")
    await processes.start_worker(world.devices, StartWorker(device_id="shop", dials=False))
    world.beat(world.workers[1], state="logged_in", jid=JID)
    world.workers[1].die(-9)
    await world.until("shop", lambda row: row.state == "logged_in" and len(world.workers) == 3)
    assert world.workers[2].spec.connect
