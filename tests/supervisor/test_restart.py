"""The restart policy."""

import random
import signal

import pytest

from supervisor.restart import LONGEST_SECONDS, QUARANTINE_SECONDS, Delay, Ending, Park, decide, describe
from wagateway.exits import PARKS, Exit


def crashes(*times: float, code: int = -signal.SIGSEGV, useful: bool = False) -> list[Ending]:
    return [Ending(code, at, useful) for at in times]


def after(endings: list[Ending]) -> Delay:
    what = decide(endings, random.Random(1))
    assert isinstance(what, Delay)
    return what


def test_a_worker_that_had_logged_in_is_back_at_once() -> None:
    assert Delay(0.0, "restarting") == after(crashes(1, 2, 3, 4, 5, 6, 7, useful=True))


def test_the_first_crash_of_all_is_answered_at_once() -> None:
    assert 0.0 == after(crashes(100)).seconds


def test_crashes_without_a_login_wait_longer_and_longer() -> None:
    delays = [after(crashes(*range(0, 100 * n, 100))).seconds for n in range(1, 14)]
    assert sorted(delays[:9]) == delays[:9]
    assert 0.05 <= delays[1] <= 0.1
    assert LONGEST_SECONDS / 2 <= delays[-1] <= LONGEST_SECONDS


def test_more_than_five_crashes_in_a_minute_are_quarantined() -> None:
    assert "restarting" == after(crashes(0, 1, 2, 3, 4)).reason
    looping = after(crashes(0, 1, 2, 3, 4, 5))
    assert "crash_loop" == looping.reason
    assert QUARANTINE_SECONDS * 0.9 <= looping.seconds <= QUARANTINE_SECONDS * 1.1


def test_quarantine_lasts_until_a_worker_is_useful() -> None:
    loop = crashes(0, 1, 2, 3, 4, 5)
    assert "crash_loop" == after([*loop, *crashes(305)]).reason
    assert "restarting" == after([*loop, *crashes(305, useful=True), *crashes(900)]).reason


def test_an_engine_without_a_network_is_no_crash_loop() -> None:
    waiting = after(crashes(*range(10), code=Exit.ENGINE_ENDED))
    assert "restarting" == waiting.reason
    assert waiting.seconds <= LONGEST_SECONDS


def test_even_useful_workers_wait_when_they_die_all_the_time() -> None:
    assert 0.0 < after(crashes(*(n / 10 for n in range(40)), useful=True)).seconds


@pytest.mark.parametrize("code", sorted(PARKS))
def test_some_exits_wait_for_a_person(code: Exit) -> None:
    assert Park(code.name.lower()) == decide(crashes(1, code=code), random.Random(1))


def test_a_held_lease_is_tried_again_each_second() -> None:
    assert Delay(1.0, "lease_held") == after(crashes(*range(9), code=Exit.LEASE_HELD))


def test_delays_differ_so_that_devices_do_not_move_in_step() -> None:
    rng = random.Random(1)
    endings = crashes(0, 100, 200)
    assert 10 == len({what.seconds for _ in range(10) if isinstance(what := decide(endings, rng), Delay)})


@pytest.mark.parametrize(
    ("code", "word"),
    [(-9, "SIGKILL"), (0, "done"), (75, "engine_ended"), (1, "exit_1"), (-40, "signal_40")],
)
def test_an_exit_is_described_in_a_word(code: int, word: str) -> None:
    assert word == describe(code)
