"""Basic authentication."""

import base64

import pytest

from tests.front.conftest import Stage, Staging
from wagateway.settings import Secret


@pytest.fixture
async def guarded(staging: Staging) -> Stage:
    return await staging(basic_auth=[Secret("one:first"), Secret("twö:sécond")])


def basic(pair: str, scheme: str = "Basic") -> dict[str, str]:
    return {"Authorization": f"{scheme} {base64.b64encode(pair.encode()).decode()}"}


@pytest.mark.parametrize("headers", [basic("one:first"), basic("twö:sécond"), basic("one:first", "basic")])
async def test_each_pair_may_ask(guarded: Stage, headers: dict[str, str]) -> None:
    assert 200 == (await guarded.call("GET", "/app/info", headers=headers)).status


@pytest.mark.parametrize(
    "headers",
    [{}, basic("one:second"), basic("one:"), basic(":"), basic("one:firstx"), {"Authorization": "Bearer x"}],
)
async def test_nobody_else_may(guarded: Stage, headers: dict[str, str]) -> None:
    for path in ("/app/info", "/", "/devices", "/nothing", "/statics/qrcode/x.png"):
        answer = await guarded.call("GET", path, headers=headers)
        assert (401, "UNAUTHORIZED") == (answer.status, answer.code)
        assert 'Basic realm="Restricted", charset="UTF-8"' == answer.headers["WWW-Authenticate"]
        assert "no-store" == answer.headers["Cache-Control"]
    assert [] == guarded.asked


@pytest.mark.parametrize("value", ["Basic !!!", "Basic", "Basic eA==", "Basic é"])
async def test_a_malformed_header_is_400(guarded: Stage, value: str) -> None:
    answer = await guarded.call("GET", "/app/info", headers={"Authorization": value})
    assert (400, "BAD_REQUEST") == (answer.status, answer.code)


async def test_health_is_open(guarded: Stage) -> None:
    assert 200 == (await guarded.call("GET", "/health")).status
