"""Filters of events, as somebody names them."""

import pytest

from wagateway.contract import Problem
from wagateway.filters import filters_of


def test_case_does_not_matter_and_areas_may_be_named() -> None:
    assert {"message", "group.*", "*"} == filters_of(["Message", "group.*", "*"])


def test_what_is_no_kind_is_named() -> None:
    with pytest.raises(Problem, match="events: there is no kind of event 'x', 'gap_y'"):
        filters_of(["x", "message", "gap_y"])
