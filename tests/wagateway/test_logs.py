"""The log: what its lines hold, what they hide, and that no terminal or disk hurts who logs."""

import json
import logging
import os
import pty
import socket
import stat
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from wagateway import logs


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    before, level, show = list(root.handlers), root.level, warnings.showwarning
    yield
    for handler in [each for each in root.handlers if each not in before]:
        root.removeHandler(handler)
        handler.close()
    logging.captureWarnings(False)
    warnings.showwarning = show
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def terminal() -> Iterator[int]:
    descriptor = os.open(os.devnull, os.O_WRONLY)
    yield descriptor
    os.close(descriptor)


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / logs.FILE).read_text().splitlines()]


def test_a_line_names_time_level_event_role_and_device(tmp_path: Path, terminal: int) -> None:
    logs.start("worker", folder=tmp_path, terminal=terminal, debug=False, device="shop")
    structlog.get_logger().info("worker.ready", port=3)
    (line,) = lines(tmp_path)
    assert line.pop("timestamp").endswith("Z")
    assert {"level": "info", "event": "worker.ready", "role": "worker", "device": "shop", "port": 3} == line


def test_standard_loggers_go_the_same_way(tmp_path: Path, terminal: int) -> None:
    logs.start("front", folder=tmp_path, terminal=terminal, debug=False)
    logging.getLogger("whatsmeow").warning("lost %s", "socket")
    (line,) = lines(tmp_path)
    expected = ("lost socket", "warning", "front", "whatsmeow")
    assert expected == (line["event"], line["level"], line["role"], line["logger"])


def test_debug_lines_appear_only_when_asked_for(tmp_path: Path, terminal: int) -> None:
    for debug in (False, True):
        logs.start("front", folder=tmp_path, terminal=terminal, debug=debug)
        structlog.get_logger().debug("detail")
        logging.getLogger("whatsmeow").debug("other detail")
    assert ["detail", "other detail"] == [line["event"] for line in lines(tmp_path)]


def test_a_logger_made_before_the_start_follows_it(tmp_path: Path, terminal: int) -> None:
    log = structlog.get_logger()
    logs.start("zygote", folder=tmp_path, terminal=terminal, debug=False)
    log.info("one")
    logs.start("worker", folder=tmp_path, terminal=terminal, debug=False, device="a")
    log.info("two")
    assert [("one", "zygote"), ("two", "worker")] == [(row["event"], row["role"]) for row in lines(tmp_path)]


@pytest.mark.parametrize(
    "name",
    ["password", "webhook_secret", "token", "Authorization", "key", "noise_key", "qr_code", "pair_code"],
)
def test_secret_fields_are_hidden_also_inside_others(tmp_path: Path, terminal: int, name: str) -> None:
    logs.start("front", folder=tmp_path, terminal=terminal, debug=True)
    structlog.get_logger().info("x", **{name: "hush"}, nested={"list": [{name: "hush"}]})
    assert "hush" not in (tmp_path / logs.FILE).read_text()


def test_credentials_in_urls_are_hidden(tmp_path: Path, terminal: int) -> None:
    logs.start("worker", folder=tmp_path, terminal=terminal, debug=False)
    structlog.get_logger().info("hook.failed", url="https://user:hush@example.org/x")
    assert "https://***@example.org/x" == lines(tmp_path)[0]["url"]


def test_a_traceback_is_one_field_of_one_line(tmp_path: Path, terminal: int) -> None:
    logs.start("worker", folder=tmp_path, terminal=terminal, debug=False)
    try:
        raise ValueError("odd")
    except ValueError:
        structlog.get_logger().exception("command.failed")
    (line,) = lines(tmp_path)
    assert line["exception"].startswith("Traceback")
    assert line["exception"].endswith("ValueError: odd")


def test_the_file_is_for_its_owner_only(tmp_path: Path, terminal: int) -> None:
    logs.start("front", folder=tmp_path / "logs", terminal=terminal, debug=False)
    structlog.get_logger().info("x")
    assert 0o600 == stat.S_IMODE((tmp_path / "logs" / logs.FILE).stat().st_mode)


