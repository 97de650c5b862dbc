"""Signed links: what opens, and what does not."""

import pytest

from wagateway.contract import Problem
from wagateway.links import sign, verified

KEY = b"k" * 32


def test_a_link_opens_its_path_until_it_expires() -> None:
    query = sign(KEY, "/a", 1000)
    assert verified(KEY, "/a", query, 999.9)
    assert verified(KEY, "/a", f"x=y&{query}", 0)
    with pytest.raises(Problem, match="expired") as late:
        verified(KEY, "/a", query, 1000)
    assert (403, "LINK_EXPIRED") == (late.value.status, late.value.code)


def test_without_a_signature_nothing_opens() -> None:
    assert not verified(KEY, "/a", "", 0)
    assert not verified(KEY, "/a", "x=y", 0)


@pytest.mark.parametrize(
    "query",
    [
        sign(KEY, "/b", 1000),
        sign(b"x" * 32, "/a", 1000),
        sign(KEY, "/a", 1000).replace("1000", "2000"),
        sign(KEY, "/a", 1000).replace("1000", "01000"),
        sign(KEY, "/a", 1000).replace("1000", "%D9%A1000"),
        sign(KEY, "/a", 1000).replace("1000", "1e3"),
        sign(KEY, "/a", 1000)[:-1],
        sign(KEY, "/a", 1000) + "0",
        sign(KEY, "/a", 1000) + "&signature=" + "0" * 64,
        "expires=1000",
        "signature=" + "0" * 64,
        "expires=1000&signature=é",
    ],
)
def test_anything_else_is_invalid_even_when_late(query: str) -> None:
    for now in (0, 5000):
        with pytest.raises(Problem) as problem:
            verified(KEY, "/a", query, now)
        assert (403, "LINK_INVALID") == (problem.value.status, problem.value.code)
