"""What happens to a device's state: pairing by code, log-out, replacement, a crash loop, removal."""

import os
import signal

import pytest

from tests.processes.conftest import World
from wagateway.commands import sandbox

pytestmark = pytest.mark.asyncio(loop_scope="session")

NUMBER = "628555000001"


def logouts(world: World, device: str) -> list[str]:
    """Why a device was logged out, as its webhook was told."""
    told = {event["event_id"]: event for event in world.sink.events("device.logged_out")}
    return [event["payload"]["reason"] for event in told.values() if event["session_id"] == device]


async def test_w15_a_device_is_paired_by_code_and_removed_with_all_its_data(world: World) -> None:
    gateway = world.gateway
    await gateway.sandbox.ask(sandbox.AddPhone(phone=NUMBER, name="By code"), 10)
    await gateway.call("POST", "/devices", json={"device_id": "by-code"})
    told = await gateway.call("POST", "/devices/by-code/login/code", json={"phone": NUMBER})
    again = await gateway.call("GET", f"/app/login-with-code?phone={NUMBER}", "by-code")
    assert told.result == again.result
    await gateway.sandbox.ask(sandbox.EnterCode(phone=NUMBER, code=told.result["pair_code"]), 20)
    await gateway.logged_in("by-code")
    folders = set((gateway.storage / "devices").iterdir())
    removed = await gateway.call("DELETE", "/devices/by-code")
    assert {"device_id": "by-code", "unlinked": True} == removed.result
    assert ["unlinked"] == logouts(world, "by-code")
    assert 1 == len(folders - set((gateway.storage / "devices").iterdir()))
    assert [] == await gateway.sandbox.ask(sandbox.Companions(phone=NUMBER), 10)
    assert 404 == (await gateway.call("GET", "/devices/by-code")).status


async def test_w40_a_login_under_way_goes_on_and_its_picture_is_served(world: World) -> None:
    await world.gateway.call("POST", "/devices", json={"device_id": "qr"})
    first = await world.gateway.call("GET", "/devices/qr/login")
    second = await world.gateway.call("GET", "/app/login", "qr")
    assert first.result["qr_code"] == second.result["qr_code"]
    assert 60 >= first.result["qr_duration"] > 50
    async with world.gateway.http.get(first.result["qr_link"]) as picture:
        assert (200, "image/png") == (picture.status, picture.content_type)
    status = await world.gateway.call("GET", "/devices/qr/status")
    assert ("connected", True, False) == (
        status.result["state"],
        status.result["is_connected"],
        status.result["is_logged_in"],
    )
    assert 200 == (await world.gateway.call("POST", "/devices/qr/logout")).status


async def test_a_device_removed_on_the_phone_keeps_its_history_and_can_be_paired_again(world: World) -> None:
    gateway = world.gateway
    await gateway.pair("left", NUMBER)
    assert 200 == (await gateway.send("left", world.carol_number, "before")).status
    await gateway.sandbox.ask(sandbox.UnlinkCompanion(phone=NUMBER), 10)
    await gateway.table.until(lambda rows: rows["left"].worker == "parked", 10)
    status = await gateway.call("GET", "/devices/left/status")
    assert ("disconnected", "device_removed") == (status.result["state"], status.result["reason"])
    assert ["device_removed"] == logouts(world, "left")
    refused = await gateway.send("left", world.carol_number, "after")
    assert (401, "DEVICE_NOT_LOGGED_IN") == (refused.status, refused.body["code"])
    stored = await gateway.call("GET", f"/chat/{world.carol_number}/messages", "left")
    assert ["before"] == [message["content"] for message in stored.result["data"]]
    login = await gateway.call("GET", "/devices/left/login")
    await gateway.sandbox.ask(sandbox.ScanQr(phone=NUMBER, qr=login.result["qr_code"]), 20)
    await gateway.logged_in("left")
    assert 200 == (await gateway.send("left", world.carol_number, "again")).status


async def test_a_replaced_stream_waits_for_a_person_and_reconnects_on_request(world: World) -> None:
    gateway = world.gateway
    bob = gateway.table.rows[world.bob].pid
    await gateway.sandbox.ask(sandbox.ReplaceStream(phone=NUMBER), 10)
    await gateway.table.until(lambda rows: rows["left"].worker == "parked", 10)
    assert "stream_replaced" == gateway.table.rows["left"].reason
    assert not (await gateway.processes()).well
    assert bob == gateway.table.rows[world.bob].pid
    told = await gateway.call("GET", "/events?limit=1000", "left")
    assert "stream_replaced" == told.result["events"][-1]["payload"]["reason"]
    read = gateway.table.rows["left"]
    assert ("running", "disconnected", "stream_replaced") == (read.worker, read.state, read.reason)
    refused = await gateway.send("left", world.carol_number, "not now")
    assert (503, "DEVICE_UNAVAILABLE") == (refused.status, refused.body["code"])
    assert not (await gateway.processes()).well
    back = await gateway.call("POST", "/devices/left/reconnect")
    assert "logged_in" == back.result["state"]


async def test_a_crash_loop_is_quarantined_and_felt_by_no_other(world: World) -> None:
    gateway = world.gateway
    while gateway.table.rows["left"].reason != "crash_loop":
        await gateway.table.until(
            lambda rows: rows["left"].pid > 0 or rows["left"].reason == "crash_loop", 10
        )
        if pid := gateway.table.rows["left"].pid:
            os.kill(pid, signal.SIGKILL)
            await gateway.table.until(lambda rows: rows["left"].pid != pid, 10)
    refused = await gateway.call("GET", "/chats", "left")
    assert (503, "DEVICE_UNAVAILABLE") == (refused.status, refused.body["code"])
    assert 200 == (await gateway.send(world.alice, world.carol_number, "unmoved")).status
    assert 200 == (await gateway.call("DELETE", "/devices/left")).status
    assert (await gateway.processes()).well