def test_a_rotated_file_is_reopened_and_one_old_one_kept(tmp_path: Path, terminal: int) -> None:
    logs.start("front", folder=tmp_path, terminal=terminal, debug=False)
    for event in ("first", "second", "third"):
        structlog.get_logger().info(event)
        logs.rotate(tmp_path, 1)
    structlog.get_logger().info("fourth")
    assert ["fourth"] == [line["event"] for line in lines(tmp_path)]
    assert '"third"' in (tmp_path / (logs.FILE + ".1")).read_text()


def test_a_small_or_missing_file_is_not_rotated(tmp_path: Path, terminal: int) -> None:
    logs.rotate(tmp_path, 1)
    logs.start("front", folder=tmp_path, terminal=terminal, debug=False)
    structlog.get_logger().info("x")
    logs.rotate(tmp_path, 10_000)
    assert [path.name for path in tmp_path.iterdir()] == [logs.FILE]


def test_a_log_folder_that_goes_away_hurts_nobody(tmp_path: Path, terminal: int) -> None:
    folder = tmp_path / "logs"
    logs.start("front", folder=folder, terminal=terminal, debug=False)
    folder.rmdir()
    structlog.get_logger().info("x")
    folder.mkdir()
    structlog.get_logger().info("y")
    assert ["y"] == [line["event"] for line in lines(folder)]


def test_a_pipe_gets_json(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    logs.start("front", folder=tmp_path, terminal=writing, debug=False)
    structlog.get_logger().info("x")
    assert "x" == json.loads(os.read(reading, 4096))["event"]
    os.close(reading)
    os.close(writing)


def test_a_tty_gets_text(tmp_path: Path) -> None:
    controller, terminal = pty.openpty()
    logs.start("front", folder=tmp_path, terminal=terminal, debug=False)
    structlog.get_logger().info("front.ready")
    shown = os.read(controller, 4096)
    assert b"front.ready" in shown
    assert not shown.startswith(b"{")
    os.close(controller)
    os.close(terminal)


@pytest.mark.timeout(10)
def test_a_full_terminal_loses_lines_but_stops_nobody(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    logs.start("front", folder=tmp_path, terminal=writing, debug=False)
    for number in range(300):
        structlog.get_logger().info("x", number=number, filler="-" * 1000)
    assert 300 == len(lines(tmp_path))
    assert os.get_blocking(writing)
    os.close(reading)
    structlog.get_logger().info("after the reader left")
    assert 301 == len(lines(tmp_path))
    os.close(writing)


@pytest.mark.timeout(10)
def test_a_full_journal_socket_stops_nobody(tmp_path: Path) -> None:
    journal, stdout = socket.socketpair()
    with journal, stdout:
        logs.start("front", folder=tmp_path, terminal=stdout.fileno(), debug=False)
        for _ in range(500):
            structlog.get_logger().info("x", filler="-" * 1000)
        assert 500 == len(lines(tmp_path))
        assert "x" == json.loads(journal.recv(65536).split(b"\n")[0])["event"]


def test_a_closed_terminal_is_no_reason_not_to_start(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    os.close(writing)
    logs.start("front", folder=tmp_path, terminal=writing, debug=False)
    structlog.get_logger().info("x")
    assert 1 == len(lines(tmp_path))


def test_processes_that_share_the_file_do_not_mix_their_lines(tmp_path: Path, terminal: int) -> None:
    logs.start("zygote", folder=tmp_path, terminal=terminal, debug=False)
    children = []
    for number in range(3):
        child = os.fork()
        if child == 0:
            logs.start("worker", folder=tmp_path, terminal=terminal, debug=False, device=str(number))
            for _ in range(20):
                structlog.get_logger().info("x", filler="-" * 20_000)
            os._exit(0)
        children.append(child)
    assert [0, 0, 0] == [os.waitpid(child, 0)[1] for child in children]
    assert 60 == len(lines(tmp_path))
