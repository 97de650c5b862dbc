"""`wagatewayctl webhooks`: what is asked of whom, what a person sees, and the exit codes."""

import io
from pathlib import Path

import msgspec
import pytest

from tests.ctl.conftest import Terminal
from tests.ctl.webhooks import RUNNING, supervisor, worker
from wagateway.commands.internal import GetDeviceTable, StartWorker
from wagateway.commands.webhooks import (
    Attempt,
    ChangeGatewayWebhook,
    ChangeWebhook,
    CreateGatewayWebhook,
    CreateWebhook,
    GetWebhook,
    PauseWebhook,
    RemoveGatewayWebhook,
    RemoveWebhook,
    ResumeWebhook,
    TestWebhook,
)
from wagateway.contract import Problem


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
        ("add http://x --give-up soon", "--give-up: must be seconds, or a time such as 4d"),
        ("add http://x --give-up 99d", "--give-up: must be between 1 second and 30 days (720h)\n"),
        ("set main --give-up 0.5", "--give-up: must be between 1 second and 30 days (720h)\n"),
        ("add http://x --concurrency 0", "concurrency: must be at least 1\n"),
        ("add http://x --concurrency 65", "concurrency: must be at most 64\n"),
        ("add http://x --id ../x", "webhook_id: has characters that it may not have\n"),
        (f"add http://x --id {'x' * 65}", "webhook_id: must have at most 64 characters\n"),
        (f"add http://x --events {'x,' * 65}", "events: must have at most 64 entries\n"),
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


def test_a_refusal_is_a_sentence(ctl: Terminal) -> None:
    answering = worker(ctl)
    answering.replies[GetWebhook] = Problem(404, "WEBHOOK_NOT_FOUND", "There is no webhook 'x'")
    with supervisor(ctl), answering:
        assert 1 == ctl("webhooks", "show", "shop", "x")
    assert "wagatewayctl: There is no webhook 'x'\n" == ctl.err
