"""Telling systemd how we are."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from supervisor.notify import Notifier, watchdog_seconds


@pytest.fixture(params=["file", "abstract"])
def systemd(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[socket.socket]:
    name = str(tmp_path / "notify") if request.param == "file" else f"@wagateway-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(name.replace("@", "\0", 1))
        listening.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        yield listening


def test_states_arrive_as_one_datagram(systemd: socket.socket) -> None:
    notifier = Notifier()
    notifier.tell("READY=1", "STATUS=2 of 3 devices logged in")
    notifier.close()
    assert b"READY=1\nSTATUS=2 of 3 devices logged in" == systemd.recv(1000)


def test_nothing_to_say_sends_nothing(systemd: socket.socket) -> None:
    notifier = Notifier()
    notifier.tell()
    notifier.close()
    with pytest.raises(BlockingIOError):
        systemd.recv(1000)


def test_without_systemd_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notifier = Notifier()
    notifier.tell("READY=1")
    notifier.close()


def test_a_socket_that_has_gone_hurts_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    notifier = Notifier()
    notifier.tell("WATCHDOG=1")
    notifier.close()


@pytest.mark.parametrize(
    ("usec", "pid", "seconds"),
    [("30000000", None, 10.0), ("30000000", "1", 0.0), (None, None, 0.0), ("nonsense", None, 0.0)],
)
def test_the_watchdog_is_fed_three_times_as_often_as_it_bites(
    usec: str | None, pid: str | None, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("WATCHDOG_USEC", usec), ("WATCHDOG_PID", pid)):
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    assert seconds == watchdog_seconds()
