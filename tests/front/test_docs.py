"""The document of the API and its pages, as a browser without a network gets them."""

import json
import re

import pytest

from tests.front.conftest import Stage, Staging
from wagateway.settings import Secret


async def links(stage: Stage, base: str = "") -> list[str]:
    """What the page loads, as paths."""
    page = await stage.call("GET", f"{base}/docs")
    return [f"{base}/{link}" for link in re.findall(r'(?:src|href)="([^"]+)"', page.raw.decode())]


async def test_the_document_is_openapi_3_1_and_names_every_own_path(stage: Stage) -> None:
    answer = await stage.call("GET", "/openapi.json")
    assert (200, "application/json") == (answer.status, answer.headers["Content-Type"])
    assert "3.1.0" == answer.body["openapi"]
    for path in ("/", "/app/info", "/health", "/openapi.json", "/docs", "/send/message"):
        assert path in answer.body["paths"], path


async def test_a_client_that_has_the_document_is_told_so(stage: Stage) -> None:
    first = await stage.call("GET", "/openapi.json")
    again = await stage.call("GET", "/openapi.json", headers={"If-None-Match": first.headers["Etag"]})
    assert (304, b"") == (again.status, again.raw)


async def test_the_sandbox_is_in_the_document_only_where_there_is_one(staging: Staging) -> None:
    for sandbox in (True, False):
        stage = await staging(sandbox=sandbox)
        document = (await stage.call("GET", "/openapi.json")).body
        assert sandbox == any(path.startswith("/sandbox") for path in document["paths"])
        assert sandbox == any(tag["name"] == "sandbox" for tag in document["tags"])


async def test_the_page_loads_only_from_this_gateway(stage: Stage) -> None:
    page = await stage.call("GET", "/docs")
    assert "text/html; charset=utf-8" == page.headers["Content-Type"]
    assert b"//" not in page.raw
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    loaded = await links(stage)
    assert 4 == len(loaded)
    for path in loaded:
        answer = await stage.call("GET", path)
        assert 200 == answer.status, path
        assert "nosniff" == answer.headers["X-Content-Type-Options"], path
        assert answer.headers["Etag"], path


async def test_what_has_its_version_in_the_path_is_kept_for_good(stage: Stage) -> None:
    (path,) = [link for link in await links(stage) if link.endswith("bundle.js")]
    answer = await stage.call("GET", path)
    assert "immutable" in answer.headers["Cache-Control"]
    assert b"SwaggerUIBundle" in answer.raw
    again = await stage.call("GET", path, headers={"If-None-Match": answer.headers["Etag"]})
    assert 304 == again.status
    assert "no-cache" == (await stage.call("GET", "/docs/start.js")).headers["Cache-Control"]


async def test_under_a_base_path_everything_is_found_and_said(staging: Staging) -> None:
    stage = await staging(base_path="/wa")
    for path in await links(stage, "/wa"):
        assert 200 == (await stage.call("GET", path)).status, path
    document = (await stage.call("GET", "/wa/openapi.json")).body
    assert [{"url": "/wa"}] == document["servers"]
    assert [{"url": "/"}] == document["paths"]["/health"]["servers"]
    assert 404 == (await stage.call("GET", "/openapi.json")).status


async def test_a_slash_too_many_leads_to_the_page(stage: Stage) -> None:
    answer = await stage.call("GET", "/docs/", allow_redirects=False)
    assert (308, "../docs") == (answer.status, answer.headers["Location"])


async def test_document_and_page_need_credentials_where_there_are_some(staging: Staging) -> None:
    stage = await staging(basic_auth=(Secret("user:pass"),))
    for path in ("/openapi.json", "/docs", "/docs/start.js"):
        answer = await stage.call("GET", path)
        assert 401 == answer.status, path
        assert answer.headers["WWW-Authenticate"].startswith("Basic"), path
    headers = {"Authorization": "Basic dXNlcjpwYXNz"}
    document = json.loads((await stage.call("GET", "/openapi.json", headers=headers)).raw)
    assert [{"basic": []}] == document["security"]


async def test_only_reading_is_allowed(stage: Stage) -> None:
    for path in ("/openapi.json", "/docs"):
        answer = await stage.call("POST", path)
        assert (405, "GET, HEAD") == (answer.status, answer.headers["Allow"])
        head = await stage.call("HEAD", path)
        assert (200, b"") == (head.status, head.raw)


@pytest.mark.parametrize(
    "name", ["index.html", "..", "../start.js", "%2e%2e/__init__.py", "swagger-ui.js", "", "swagger-ui.css/x"]
)
async def test_no_other_file_can_be_asked_for(stage: Stage, name: str) -> None:
    folder = (await links(stage))[0].rpartition("/")[0]
    assert 404 == (await stage.call("GET", f"{folder}/{name}")).status
