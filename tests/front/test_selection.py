"""Which device a request means."""

import asyncio
from urllib.parse import quote

import pytest

from tests.front.conftest import Answer, Stage
from wagateway.commands.devices import DeviceInfo, Removed
from wagateway.commands.internal import DeviceRow, DeviceTable
from wagateway.contract import Problem

JID = "628111:12@s.whatsapp.net"


@pytest.fixture
async def two(stage: Stage) -> Stage:
    stage.add("shop-1", jid=JID, worker="running")
    stage.add("628222@s.whatsapp.net", jid="628333@s.whatsapp.net", worker="running")
    return stage


@pytest.mark.parametrize(
    "written",
    ["shop-1", "  shop-1  ", "shop%2D1", "+shop-1+", "%20shop-1", JID, quote(JID), "628111@s.whatsapp.net"],
)
async def test_the_header_names_a_device_by_id_or_jid(two: Stage, written: str) -> None:
    assert "shop-1" == (await two.call("GET", "/app/status", written)).message


@pytest.mark.parametrize("written", ["shop-1", "shop%2D1", quote(JID), "628111%40s.whatsapp.net"])
async def test_the_query_names_a_device_by_id_or_jid(two: Stage, written: str) -> None:
    assert "shop-1" == (await two.call("GET", f"/app/status?device_id={written}")).message


@pytest.mark.parametrize("written", ["shop-1", "shop%2D1", quote(JID), "628111%40s.whatsapp.net"])
async def test_the_path_names_a_device_by_id_or_jid(two: Stage, written: str) -> None:
    assert "shop-1" == (await two.call("GET", f"/devices/{written}/status")).message
    answer = await two.call("GET", f"/devices/{written}")
    assert {"device_id": "shop-1"} == answer.body["result"]


async def test_the_header_wins_over_the_query(two: Stage) -> None:
    answer = await two.call("GET", "/app/status?device_id=628333@s.whatsapp.net", "shop-1")
    assert "shop-1" == answer.message


async def test_an_id_wins_over_a_jid(two: Stage) -> None:
    two.add("third", jid="628222@s.whatsapp.net", worker="running")
    answer = await two.call("GET", "/app/status", "628222@s.whatsapp.net")
    assert "628222@s.whatsapp.net" == answer.message


async def test_an_empty_header_counts_as_none(two: Stage) -> None:
    assert "shop-1" == (await two.call("GET", "/app/status?device_id=shop-1", " ")).message


async def test_an_id_with_a_plus_can_be_written_as_it_is(stage: Stage) -> None:
    stage.add("a+b", worker="running")
    stage.add("c", worker="running")
    assert "a+b" == (await stage.call("GET", "/app/status", "a+b")).message
    assert "a+b" == (await stage.call("GET", "/app/status", "a%2Bb")).message


async def test_the_only_device_need_not_be_named(stage: Stage) -> None:
    stage.add("only", worker="running")
    assert "only" == (await stage.call("GET", "/app/status")).message
    logout = await stage.call("GET", "/app/logout")
    assert ("LogoutDevice", {"device_id": "only"}) == (logout.code, logout.body["result"])


async def test_without_a_selector_no_device_and_two_devices_are_refused(stage: Stage) -> None:
    for path in ("/app/status", "/chats", "/app/reconnect"):
        assert (400, "DEVICE_ID_REQUIRED") == _both(await stage.call("GET", path))
    stage.add("a", worker="running")
    stage.add("b", worker="running")
    for path in ("/app/status", "/chats", "/app/reconnect"):
        answer = await stage.call("GET", path)
        assert (400, "DEVICE_ID_REQUIRED") == _both(answer)
        assert "Multiple devices registered" in answer.message


def _both(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.code


async def test_an_unknown_device_is_404_with_its_id(two: Stage) -> None:
    for answer in (
        await two.call("GET", "/app/status", "nobody"),
        await two.call("GET", "/app/status?device_id=nobody"),
        await two.call("GET", "/devices/nobody/status"),
        await two.call("GET", "/devices/nobody"),
        await two.call("DELETE", "/devices/nobody"),
        await two.call("POST", "/devices/nobody/logout"),
    ):
        assert (404, "DEVICE_NOT_FOUND") == _both(answer)
        assert {"device_id": "nobody"} == answer.body["result"] == answer.body["results"]
    assert [] == two.asked


async def test_a_device_is_known_as_soon_as_its_creation_is_answered(stage: Stage) -> None:
    async def create(_: object) -> DeviceInfo:
        stage.rows["new"] = DeviceRow("new", "disconnected", "stopped", 0.0)
        return DeviceInfo(device_id="new", id="new", state="disconnected", created_at="")

    stage.answers["CreateDevice"] = create
    assert 200 == (await stage.call("POST", "/devices")).status
    assert "new" == (await stage.call("GET", "/app/status")).body["result"]["device_id"]


async def test_a_device_that_the_feed_has_not_told_of_is_found(stage: Stage) -> None:
    stage.rows["late"] = DeviceRow("late", "disconnected", "stopped", 0.0)
    assert 200 == (await stage.call("GET", "/devices/late/status")).status


async def test_a_removed_device_is_forgotten(stage: Stage) -> None:
    stage.add("a", worker="running")
    assert 418 == (await stage.call("GET", "/app/status", "a")).status
    stage.remove("a")
    async with asyncio.timeout(5):
        while 404 != (answer := await stage.call("GET", "/app/status", "a")).status:
            pass  # what is under way when the table comes is answered from the old one
    assert (404, "DEVICE_NOT_FOUND") == _both(answer)


@pytest.mark.parametrize(
    ("method", "path"), [("DELETE", "/devices/a"), ("POST", "/devices/a/logout"), ("GET", "/app/logout")]
)
async def test_a_device_is_gone_as_soon_as_its_removal_is_answered(
    stage: Stage, method: str, path: str
) -> None:
    async def remove(_: object) -> Removed:
        del stage.rows["a"]
        return Removed("a", unlinked=True)

    stage.add("a", worker="running")
    stage.answers["RemoveDevice"] = stage.answers["LogoutDevice"] = remove
    assert 200 == (await stage.call(method, path)).status
    assert (404, "DEVICE_NOT_FOUND") == _both(await stage.call("GET", "/devices/a/status"))


async def test_what_is_done_is_answered_even_when_the_table_cannot_be_had(stage: Stage) -> None:
    async def remove(_: object) -> Removed:
        stage.answers["GetDeviceTable"] = no_table
        return Removed("a", unlinked=True)

    async def no_table(_: object) -> None:
        raise Problem(503, "BUSY", "busy")

    stage.add("a", worker="running")
    stage.answers["LogoutDevice"] = remove
    assert 200 == (await stage.call("GET", "/app/logout")).status


async def test_an_older_table_does_not_undo_a_newer_one(stage: Stage) -> None:
    stage.add("a", worker="running")
    assert 418 == (await stage.call("GET", "/app/status", "a")).status

    async def old(_: object) -> DeviceTable:
        return DeviceTable([], 0)

    stage.answers["GetDeviceTable"] = old
    assert 200 != (await stage.call("GET", "/app/status", "b")).status
    assert 418 == (await stage.call("GET", "/app/status", "a")).status


async def test_what_was_shown_of_a_device_can_be_sent_back_with_its_id(two: Stage) -> None:
    for said, status in (("shop-1", 418), ("other", 400)):
        body = {"device_id": said, "webhook_events": "message"}
        assert status == (await two.call("PATCH", "/devices/shop-1/webhook", json=body)).status
