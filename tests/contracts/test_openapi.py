"""The document of the API says what the commands say, and is what OpenAPI 3.1 asks for."""

import json
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar

import msgspec
import pytest
from msgspec import Meta

from wagateway.commands import catalogue
from wagateway.commands.groups import ExportMembers
from wagateway.contract import Command, Needs, Route, Target, Upload
from wagateway.front.pages import PAGES
from wagateway.openapi.document import Facts, Page, document

COMMANDS = [command for command in catalogue().values() if command.routes]
ROUTES = [(command, route) for command in COMMANDS for route in command.routes]


class Part(msgspec.Struct, frozen=True):
    """A part of a reply."""

    name: str = ""


class Reply(msgspec.Struct, frozen=True, rename="camel"):
    """A reply."""

    found_at: str
    parts: list[Part] = []


class Sample(Command[Reply], frozen=True, kw_only=True, rename={"raw_id": "rawId"}):
    """Do something to `thing`.

    What else there is to say.
    """

    routes: ClassVar = (Route("POST", "/sample/{thing}"), Route("GET", "/sample"))
    thing: Annotated[str, Meta(pattern=r"^[a-z]+\Z")]
    raw_id: str
    size: float | None = None
    count: int = 3
    idempotency_key: str | None = None


class Sending(Command[None], frozen=True, kw_only=True):
    """Send a file or a link."""

    routes: ClassVar = (Route("POST", "/sending"),)
    needs: ClassVar[Needs] = "shard"
    file: Annotated[Upload, Meta(extra={"most": 7_000_000})] | None = None
    link: str = ""


class Uploading(Command[None], frozen=True, kw_only=True):
    """Send a file."""

    routes: ClassVar = (Route("POST", "/uploading"),)
    file: Annotated[Upload, Meta(extra={"most": 7_000_000})]


class Removing(Command[None], frozen=True, kw_only=True):
    """Remove a device."""

    routes: ClassVar = (Route("DELETE", "/things/{device_id}"), Route("POST", "/removing"))
    target: ClassVar[Target] = "supervisor"
    device_id: str


class Nesting(Command[None], frozen=True, kw_only=True):
    """Take what no form can carry."""

    routes: ClassVar = (Route("POST", "/nesting"),)
    part: Part


def made(*commands: type[Command[Any]], **facts: Any) -> dict[str, Any]:
    facts = {"version": "1", "base_path": "", "credentials": True, **facts}
    found: dict[str, Any] = json.loads(document(Facts(commands=commands, **facts)))
    return found


def names(operation: dict[str, Any]) -> list[str]:
    return [one.get("name", one.get("$ref", "").rpartition("/")[2]) for one in operation["parameters"]]


@pytest.fixture(scope="module")
def whole() -> dict[str, Any]:
    return made(*COMMANDS, pages=PAGES, files={ExportMembers: "text/csv"})


def operations(whole: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in whole["paths"].values():
        yield from (one for method, one in path.items() if method != "servers")


def references(thing: Any) -> Iterator[str]:
    if isinstance(thing, dict):
        if isinstance(thing.get("$ref"), str):
            yield thing["$ref"]
        thing = list(thing.values())
    if isinstance(thing, list):
        for one in thing:
            yield from references(one)


def test_every_route_is_an_operation(whole: dict[str, Any]) -> None:
    for command, route in ROUTES:
        operation = whole["paths"][route.path][route.method.lower()]
        assert operation["operationId"].startswith(command.__name__)
        assert operation["summary"]


def test_every_operation_has_a_name_of_its_own(whole: dict[str, Any]) -> None:
    found = [operation["operationId"] for operation in operations(whole)]
    assert len(ROUTES) + len(PAGES) == len(found) == len(set(found))


def test_every_reference_leads_somewhere(whole: dict[str, Any]) -> None:
    found = set(references(whole))
    assert found
    for reference in found:
        place = whole
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]


def test_every_tag_is_explained(whole: dict[str, Any]) -> None:
    explained = {tag["name"] for tag in whole["tags"] if tag["description"]}
    assert explained == {tag for operation in operations(whole) for tag in operation["tags"]}


def test_the_document_says_nothing_of_our_folders_or_of_files_in_the_spool(whole: dict[str, Any]) -> None:
    assert "wagateway.commands" not in json.dumps(whole)
    assert "Upload" not in whole["components"]["schemas"]


def test_fields_go_where_the_route_has_them() -> None:
    found = made(Sample)
    post, get = found["paths"]["/sample/{thing}"]["post"], found["paths"]["/sample"]["get"]
    assert ["DeviceHeader", "DeviceQuery", "thing", "Idempotency-Key"] == names(post)
    assert {"$ref": "#/components/schemas/Sample"} == (
        post["requestBody"]["content"]["application/json"]["schema"]
    )
    body = found["components"]["schemas"]["Sample"]
    assert ["rawId", "size", "count"] == list(body["properties"])
    assert ["rawId"] == body["required"]
    assert body["additionalProperties"] is False
    assert "requestBody" not in get
    assert {"thing", "rawId", "size", "count"} <= set(names(get))


