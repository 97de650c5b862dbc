"""`wagatewayctl webhooks`: what is asked of whom, what a person sees, and the exit codes."""

import io
from pathlib import Path

import msgspec
import pytest

from tests.ctl.conftest import Answering, Terminal
from wagateway.commands.internal import DeviceRow, DeviceTable, GetDeviceTable, StartWorker
from wagateway.commands.webhooks import (
    Attempt,
    ChangeGatewayWebhook,
    ChangeWebhook,
    CreateGatewayWebhook,
    CreateWebhook,
    Delivery,
    DeliveryPage,
    GetWebhook,
    ListDeliveries,
    ListGatewayWebhooks,
    ListWebhooks,
    PauseWebhook,
    RemovedWebhook,
    RemoveGatewayWebhook,
    RemoveWebhook,
    Replay,
    ReplayEvents,
    ResumeWebhook,
    TestWebhook,
    Webhook,
    WebhookStatus,
)
from wagateway.contract import Problem

RUNNING = DeviceRow("shop", "logged_in", "running", 1.0, jid="628123@s.whatsapp.net")
GATEWAYS = Webhook(
    webhook_id="main",
    own=False,
    fixed=True,
    url="https://example.org/hook",
    secret="***",
    events=["message", "group.*"],
    ignore_jids=[],
    headers={"Authorization": "***"},
    insecure_skip_verify=False,
    concurrency=4,
    give_up=345600,
)
GOING = WebhookStatus(
    **msgspec.structs.asdict(GATEWAYS),
    state="active",
    cursor=90,
    lag=7,
    blocked_chats=2,
    down=True,
    failures=9,
    retry_in=12.3,
    dead=5,
    replaying=0,
    last_status=502,
    last_error="bad \x1b[2Jgateway",
    delivered_at="2026-11-24T08:57:39Z",
)
TRIED = Attempt(delivered=True, status=204, error="", took=12)


def delivery(seq: int, error: str = "") -> Delivery:
    return Delivery(
        seq=seq,
        event_id=f"evt_{seq}",
        event="message",
        chat_id="628@s.whatsapp.net",
        recorded_at="2026-11-24T08:57:39Z",
        state="dead" if error else "delivered",
        attempts=3,
        status=500,
        error=error,
        took=4,
        at="2026-11-24T08:58:39Z",
    )


def supervisor(ctl: Terminal, row: DeviceRow = RUNNING) -> Answering:
    answering = ctl.supervisor()
    answering.replies = {
        GetDeviceTable: DeviceTable([row]),
        StartWorker: msgspec.structs.replace(row, worker="running"),
        ListGatewayWebhooks: [GATEWAYS],
        CreateGatewayWebhook: GATEWAYS,
        CreateWebhook: GATEWAYS,
        ChangeGatewayWebhook: GATEWAYS,
        ChangeWebhook: GATEWAYS,
        RemoveGatewayWebhook: RemovedWebhook("main"),
        RemoveWebhook: RemovedWebhook("main"),
    }
    return answering


def worker(ctl: Terminal) -> Answering:
    answering = ctl.worker("shop")
    answering.replies = {
        ListWebhooks: [GOING],
        GetWebhook: GOING,
        PauseWebhook: GOING,
        ResumeWebhook: GOING,
        TestWebhook: TRIED,
        ListDeliveries: DeliveryPage([delivery(9), delivery(8, "it said\x07 no")], 0),
        ReplayEvents: Replay(3, 120),
    }
    return answering


def test_without_a_device_the_gateways_webhooks_are_listed(ctl: Terminal) -> None:
    with supervisor(ctl):
        assert 0 == ctl("webhooks", "list")
    assert ["main", "the", "settings", "message,group.*", "https://example.org/hook"] == (
        ctl.out.splitlines()[1].split()
    )


def test_those_of_a_device_are_listed_with_how_they_go(ctl: Terminal) -> None:
    with supervisor(ctl), worker(ctl):
        assert 0 == ctl("webhooks", "list", "shop")
    line = ctl.out.splitlines()[1]
    assert line.startswith("main     down, next try in 12 s")
    assert ["7", "5", "2", "0", "502"] == line.split()[7:12]
    assert "\x1b" not in ctl.out


def test_a_device_may_be_named_by_its_jid(ctl: Terminal) -> None:
    with supervisor(ctl), worker(ctl) as asked:
        assert 0 == ctl("webhooks", "show", "628123@s.whatsapp.net", "main", "--json")
    assert [GetWebhook(webhook_id="main")] == asked.asked
    assert "main" == ctl.json["webhook_id"]


