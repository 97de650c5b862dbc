"""`wagatewayctl status`: what a person sees, what a script gets, and the exit code."""

import time

import msgspec

from tests.ctl.conftest import Answering, Terminal
from wagateway.commands.internal import DeviceRow, GetOverview, Overview, ProcessRow

NOW = time.time()


def device(name: str, **facts: object) -> ProcessRow:
    stopped = {"device_id": name, "state": "disconnected", "worker": "stopped", "created_at": NOW}
    row = msgspec.convert({**stopped, **facts}, DeviceRow)
    return ProcessRow("worker", row.pid, row.started_at, row.restarts, row.last_exit, 18_240_000, row)


def supervisor(ctl: Terminal, *devices: ProcessRow, well: bool = True) -> Answering:
    roles = enumerate(("supervisor", "front", "zygote"))
    fixed = [ProcessRow(role, 10 + place, NOW - 90, 0, "", 30_000_000) for place, role in roles]
    answering = ctl.supervisor()
    answering.replies = {GetOverview: Overview("0.1.0", NOW - 7500, True, well, fixed, list(devices))}
    return answering


GOOD = device(
    "shop",
    state="logged_in",
    worker="running",
    jid="628123:4@s.whatsapp.net",
    paired=True,
    pid=77,
    started_at=NOW - 61,
    restarts=2,
    last_exit="SIGKILL",
    log_depth=120,
    hook_lag=3,
    disk=4_200_000,
)
BAD = device("gone", worker="parked", reason="banned", last_exit="banned")


def test_w43_one_table_shows_what_there_is_to_know_of_a_device(ctl: Terminal) -> None:
    with supervisor(ctl, GOOD):
        assert 0 == ctl("status")
    (line,) = [line for line in ctl.out.splitlines() if line.startswith("shop")]
    assert ["shop", "logged_in", "628123", "77"] == line.split()[:4]
    assert ["2", "18.2", "MB", "120", "3", "0", "4.2", "MB", "SIGKILL"] == line.split()[-9:]


def test_each_fixed_process_has_a_line(ctl: Terminal) -> None:
    with supervisor(ctl):
        ctl("status")
    starts = [line.split(" ")[0] for line in ctl.out.splitlines()]
    assert {"supervisor", "front", "zygote"} <= set(starts)


def test_columns_are_aligned_whatever_is_in_them(ctl: Terminal) -> None:
    with supervisor(ctl, GOOD, device("a-much-longer-name-than-others", worker="running")):
        ctl("status")
    rows = [line for line in ctl.out.splitlines() if line.startswith(("DEVICE", "shop", "a-much"))]
    assert 1 == len({row.index(word) for row, word in zip(rows, ("STATE", "logged_in", "disc"), strict=True)})


def test_what_needs_a_person_is_named_and_told_by_the_exit_code(ctl: Terminal) -> None:
    with supervisor(ctl, GOOD, BAD, well=False):
        assert 1 == ctl("status")
    assert "Something needs you: device gone (banned)" == ctl.out.splitlines()[-1]


def test_a_device_that_was_logged_out_is_named_while_its_log_is_read(ctl: Terminal) -> None:
    out = device("out", worker="running", jid="628123:4@s.whatsapp.net", reason="device_removed")
    with supervisor(ctl, GOOD, out, well=False):
        assert 1 == ctl("status")
    assert "Something needs you: device out (device_removed)" == ctl.out.splitlines()[-1]


def test_a_full_disk_is_the_reason_and_needs_a_person(ctl: Terminal) -> None:
    full = device("full", state="logged_in", worker="running", storage="full")
    with supervisor(ctl, full, well=False):
        assert 1 == ctl("status")
    (line,) = [line for line in ctl.out.splitlines() if line.startswith("full")]
    assert "storage_full" == line.split()[-1]
    assert "Something needs you: device full (storage_full)" == ctl.out.splitlines()[-1]


def test_dead_letters_are_told_and_are_no_fault_of_the_gateway(ctl: Terminal) -> None:
    with supervisor(ctl, GOOD, device("lost", worker="running", dead=12)):
        assert 0 == ctl("status")
    *_, letters, end = ctl.out.splitlines()
    assert letters.startswith("Dead letters: lost 12 ")
    assert "All is well." == end


def test_webhooks_that_answered_410_are_told_and_are_no_fault_of_the_gateway(ctl: Terminal) -> None:
    with supervisor(ctl, GOOD, device("left", worker="running", gone=1), device("two", gone=2)):
        assert 0 == ctl("status")
    *_, gone, end = ctl.out.splitlines()
    assert gone.startswith("Webhooks that answered 410: left 1, two 2 ")
    assert "All is well." == end


def test_a_script_gets_the_whole_overview(ctl: Terminal) -> None:
    with supervisor(ctl, GOOD, BAD, well=False):
        assert 1 == ctl("status", "--json")
    assert ["shop", "gone"] == [row["device"]["device_id"] for row in ctl.json["devices"]]


def test_a_name_that_a_stranger_chose_does_not_move_the_cursor(ctl: Terminal) -> None:
    with supervisor(ctl, device("x", reason="\x1b[2J")):
        ctl("status")
    assert "\x1b" not in ctl.out


def test_a_daemon_that_is_not_there_has_an_exit_code_of_its_own(ctl: Terminal) -> None:
    assert 3 == ctl("status")
    assert "not running" in ctl.err
    assert "" == ctl.out
