"""`wagatewayctl devices`: each verb asks its command, and failures are one sentence."""

from typing import Any

import pytest

from tests.ctl.conftest import Terminal
from wagateway.commands.devices import (
    CreateDevice,
    DeviceInfo,
    GetDevice,
    ListDevices,
    LogoutDevice,
    ReconnectDevice,
    Reconnected,
    Removed,
    RemoveDevice,
)
from wagateway.commands.internal import DeviceRow, RestartWorker
from wagateway.contract import Command
from wagateway.problems import device_not_found

SHOP = DeviceInfo(
    device_id="shop", id="shop", state="logged_in", created_at="2026-11-24T08:00:00Z", jid="1@s"
)
ROW = DeviceRow(device_id="shop", state="connecting", worker="running", created_at=1.0)


@pytest.mark.parametrize(
    ("words", "command", "reply"),
    [
        (["show", "shop"], GetDevice(device_id="shop"), SHOP),
        (["create", "shop"], CreateDevice(device_id="shop"), SHOP),
        (["create"], CreateDevice(), SHOP),
        (["remove", "shop"], RemoveDevice(device_id="shop"), Removed("shop", True)),
        (["logout", "shop"], LogoutDevice(device_id="shop"), Removed("shop", True)),
        (["reconnect", "shop"], ReconnectDevice(device_id="shop"), Reconnected("shop", "connecting")),
        (["restart", "shop"], RestartWorker(device_id="shop"), ROW),
    ],
)
def test_a_verb_asks_its_command_and_shows_the_reply(
    ctl: Terminal, words: list[str], command: Command[Any], reply: object
) -> None:
    answering = ctl.supervisor()
    answering.replies = {type(command): reply}
    with answering:
        assert 0 == ctl("devices", *words)
        assert "shop" in ctl.out
        assert 0 == ctl("devices", *words, "--json")
        assert "shop" == ctl.json["device_id"]
    assert [command, command] == answering.asked


def test_a_list_has_a_line_for_each_device(ctl: Terminal) -> None:
    answering = ctl.supervisor()
    answering.replies = {ListDevices: [SHOP, SHOP]}
    with answering:
        assert 0 == ctl("devices", "list")
        assert 2 == ctl.out.count("\nshop")
        assert 0 == ctl("--json", "devices", "list")
        assert 2 == len(ctl.json)


def test_a_problem_is_one_sentence_on_stderr(ctl: Terminal) -> None:
    answering = ctl.supervisor()
    answering.replies = {GetDevice: device_not_found("x")}
    with answering:
        assert 1 == ctl("devices", "show", "x")
    assert ("", "wagatewayctl: Device 'x' not found\n") == (ctl.out, ctl.err)


def test_an_id_that_cannot_be_is_refused_without_asking(ctl: Terminal) -> None:
    assert 1 == ctl("devices", "create", "../x")
    assert "letters" in ctl.err


@pytest.mark.parametrize("words", [[], ["dance"], ["devices"], ["devices", "show"], ["status", "--colour"]])
def test_words_it_does_not_know_are_a_matter_of_usage(ctl: Terminal, words: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        ctl(*words)
    assert 2 == caught.value.code


def test_a_refused_setting_is_one_sentence(ctl: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAGATEWAY_TYPO", "x")
    assert 1 == ctl("status")
    assert ctl.err.startswith("wagatewayctl: WAGATEWAY_TYPO")


def test_a_runtime_folder_open_to_others_is_not_trusted(ctl: Terminal) -> None:
    ctl.runtime.chmod(0o755)
    assert 1 == ctl("devices", "list")
    assert "not private" in ctl.err
