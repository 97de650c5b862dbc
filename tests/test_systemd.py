"""The systemd unit: valid for systemd, and in step with the code."""

import configparser
import shutil
import subprocess
from pathlib import Path

import pytest

from wagateway.exits import Exit
from wagateway.settings import load

UNIT = Path(__file__).parent.parent / "systemd" / "wagateway.service"


@pytest.fixture
def service() -> configparser.SectionProxy:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(UNIT)
    return parser["Service"]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_systemd_finds_nothing_wrong(tmp_path: Path) -> None:
    program = shutil.which("true")
    assert program is not None
    unit = tmp_path / UNIT.name
    # The real program is installed where the unit says only on a real machine.
    unit.write_text(UNIT.read_text().replace("/opt/wagateway/.venv/bin/wagateway", program))
    command = ["systemd-analyze", "verify", "--man=no", str(unit)]
    verified = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (0, "") == (verified.returncode, verified.stderr)


def test_readiness_and_watchdog_come_from_the_main_process(service: configparser.SectionProxy) -> None:
    assert ("notify", "main") == (service["Type"], service["NotifyAccess"])
    assert 0 < int(service["WatchdogSec"])


def test_a_misused_gateway_is_not_started_again(service: configparser.SectionProxy) -> None:
    assert "always" == service["Restart"]
    assert Exit.MISUSED == int(service["RestartPreventExitStatus"])


def test_there_is_time_to_drain(service: configparser.SectionProxy) -> None:
    assert 10 < int(service["TimeoutStopSec"])


def test_data_and_sockets_are_private(service: configparser.SectionProxy) -> None:
    assert ("0700", "0700") == (service["StateDirectoryMode"], service["RuntimeDirectoryMode"])


def test_its_variables_are_settings(service: configparser.SectionProxy, tmp_path: Path) -> None:
    name, _, value = service["Environment"].partition("=")
    assert Path(value) == load([], {name: value}, tmp_path).storage
