"""The OpenAPI 3.1 document of the HTTP API, made of what the commands say of themselves."""

import inspect
import sys
from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from wagateway.contract import Command
from wagateway.events import KINDS
from wagateway.openapi import answers, happenings
from wagateway.openapi.operations import Operations, parameter, tag
from wagateway.openapi.schemas import REFS, Schema, Schemas, schemas_of

_TEXT = """\
Every answer in JSON is an envelope: `code`, `message`, and what was asked for under both `results` and \
`result`.

Say which device is meant with the header `X-Device-Id`, or with `device_id` in the query; with one device \
registered there is no need to.

Bodies are JSON, urlencoded or multipart forms; files need a multipart form. Unknown fields are refused. \
A field that is null, or empty where it may not be, counts as not given. Those of a body may stand in the \
query instead, where a comma parts the items of a list.

What happens on a device is numbered and kept in its log, `GET /events`. Webhooks get it from there, each \
chat's events in order and at least once."""


class Page(msgspec.Struct, frozen=True):
    """A path that no command answers; `{name}` in it stands for a text.

    `reply` is the type in the envelope, where there is one; `kind` the MIME type. `refusals` are the
    statuses of its problems, `also` those of other answers of its kind. An `open` one needs no
    credentials and lies outside the base path. `asks` has the fields of its query. `status` is that of
    what it is for: a WebSocket is 101, and has no content.
    """

    path: str
    name: str
    summary: str
    kind: str = answers.JSON
    reply: Any = None
    refusals: tuple[int, ...] = ()
    also: tuple[int, ...] = ()
    open: bool = False
    method: str = "get"
    status: int = 200
    asks: type[Command[Any]] | None = None


class Facts(msgspec.Struct, frozen=True):
    """What the document says of a gateway: which commands and pages there are, and how to reach them.

    `files` says which commands are answered with a file, `streams` which with a stream for who accepts its
    type instead of JSON, both by their MIME types.
    """

    version: str
    base_path: str
    credentials: bool
    commands: Collection[type[Command[Any]]]
    pages: tuple[Page, ...] = ()
    files: Mapping[type[Command[Any]], str] = {}
    streams: Mapping[type[Command[Any]], str] = {}


def document(facts: Facts) -> bytes:
    """The document as JSON."""
    commands = [command for command in facts.commands if command.routes]
    schemas = _schemas(commands, facts.pages)
    operations = Operations(schemas, facts.files, facts.streams)
    paths: dict[str, Schema] = {}
    for page in facts.pages:
        paths.setdefault(page.path, {})[page.method] = _page(page, schemas)
        if page.open and facts.base_path:
            paths[page.path]["servers"] = [{"url": "/"}]
    for command in commands:
        for route, operation in operations.of(command):
            paths.setdefault(route.path, {})[route.method.lower()] = operation
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "wagateway",
                "version": facts.version,
                "description": _TEXT,
                "license": {"name": "MIT", "identifier": "MIT"},
            },
            "servers": [{"url": facts.base_path or "/"}],
            "security": [{"basic": []}] if facts.credentials else [],
            "tags": _tags(commands),
            "paths": paths,
            "webhooks": happenings.webhooks(KINDS.values()),
            "components": _components(schemas),
        }
    )


def _schemas(commands: list[type[Command[Any]]], pages: tuple[Page, ...]) -> Schemas:
    payloads = {kind.payload for kind in KINDS.values()}
    asks = [page.asks for page in pages if page.asks is not None]
    schemas = schemas_of(
        [*commands, *asks], [*payloads, *(page.reply for page in pages if page.reply is not None)]
    )
    events = happenings.components(KINDS.values())
    assert not events.keys() & schemas.components.keys(), "two things in the document have one name"
    schemas.components.update(events)
    if "EventPage" in schemas.components:
        # The log's own bytes are passed on as they are, so its Struct cannot say what is in them.
        properties = schemas.components["EventPage"]["properties"]
        assert isinstance(properties, dict)
        properties["events"]["items"] = {"$ref": REFS + "Event"}
    return schemas


def _components(schemas: Schemas) -> Schema:
    return {
        "schemas": {"Problem": answers.PROBLEM, **schemas.components},
        "parameters": {
            "DevicePath": _device("path"),
            "DeviceHeader": _device("header", "X-Device-Id"),
            "DeviceQuery": _device("query"),
            **happenings.parameters(),
        },
        "responses": answers.components(),
        "securitySchemes": {"basic": {"type": "http", "scheme": "basic"}},
    }


def _device(place: str, name: str = "device_id") -> Schema:
    found: Schema = {"name": name, "in": place, "description": "The id or JID of a device"}
    schema = {"type": "string", "minLength": 1, "maxLength": 128}
    return found | {"schema": schema} | ({"required": True} if place == "path" else {})


def _tags(commands: list[type[Command[Any]]]) -> list[Schema]:
    found: dict[str, str] = {"gateway": "The gateway itself", happenings.TAG: "What happens on a device"}
    for command in commands:
        text = (sys.modules[command.__module__].__doc__ or "").strip().rstrip(".")
        found.setdefault(tag(command), text)
    if "sandbox" in found:
        found["sandbox"] = "The simulated WhatsApp network and its phones"
    return [{"name": name, "description": text} for name, text in sorted(found.items())]


def _page(page: Page, schemas: Schemas) -> Schema:
    summary, _, rest = inspect.cleandoc(page.summary).partition("\n")
    found: Schema = {"operationId": page.name, "tags": ["gateway"], "summary": summary}
    if rest.strip():
        found["description"] = rest.strip()
    names = [part.strip("{}") for part in page.path.split("/") if part.startswith("{")]
    if names:
        found["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
            for name in names
        ]
    if page.asks is not None:
        found["parameters"] = [parameter(one, "query") for one in schemas.inputs[page.asks]]
    if page.open:
        found["security"] = []
    content: Schema = {page.kind: {"schema": _content(page, schemas)}}
    refused = set(page.refusals) | (set() if page.open else {400, 401})
    others = {str(status): {"description": "Not so", "content": content} for status in page.also}
    responses = answers.responses(content, refused) | others
    if page.status != 200:
        del responses["200"]
        responses[str(page.status)] = {"description": "Done"}
    return found | {"responses": responses}


def _content(page: Page, schemas: Schemas) -> Schema:
    if page.reply is not None:
        return answers.envelope(schemas.replies[page.reply])
    return {"type": "object"} if page.kind == answers.JSON else {"type": "string"}
