"""Pauses between tries."""

from itertools import islice

from wagateway.pauses import pauses


def test_they_double_up_to_the_longest() -> None:
    assert [0.5, 1.0, 2.0, 3.0, 3.0] == list(islice(pauses(0.5, 3.0), 5))
