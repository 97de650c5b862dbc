"""The QR code of a login as a link and a picture."""

from datetime import UTC, datetime, timedelta

import pytest
from yarl import URL

from tests.front.conftest import Answer, Stage, Staging
from wagateway.commands.app import LoginCode
from wagateway.settings import Secret

PNG = b"\x89PNG\r\n\x1a\n"


def offer(stage: Stage, code: str = "2@abc,def", seconds: float = 20) -> None:
    expires = (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")

    async def login(_: object) -> LoginCode:
        return LoginCode("a", code, int(seconds), expires, 1)

    stage.add("a", worker="running")
    stage.answers["Login"] = login


async def follow(stage: Stage, answer: Answer, **headers: str) -> Answer:
    return await stage.call("GET", URL(answer.body["result"]["qr_link"]).path, headers=headers)


async def test_the_link_leads_to_a_picture_of_the_code(stage: Stage) -> None:
    offer(stage)
    answer = await stage.call("GET", "/devices/a/login")
    got = answer.body["result"]
    assert (200, "SUCCESS", "Login success") == (answer.status, answer.code, answer.message)
    assert got == answer.body["results"]
    assert got["qr_link"].startswith(f"http://127.0.0.1:{stage.port}/statics/qrcode/scan-qr-")
    assert got["qr_image"].startswith("data:image/png;base64,")
    picture = await follow(stage, answer)
    assert (200, "image/png", PNG) == (picture.status, picture.headers["Content-Type"], picture.raw[:8])
    assert "no-store" == picture.headers["Cache-Control"]
    assert "nosniff" == picture.headers["X-Content-Type-Options"]


async def test_the_link_is_the_same_while_the_code_is(stage: Stage) -> None:
    offer(stage)
    first = (await stage.call("GET", "/app/login")).body["result"]["qr_link"]
    assert first == (await stage.call("GET", "/app/login")).body["result"]["qr_link"]
    offer(stage, code="2@next")
    assert first != (await stage.call("GET", "/app/login")).body["result"]["qr_link"]
    assert 404 == (await stage.call("GET", URL(first).path)).status


async def test_the_picture_goes_with_its_code(stage: Stage) -> None:
    offer(stage, seconds=-1)
    answer = await stage.call("GET", "/app/login")
    assert (404, "NOT_FOUND") == ((gone := await follow(stage, answer)).status, gone.code)


@pytest.mark.parametrize(
    "name", ["", "scan-qr-.png", "..%2f..%2fetc%2fpasswd", "scan-qr-%00.png", "%F0%9F%98%80"]
)
async def test_nothing_else_is_there(stage: Stage, name: str) -> None:
    offer(stage)
    await stage.call("GET", "/app/login")
    assert 404 == (await stage.call("GET", f"/statics/qrcode/{name}")).status


async def test_the_picture_is_behind_authentication_and_base_path(staging: Staging) -> None:
    stage = await staging(basic_auth=[Secret("me:pass")], base_path="/wa")
    offer(stage)
    headers = {"Authorization": "Basic bWU6cGFzcw=="}
    answer = await stage.call("GET", "/wa/app/login", headers=headers)
    assert "/wa/statics/qrcode/" in answer.body["result"]["qr_link"]
    assert 401 == (await follow(stage, answer)).status
    assert 200 == (await follow(stage, answer, **headers)).status


FORWARDED = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "wa.example.com"}


async def link(stage: Stage, headers: dict[str, str]) -> str:
    offer(stage)
    return str((await stage.call("GET", "/app/login", headers=headers)).body["result"]["qr_link"])


async def test_a_trusted_proxy_says_scheme_and_host(staging: Staging) -> None:
    stage = await staging(trusted_proxies=["127.0.0.0/8"])
    assert (await link(stage, FORWARDED)).startswith("https://wa.example.com/statics/")
    strange = {"X-Forwarded-Proto": "javascript", "X-Forwarded-Host": '"><script>'}
    assert (await link(stage, strange)).startswith(f"http://127.0.0.1:{stage.port}/statics/")


async def test_nobody_else_does(stage: Stage) -> None:
    assert (await link(stage, FORWARDED)).startswith(f"http://127.0.0.1:{stage.port}/statics/")


async def test_a_host_that_is_none_is_not_repeated(stage: Stage) -> None:
    got = await link(stage, {"Host": "evil.example/x?"})
    assert got.startswith(f"http://127.0.0.1:{stage.port}/statics/")


async def test_a_refused_login_passes_on_untouched(stage: Stage) -> None:
    stage.add("a", worker="running")
    assert (418, "Login") == ((answer := await stage.call("GET", "/app/login")).status, answer.code)
