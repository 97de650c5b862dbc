"""`wagatewayctl doctor`: what is wrong with an installation is found and said."""

from pathlib import Path

from tests.ctl.conftest import Terminal
from wagateway.ctl import doctor
from wagateway.ctl.asking import Place


def test_a_sound_installation_passes(ctl: Terminal) -> None:
    assert 0 == ctl("doctor"), ctl.out
    assert "BAD" not in ctl.out


def test_a_runtime_folder_open_to_others_is_found(ctl: Terminal) -> None:
    ctl.runtime.chmod(0o750)
    assert 1 == ctl("doctor", "--json")
    assert ["runtime folder"] == [each["what"] for each in ctl.json if not each["well"]]


def test_a_package_of_another_project_is_found() -> None:
    assert not doctor._owner("workers", {"workers": ["cloudflare-thing", "wagateway"]}).well
    assert not doctor._owner("workers", {}).well


def test_an_old_python_is_found() -> None:
    assert not doctor._python((3, 10, 4)).well


def test_a_runtime_folder_too_deep_for_a_socket_is_found() -> None:
    assert not doctor._sockets(Place(Path("s"), Path("/run") / ("x" * 90))).well
