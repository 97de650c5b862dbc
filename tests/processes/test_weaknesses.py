"""Weaknesses of the real server that only show when everything runs; `tests/contracts` has the table."""

import asyncio
import json
from pathlib import Path

import pytest

from tests.processes.conftest import World
from wagateway.commands import sandbox
from wagateway.spec import device_folder

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_w01_a_replaced_stream_ends_no_other_device(world: World) -> None:
    alice = world.gateway.table.rows[world.alice].pid
    await world.gateway.sandbox.ask(sandbox.ReplaceStream(phone=world.bob_number), 10)
    await world.gateway.table.until(lambda rows: rows[world.bob].worker == "parked", 20)
    assert "stream_replaced" == world.gateway.table.rows[world.bob].reason
    assert 200 == (await world.gateway.send(world.alice, world.carol_number, "still here")).status
    assert alice == world.gateway.table.rows[world.alice].pid
    await world.gateway.call("POST", f"/devices/{world.bob}/reconnect")
    await world.gateway.logged_in(world.bob)


async def test_w02_a_crash_in_one_device_is_felt_by_no_other(world: World) -> None:
    async def talk() -> list[int]:
        answers = [
            await world.gateway.send(world.alice, world.carol_number, f"w02 {number}") for number in range(20)
        ]
        return [answer.status for answer in answers]

    talking = asyncio.create_task(talk())
    for _ in range(2):
        await world.gateway.kill_worker(world.bob)
        await world.gateway.logged_in(world.bob)
    assert [200] * 20 == await talking


async def test_w03_no_process_opens_files_of_two_devices(world: World) -> None:
    folders = {
        device: device_folder(world.gateway.storage.resolve(), device) for device in (world.alice, world.bob)
    }
    for device, other in ((world.alice, world.bob), (world.bob, world.alice)):
        descriptors = Path(f"/proc/{world.gateway.table.rows[device].pid}/fd")
        opened = {str(one.readlink()) for one in descriptors.iterdir() if one.exists()}
        assert any(path.startswith(f"{folders[device]}/shard.db") for path in opened)
        assert not any(path.startswith(str(folders[other])) for path in opened)


async def test_w06_logins_at_once_make_one_login(world: World) -> None:
    await world.gateway.call("POST", "/devices", json={"device_id": "w06"})
    answers = await asyncio.gather(*(world.gateway.call("GET", "/devices/w06/login") for _ in range(6)))
    assert {200} == {answer.status for answer in answers}
    assert 1 == len({answer.result["qr_code"] for answer in answers})
    await world.gateway.call("DELETE", "/devices/w06")


async def test_w07_a_new_device_gets_nobodys_session(world: World) -> None:
    created = await world.gateway.call("POST", "/devices", json={"device_id": "w07"})
    login = await world.gateway.call("GET", "/devices/w07/login")  # which starts its worker
    status = await world.gateway.call("GET", "/devices/w07/status")
    assert (200, 200, "") == (created.status, login.status, status.result["jid"])
    await world.gateway.call("DELETE", "/devices/w07")
    await world.gateway.logged_in(world.alice, world.bob)


async def test_w08_a_typing_error_makes_no_device(world: World) -> None:
    before = (await world.gateway.call("GET", "/devices")).result
    login = await world.gateway.call("GET", "/devices/alcie/login")
    assert (404, "DEVICE_NOT_FOUND") == (login.status, login.body["code"])
    after = (await world.gateway.call("GET", "/devices")).result
    assert [one["device_id"] for one in before] == [one["device_id"] for one in after]


async def test_w21_a_device_cannot_act_on_a_message_of_another(world: World) -> None:
    sent = await world.gateway.send(world.alice, world.carol_number, "between us two")
    message = f"/message/{sent.result['message_id']}"
    body = {"phone": world.carol_number}
    for path, more in (
        ("reaction", {"emoji": "👀"}),
        ("revoke", {}),
        ("update", {"message": "changed"}),
        ("read", {}),
        ("forward", {}),
    ):
        answer = await world.gateway.call("POST", f"{message}/{path}", world.bob, json=body | more)
        assert (404, "MESSAGE_NOT_FOUND") == (answer.status, answer.body["code"]), path
    download = await world.gateway.call("GET", f"{message}/download", world.bob, params=body)
    assert 404 == download.status
    found = await world.gateway.call(
        "GET", "/messages/search", world.bob, params={"search": "between us two"}
    )
    assert [] == found.result["data"]
    page = await world.gateway.call("GET", f"/chat/{world.carol_number}/messages", world.alice)
    assert "between us two" in [one["content"] for one in page.result["data"]]


async def test_w24_spaces_make_no_group_and_silence_is_no_answer(world: World) -> None:
    spaced = f"+{world.carol_number[:2]} {world.carol_number[2:6]} - {world.carol_number[6:]}"
    assert 200 == (await world.gateway.send(world.alice, spaced, "with spaces")).status
    await world.gateway.sandbox.ask(sandbox.RefuseConnections(phone=world.alice_number, seconds=2), 10)
    await world.gateway.sandbox.ask(sandbox.DropConnection(phone=world.alice_number), 10)
    await world.gateway.table.until(lambda rows: rows[world.alice].state != "logged_in", 10)
    check = await world.gateway.call("GET", "/user/check", world.alice, params={"phone": world.carol_number})
    assert 503 == check.status, check.body
    await world.gateway.logged_in(world.alice)


async def test_w25_the_time_of_creation_outlives_a_restart(world: World) -> None:
    before = (await world.gateway.call("GET", f"/devices/{world.alice}")).result["created_at"]
    await world.gateway.kill_worker(world.alice)
    await world.gateway.logged_in(world.alice)
    assert before == (await world.gateway.call("GET", f"/devices/{world.alice}")).result["created_at"]
    privacy = (await world.gateway.call("GET", "/user/my/privacy", world.alice)).result
    assert privacy["last_seen"]
    info = await world.gateway.call("GET", "/user/info", world.alice, params={"phone": world.bob_number})
    assert "&{" not in json.dumps(info.body)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_w32_a_foreign_web_page_can_make_a_browser_do_nothing(world: World, method: str) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Origin": "https://evil.example"}
    answer = await world.gateway.call(method, "/app/logout", world.bob, headers=headers)
    assert (403, "CROSS_SITE") == (answer.status, answer.body["code"])
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert world.bob in [one["device_id"] for one in (await world.gateway.call("GET", "/devices")).result]
