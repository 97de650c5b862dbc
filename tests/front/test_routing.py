"""Every route leads to the process that its command is for."""

import pytest
from structlog.testing import capture_logs

from tests.front.conftest import Stage, Staging
from tests.front.samples import DEVICE, Sample, samples
from wagateway.commands.internal import DeviceRow
from wagateway.contract import Problem


async def test_a_route_reaches_its_process_with_its_command(stage: Stage) -> None:
    stage.add(DEVICE, jid="628111@s.whatsapp.net", worker="running")
    for sample in samples():
        await reaches(stage, sample)


async def reaches(stage: Stage, sample: Sample) -> None:
    answer = await stage.call(sample.route.method, sample.path, DEVICE, **sample.request)
    process = DEVICE if sample.command.target == "device" else sample.command.target
    expected_answer = (418, sample.command.__name__, process)
    assert expected_answer == (answer.status, answer.code, answer.message), sample.route
    expected = dict(sample.values)
    if "device_id" in sample.command.__struct_fields__ and sample.route.path != "/devices":
        expected["device_id"] = DEVICE
    got = answer.body["results"] or {}
    assert expected == {name: got[name] for name in expected}, sample.route


async def test_reply_bytes_go_out_untouched(stage: Stage) -> None:
    stage.add("a", worker="running", jid="1@s.whatsapp.net")
    answer = await stage.call("GET", "/app/status", "a")
    assert "application/json" == answer.headers["Content-Type"]
    assert b'{"code":"GetConnectionStatus","message":"a","result":{},"results":{}}' == answer.raw


async def test_retry_after_of_a_reply_becomes_a_header(stage: Stage) -> None:
    async def busy(_: object) -> object:
        raise Problem(503, "BUSY", "busy", retry_after=7)

    stage.add("a", worker="running")
    stage.answers["GetConnectionStatus"] = busy
    answer = await stage.call("GET", "/app/status")
    assert (503, "7") == (answer.status, answer.headers["Retry-After"])


async def test_an_unknown_path_is_404_in_json(stage: Stage) -> None:
    for path in ("/nothing", "/send", "/send/message/x", "/devices/a/b/c", "/%2e%2e/etc/passwd", "//"):
        answer = await stage.call("GET", path)
        assert (404, "NOT_FOUND") == (answer.status, answer.code), path


async def test_a_wrong_method_is_405_and_says_what_is_allowed(stage: Stage) -> None:
    answer = await stage.call("PUT", "/app/logout")
    assert (405, "METHOD_NOT_ALLOWED") == (answer.status, answer.code)
    assert "GET, POST" == answer.headers["Allow"]
    assert "GET, HEAD" == (await stage.call("POST", "/app/info")).headers["Allow"]


async def test_a_trailing_slash_and_needless_escapes_do_not_matter(stage: Stage) -> None:
    assert "CreateDevice" == (await stage.call("POST", "/devices/")).code
    assert "CreateDevice" == (await stage.call("POST", "/d%65vices")).code


async def test_the_base_path_is_before_everything_but_health(staging: Staging) -> None:
    stage = await staging(base_path="/wa")
    assert b"OK" == (await stage.call("GET", "/health")).raw
    assert "ListDevices" == (await stage.call("GET", "/wa/devices")).code
    assert "/wa" == (await stage.call("GET", "/wa/app/info")).body["results"]["base_path"]
    assert 200 == (await stage.call("GET", "/wa")).status
    assert "NOT_FOUND" == (await stage.call("GET", "/devices")).code
    assert "NOT_FOUND" == (await stage.call("GET", "/wax/devices")).code


async def test_sandbox_routes_are_there_in_sandbox_mode_only(staging: Staging) -> None:
    stage = await staging(sandbox=False)
    assert "NOT_FOUND" == (await stage.call("GET", "/sandbox/phones")).code


async def test_info_and_banner_need_no_device(stage: Stage) -> None:
    info = (await stage.call("GET", "/app/info")).body
    assert (False, 50_000_000) == (info["results"]["chatwoot_enabled"], info["results"]["max_file_size"])
    assert info["result"] == info["results"]
    assert "SUCCESS" == (await stage.call("GET", "/")).code


async def test_a_login_needs_a_worker_and_gets_one(stage: Stage) -> None:
    stage.add("new")
    answer = await stage.call("POST", "/app/login-with-code", json={"phone": "628123"})
    assert ("LoginWithCode", "new") == (answer.code, answer.message)
    assert ["StartWorker", "LoginWithCode"] == [type(command).__name__ for _, command in stage.asked]


async def test_stored_data_of_a_device_once_paired_is_read_by_a_new_worker(stage: Stage) -> None:
    stage.add("old", jid="628111@s.whatsapp.net", worker="parked", paired=False)
    assert "ListChats" == (await stage.call("GET", "/chats")).code
    assert "StartWorker" == type(stage.asked[0][1]).__name__


@pytest.mark.parametrize("path", ["/chats", "/chat/628@s.whatsapp.net/messages"])
async def test_a_device_never_paired_has_no_stored_data(stage: Stage, path: str) -> None:
    stage.add("new")
    answer = await stage.call("GET", path)
    assert (401, "DEVICE_NOT_LOGGED_IN") == (answer.status, answer.code)
    assert [] == stage.asked


SEND = {"phone": "628123", "message": "hi"}


async def test_sending_from_a_device_never_paired_starts_nothing(stage: Stage) -> None:
    stage.add("new")
    answer = await stage.call("POST", "/send/message", json=SEND)
    assert (401, "DEVICE_NOT_LOGGED_IN") == (answer.status, answer.code)
    assert [] == stage.asked


@pytest.mark.parametrize("worker", ["starting", "waiting", "parked"])
async def test_sending_while_the_worker_is_down_is_503_at_once(stage: Stage, worker: str) -> None:
    stage.add("old", jid="628111@s.whatsapp.net", worker=worker, reason="crash_loop")
    answer = await stage.call("POST", "/send/message", json=SEND)
    assert (503, "DEVICE_UNAVAILABLE", "1") == (answer.status, answer.code, answer.headers["Retry-After"])
    assert "crash_loop" in answer.message


@pytest.mark.parametrize(("worker", "state"), [("stopped", "disconnected"), ("starting", "connecting")])
async def test_status_without_a_worker_comes_from_the_table(stage: Stage, worker: str, state: str) -> None:
    row: DeviceRow = stage.add("a", jid="628111@s.whatsapp.net", worker=worker, reason="logged_out")
    answer = await stage.call("GET", "/devices/a/status")
    got = answer.body["result"]
    assert (200, state, False) == (answer.status, got["state"], got["is_logged_in"])
    assert (row.jid, row.reason) == (got["jid"], got["reason"])


async def test_health_is_503_when_the_supervisor_is_gone(stage: Stage) -> None:
    stage.front._supervisor.connected.clear()
    answer = await stage.call("GET", "/health")
    assert (503, b"Service Unavailable") == (answer.status, answer.raw)


async def test_a_bug_is_a_plain_500_and_a_traceback_in_the_log(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("wagateway.front.requests.Endpoint.answer", broken)
    with capture_logs() as logged:
        answer = await stage.call("GET", "/devices?token=hidden")
    assert (500, "INTERNAL_SERVER_ERROR") == (answer.status, answer.code)
    assert b"secret" not in answer.raw
    assert ["request.failed"] == [line["event"] for line in logged]
    assert "hidden" not in str(logged)
