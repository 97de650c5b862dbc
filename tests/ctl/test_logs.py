"""`wagatewayctl logs`: read from the file alone, filtered, followed across a rotation."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.ctl.conftest import Terminal
from wagateway import logs
from wagateway.ctl.logs import follow


def entry(event: str, device: str = "", **more: object) -> str:
    fields = {"timestamp": "2026-11-24T08:57:39.123456Z", "level": "info", "event": event, "role": "worker"}
    return json.dumps({**fields, **({"device": device} if device else {}), **more}) + "\n"


@pytest.fixture
def path(ctl: Terminal) -> Path:
    folder = ctl.storage / "logs"
    folder.mkdir(parents=True)
    return folder / logs.FILE


def test_a_line_is_readable(ctl: Terminal, path: Path) -> None:
    path.write_text(entry("worker.ready", "shop", pid=7))
    assert 0 == ctl("logs")
    assert "2026-11-24 08:57:39.123 info     [worker shop] worker.ready pid=7\n" == ctl.out


def test_a_traceback_follows_its_line(ctl: Terminal, path: Path) -> None:
    path.write_text(entry("x", exception="Traceback\nValueError: odd"))
    ctl("logs")
    assert ["    Traceback", "    ValueError: odd"] == ctl.out.splitlines()[1:]


def test_only_the_last_lines_are_shown_across_both_files(ctl: Terminal, path: Path) -> None:
    path.with_name(logs.FILE + ".1").write_text(entry("one") + entry("two"))
    path.write_text(entry("three"))
    ctl("logs", "-n", "2", "--json")
    assert ["two", "three"] == [json.loads(line)["event"] for line in ctl.out.splitlines()]


def test_one_device_is_picked_out(ctl: Terminal, path: Path) -> None:
    path.write_text(entry("a", "shop") + entry("b", "other") + entry("c"))
    ctl("logs", "shop", "--json")
    assert ["a"] == [json.loads(line)["event"] for line in ctl.out.splitlines()]


def test_a_line_that_is_not_json_is_shown_all_the_same(ctl: Terminal, path: Path) -> None:
    path.write_text("panic: \x1b[31mred\n")
    assert 0 == ctl("logs")
    assert "panic:" in ctl.out
    assert "\x1b" not in ctl.out


def test_a_wrong_storage_is_said_so(ctl: Terminal) -> None:
    assert 1 == ctl("logs")
    assert "--storage" in ctl.err


def test_following_goes_on_across_a_rotation_and_half_lines(path: Path) -> None:
    def append(text: str) -> None:
        with path.open("a") as file:
            file.write(text)

    def rotate() -> None:
        append("three\n")
        path.replace(path.with_name("old"))

    path.write_text("old\n")
    steps: list[Callable[[], None]] = [
        lambda: append("one\ntw"),
        lambda: append("o\n"),
        rotate,
        lambda: append("four\n"),
    ]
    followed = follow(path, lambda: steps.pop(0)())
    assert ["one\n", "two\n", "three\n", "four\n"] == [next(followed) for _ in range(4)]
