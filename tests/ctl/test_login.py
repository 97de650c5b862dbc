"""`wagatewayctl login`: codes are shown and renewed until the phone is linked or the login is over."""

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from tests.ctl.conftest import Answering, Terminal
from wagateway.commands.app import Login, LoginCode, LoginWithCode, PairCode
from wagateway.commands.internal import DeviceRow, StartWorker
from wagateway.contract import Problem
from wagateway.problems import device_not_found

WAITING = DeviceRow(device_id="shop", state="connected", worker="running", created_at=1.0)
LINKED = msgspec.structs.replace(WAITING, state="logged_in", jid="628123@s.whatsapp.net")
OVER = msgspec.structs.replace(WAITING, state="disconnected", worker="parked", last_exit="QR_TIMEOUT")


def code(attempt: int, seconds: float) -> LoginCode:
    expiry = datetime.fromtimestamp(time.time() + seconds, UTC).isoformat()
    return LoginCode("shop", f"2@abc{attempt}", 20, expiry, attempt)


def supervisor(ctl: Terminal, started: object) -> Answering:
    answering = ctl.supervisor()
    answering.replies = {StartWorker: started}
    return answering


def saying(supervisor: Answering, row: DeviceRow, *replies: Any) -> Callable[[], Awaitable[Any]]:
    """Replies one after the other; with the last one the device's row is published."""
    left = list(replies)

    async def reply() -> Any:
        if len(left) == 1:
            supervisor._loop.call_soon_threadsafe(supervisor.publish, row)
        return left.pop(0) if len(left) > 1 else left[0]

    return reply


def test_a_scanned_code_ends_in_the_account(ctl: Terminal) -> None:
    worker = ctl.worker("shop")
    with supervisor(ctl, WAITING) as answering:
        worker.replies = {Login: saying(answering, LINKED, code(1, 30))}
        with worker:
            assert 0 == ctl("login", "shop")
    assert "Code 1, valid 20 s" in ctl.out
    assert "Logged in: shop is 628123@s.whatsapp.net" == ctl.out.splitlines()[-1]
    assert 10 <= len([line for line in ctl.out.splitlines() if "█" in line or "▀" in line])


def test_an_expired_code_is_followed_by_the_next(ctl: Terminal) -> None:
    worker = ctl.worker("shop")
    with supervisor(ctl, WAITING) as answering:
        worker.replies = {Login: saying(answering, LINKED, code(1, -1), code(2, 30))}
        with worker:
            assert 0 == ctl("login", "shop", "--json")
    shown = [msgspec.json.decode(line) for line in ctl.out.splitlines()]
    assert ["2@abc1", "2@abc2"] == [each["qr_code"] for each in shown[:-1]]
    assert "logged_in" == shown[-1]["state"]


def test_a_scan_between_two_codes_is_not_a_failure(ctl: Terminal) -> None:
    worker = ctl.worker("shop")
    with supervisor(ctl, WAITING) as answering:
        gone = Problem(409, "ALREADY_LOGGED_IN", "It is logged in")
        worker.replies = {Login: saying(answering, LINKED, code(1, -1), gone)}
        with worker:
            assert 0 == ctl("login", "shop")


def test_a_login_that_was_given_up_says_why(ctl: Terminal) -> None:
    worker = ctl.worker("shop")
    with supervisor(ctl, WAITING) as answering:
        worker.replies = {Login: saying(answering, OVER, code(1, 30))}
        with worker:
            assert 1 == ctl("login", "shop")
    assert "has ended: QR_TIMEOUT" in ctl.err


def test_a_pairing_code_is_asked_for_with_the_number(ctl: Terminal) -> None:
    worker = ctl.worker("shop")
    with supervisor(ctl, WAITING) as answering:
        worker.replies = {LoginWithCode: saying(answering, LINKED, PairCode("shop", "ABCD-EFGH"))}
        with worker:
            assert 0 == ctl("login", "shop", "--code", "628123")
    assert "ABCD-EFGH" in ctl.out
    assert [LoginWithCode(phone="628123")] == worker.asked


def test_a_device_that_is_logged_in_needs_nothing(ctl: Terminal) -> None:
    with supervisor(ctl, LINKED):
        assert 0 == ctl("login", "shop")
    assert "Logged in" in ctl.out


def test_a_device_that_does_not_exist_is_said_so(ctl: Terminal) -> None:
    with supervisor(ctl, device_not_found("shop")):
        assert 1 == ctl("login", "shop")
    assert "not found" in ctl.err


def test_a_removed_device_ends_the_login(ctl: Terminal) -> None:
    worker = ctl.worker("shop")
    other = msgspec.structs.replace(LINKED, device_id="other")
    with supervisor(ctl, WAITING) as answering:
        worker.replies = {Login: saying(answering, other, code(1, 30))}
        with worker:
            assert 1 == ctl("login", "shop")
    assert "removed" in ctl.err