def test_the_facts_of_one_are_apart_from_their_names(ctl: Terminal) -> None:
    with supervisor(ctl), worker(ctl):
        assert 0 == ctl("webhooks", "show", "shop", "main")
    assert "insecure_skip_verify: False" in ctl.out.splitlines()
    assert "give_up:              345600" in ctl.out.splitlines()


def test_a_stopped_worker_is_started_first(ctl: Terminal) -> None:
    stopped = msgspec.structs.replace(RUNNING, worker="stopped")
    with supervisor(ctl, stopped) as asked, worker(ctl):
        assert 0 == ctl("webhooks", "list", "shop")
    assert [GetDeviceTable(), StartWorker(device_id="shop", dials=False)] == asked.asked


def test_a_worker_in_its_back_off_is_left_there(ctl: Terminal) -> None:
    waiting = msgspec.structs.replace(RUNNING, worker="waiting", last_exit="SIGKILL")
    with supervisor(ctl, waiting) as asked:
        assert 3 == ctl("webhooks", "list", "shop")
    assert [GetDeviceTable()] == asked.asked
    assert "not running (SIGKILL)" in ctl.err


def test_a_worker_that_is_just_gone_is_not_running(ctl: Terminal) -> None:
    with supervisor(ctl):
        assert 3 == ctl("webhooks", "pause", "shop", "main")


def test_a_device_that_does_not_exist_is_said_so(ctl: Terminal) -> None:
    with supervisor(ctl):
        assert 1 == ctl("webhooks", "list", "nobody")
    assert "not found" in ctl.err


def test_a_webhook_is_added_with_all_that_is_said_of_it(ctl: Terminal, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret\n")
    (tmp_path / "headers").write_text("Authorization: Bearer x:y\n\n")
    words = (
        "webhooks add https://example.org/ --device shop --id crm --secret-file secret --events message,gap "
    )
    words += "--ignore @g.us --header @headers --insecure --concurrency 8 --give-up 4d"
    with supervisor(ctl) as asked:
        assert 0 == ctl(*words.split(), "--header", "X-Of: me")
    expected = CreateWebhook(
        device_id="shop",
        url="https://example.org/",
        webhook_id="crm",
        secret="s3cret",
        events=["message", "gap"],
        ignore_jids=["@g.us"],
        headers={"Authorization": "Bearer x:y", "X-Of": "me"},
        insecure_skip_verify=True,
        concurrency=8,
        give_up=345600,
    )
    assert [expected] == asked.asked


def test_what_is_not_said_is_as_the_settings_say(ctl: Terminal) -> None:
    with supervisor(ctl) as asked:
        assert 0 == ctl("webhooks", "add", "https://example.org/", "--json")
    assert [CreateGatewayWebhook(url="https://example.org/")] == asked.asked
    assert "main" == ctl.json["webhook_id"]


def test_a_secret_can_come_from_stdin(ctl: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("s3cret\n"))
    with supervisor(ctl) as asked:
        assert 0 == ctl("webhooks", "set", "main", "--secret", "-")
    assert [ChangeGatewayWebhook(webhook_id="main", secret="s3cret")] == asked.asked


def test_w31_a_secret_on_the_command_line_is_refused(ctl: Terminal) -> None:
    assert 1 == ctl("webhooks", "add", "https://example.org/", "--secret", "s3cret")
    assert "--secret-file" in ctl.err
    assert "s3cret" not in ctl.err


def test_a_change_says_only_what_is_to_be_otherwise(ctl: Terminal) -> None:
    words = ("--device", "shop", "--no-insecure", "--secret", "", "--header", "", "--events", "")
    with supervisor(ctl) as asked:
        assert 0 == ctl("webhooks", "set", "main", *words)
    expected = ChangeWebhook(
        device_id="shop", webhook_id="main", insecure_skip_verify=False, secret="", headers={}, events=[]
    )
    assert [expected] == asked.asked


def test_a_webhook_of_a_device_and_one_of_the_gateway_are_removed(ctl: Terminal) -> None:
    with supervisor(ctl) as asked:
        assert 0 == ctl("webhooks", "remove", "main", "--device", "shop")
        assert 0 == ctl("webhooks", "remove", "main")
    expected = [RemoveWebhook(device_id="shop", webhook_id="main"), RemoveGatewayWebhook(webhook_id="main")]
    assert expected == asked.asked


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("set main", "Say what is to change"),
        ("set main --device shop", "Say what is to change"),
        ("add http://x --give-up soon", "--give-up"),
        ("add http://x --concurrency 0", "concurrency"),
        ("add http://x --id ../x", "webhook_id"),
        ("add http://x --header nothing", "--header"),
        ("add http://x --secret-file missing", "missing cannot be read"),
        ("add http://x --secret-file empty", "empty"),
        ("replay shop main", "Say which"),
        ("replay shop main --event evt_1 --dead", "--event"),
        ("deliveries shop main --limit 0", "--limit"),
    ],
)
def test_what_cannot_be_meant_is_refused(ctl: Terminal, tmp_path: Path, words: str, sentence: str) -> None:
    (tmp_path / "empty").write_text("\n")
    assert 1 == ctl("webhooks", *words.split())
    assert sentence in ctl.err