def test_a_docstring_becomes_summary_and_description() -> None:
    post = made(Sample)["paths"]["/sample/{thing}"]["post"]
    assert ("Do something to `thing`", "What else there is to say.") == (post["summary"], post["description"])


def test_patterns_are_those_of_javascript_and_defaults_are_told() -> None:
    found = made(Sample)
    thing = found["paths"]["/sample/{thing}"]["post"]["parameters"][2]
    assert ("^[a-z]+$", True) == (thing["schema"]["pattern"], thing["required"])
    properties = found["components"]["schemas"]["Sample"]["properties"]
    assert {"type": "integer", "default": 3} == properties["count"]
    assert {"type": ["number", "string"]} == properties["size"]


def test_an_answer_is_an_envelope_whose_fields_are_all_there() -> None:
    found = made(Sample)
    answer = found["paths"]["/sample"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert ["code", "message", "result", "results"] == answer["required"]
    assert {"$ref": "#/components/schemas/Reply"} == answer["properties"]["results"]
    reply = found["components"]["schemas"]["Reply"]
    assert ["foundAt", "parts"] == reply["required"]
    assert "default" not in reply["properties"]["parts"]


def test_an_answer_without_a_reply_has_no_results() -> None:
    operation = made(Uploading)["paths"]["/uploading"]["post"]
    answer = operation["responses"]["200"]["content"]["application/json"]["schema"]
    assert ["code", "message"] == list(answer["properties"]) == answer["required"]


def test_a_file_that_may_be_left_out_is_in_the_multipart_form_only() -> None:
    found = made(Sending)
    content = found["paths"]["/sending"]["post"]["requestBody"]["content"]
    forms = {"application/json", "application/x-www-form-urlencoded", "multipart/form-data"}
    assert forms == content.keys()
    assert ["link"] == list(found["components"]["schemas"]["Sending"]["properties"])
    whole = content["multipart/form-data"]["schema"]["properties"]
    assert ("string", "binary") == (whole["file"]["type"], whole["file"]["format"])
    assert "7 MB" in whole["file"]["description"]


def test_where_a_file_is_needed_only_a_multipart_form_will_do() -> None:
    body = made(Uploading)["paths"]["/uploading"]["post"]["requestBody"]
    assert ["multipart/form-data"] == list(body["content"])
    assert body["required"]


def test_what_no_form_can_carry_is_json_only() -> None:
    body = made(Nesting)["paths"]["/nesting"]["post"]["requestBody"]
    assert ["application/json"] == list(body["content"])


def test_a_device_is_named_in_the_path_or_by_header_or_query() -> None:
    paths = made(Removing)["paths"]
    assert ["DevicePath"] == names(paths["/things/{device_id}"]["delete"])
    assert ["DeviceHeader", "DeviceQuery"] == names(paths["/removing"]["post"])
    assert "requestBody" not in paths["/removing"]["post"]


def test_what_the_engine_may_not_do_is_said_only_of_what_asks_it() -> None:
    paths = made(Sending, Uploading)["paths"]
    assert "501" in paths["/uploading"]["post"]["responses"]
    assert "501" not in paths["/sending"]["post"]["responses"]


def test_a_page_may_be_open_or_have_a_reply_or_be_a_text() -> None:
    pages = (
        Page("/open", "GetOpen", "Open", kind="text/plain", open=True),
        Page("/files/{name}", "GetFile", "A file", kind="image/png", refusals=(404,)),
        Page("/reply", "GetReply", "A reply", reply=Part),
    )
    found = made(pages=pages, base_path="/x")
    assert [] == found["paths"]["/open"]["get"]["security"]
    assert [{"url": "/"}] == found["paths"]["/open"]["servers"]
    file = found["paths"]["/files/{name}"]["get"]
    assert ["name"] == names(file)
    assert {"200", "400", "401", "404"} == file["responses"].keys()
    assert "Part" in found["components"]["schemas"]


def test_a_command_that_is_answered_with_a_file_has_no_envelope() -> None:
    operation = made(Sample, files={Sample: "text/csv"})["paths"]["/sample"]["get"]
    assert ["text/csv"] == list(operation["responses"]["200"]["content"])


def test_a_command_that_can_be_answered_with_a_stream_has_both() -> None:
    operation = made(Sample, streams={Sample: "application/x-ndjson"})["paths"]["/sample"]["get"]
    assert ["application/json", "application/x-ndjson"] == list(operation["responses"]["200"]["content"])


def test_without_credentials_none_are_asked_for() -> None:
    assert [] == made(Sample, credentials=False)["security"]
    assert [{"basic": []}] == made(Sample)["security"]