@pytest.mark.parametrize(("word", "command"), [("pause", PauseWebhook), ("resume", ResumeWebhook)])
def test_a_webhook_is_paused_and_resumed(
    ctl: Terminal, word: str, command: type[PauseWebhook] | type[ResumeWebhook]
) -> None:
    with supervisor(ctl), worker(ctl) as asked:
        assert 0 == ctl("webhooks", word, "shop", "main")
    assert [command(webhook_id="main")] == asked.asked


def test_a_test_that_is_delivered_is_well(ctl: Terminal) -> None:
    with supervisor(ctl), worker(ctl):
        assert 0 == ctl("webhooks", "test", "shop", "main")
    assert "Delivered: 204, in 12 ms\n" == ctl.out


def test_a_test_that_is_not_delivered_has_exit_code_1(ctl: Terminal) -> None:
    answering = worker(ctl)
    answering.replies[TestWebhook] = Attempt(delivered=False, status=0, error="refused\x1b", took=3)
    with supervisor(ctl), answering:
        assert 1 == ctl("webhooks", "test", "shop", "main")
    assert "Not delivered: refused\ufffd, in 3 ms\n" == ctl.out


def test_deliveries_are_shown_with_what_came_of_them(ctl: Terminal) -> None:
    with supervisor(ctl), worker(ctl) as asked:
        assert 0 == ctl("webhooks", "deliveries", "shop", "main", "--state", "failing", "--limit", "5")
    assert [ListDeliveries(webhook_id="main", state="failing", limit=5)] == asked.asked
    assert ["9", "message"] == ctl.out.splitlines()[1].split()[:2]
    assert "it said\ufffd no" in ctl.out


def test_dead_letters_are_asked_for_page_by_page(ctl: Terminal) -> None:
    pages = [DeliveryPage([delivery(9, "no")], 9), DeliveryPage([delivery(4, "no")], 0)]

    async def next_page() -> DeliveryPage:
        return pages.pop(0)

    answering = worker(ctl)
    answering.replies[ListDeliveries] = next_page
    with supervisor(ctl), answering as asked:
        assert 0 == ctl("webhooks", "dead", "shop", "main", "--limit", "600", "--json")
    assert [9, 4] == [each["seq"] for each in ctl.json]
    first = ListDeliveries(webhook_id="main", state="dead", limit=500)
    assert [first, msgspec.structs.replace(first, before=9)] == asked.asked


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ("--event evt_1", ReplayEvents(webhook_id="main", event_id="evt_1")),
        ("--from 10 --to 20", ReplayEvents(webhook_id="main", from_seq=10, to_seq=20)),
        ("--from 2026-11-24T08:00:00Z", ReplayEvents(webhook_id="main", from_time="2026-11-24T08:00:00Z")),
        ("--dead", ReplayEvents(webhook_id="main", dead=True)),
        ("--dead --to 20", ReplayEvents(webhook_id="main", dead=True, to_seq=20)),
    ],
)
@pytest.mark.parametrize("noun", ["webhooks", "events"])
def test_events_are_delivered_again(ctl: Terminal, noun: str, words: str, command: ReplayEvents) -> None:
    with supervisor(ctl), worker(ctl) as asked:
        assert 0 == ctl(noun, "replay", "shop", "main", *words.split())
    assert [command] == asked.asked
    assert "Replay 3: 120 events are delivered again\n" == ctl.out


def test_a_refusal_is_a_sentence(ctl: Terminal) -> None:
    answering = worker(ctl)
    answering.replies[GetWebhook] = Problem(404, "WEBHOOK_NOT_FOUND", "There is no webhook 'x'")
    with supervisor(ctl), answering:
        assert 1 == ctl("webhooks", "show", "shop", "x")
    assert "wagatewayctl: There is no webhook 'x'\n" == ctl.err
