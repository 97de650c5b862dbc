"""Requests that the document of the API allows, made up and checked by schemathesis."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.schemas import APIOperation

from wagateway.commands import catalogue
from wagateway.commands.events import ListEvents
from wagateway.commands.groups import ExportMembers
from wagateway.front.lines import NDJSON
from wagateway.front.pages import PAGES
from wagateway.openapi.document import Facts, document

_SECONDS = 20
_CHECKS = (
    "status_code_conformance",  # no answer but those that the document tells of; it tells of no 500
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
# What would make a request last, or do a lot: always this instead.
_HARMLESS: dict[str, object] = {
    "wait": 0,
    "count": 1,
    "seconds": 0,
    "size": 64,
    "bytes": 1000,
    "delay": 0,
    "milliseconds": 0,
    "download_failures": 0,
    "upload_failures": 0,
    "bytes_per_second": 0,
    "proxy": "",
}
_LINKS = ("link", "invite")

Operation = APIOperation[Any, Any, Any, Any]


def described() -> dict[str, Any]:
    """The document that a gateway with a sandbox serves."""
    facts = Facts(
        version="",
        base_path="",
        credentials=False,
        commands=list(catalogue().values()),
        pages=PAGES,
        files={ExportMembers: "text/csv"},
        streams={ListEvents: NDJSON},
    )
    found: dict[str, Any] = json.loads(document(facts))
    return found


def operations() -> Iterator[Operation]:
    """Every operation of the document."""
    for one in schemathesis.openapi.from_dict(described()).get_all_operations():
        yield one.ok()


class Aim(msgspec.Struct, frozen=True):
    """Whom to ask: the gateway at `url`, for a device, with `known` values in the fields of their names."""

    url: str
    device: str
    known: Mapping[str, object]


def attack(operation: Operation, aim: Aim, examples: int) -> set[int]:
    """Ask an operation in so many made-up ways; the statuses of its answers.

    Raises what schemathesis says of an answer that does not fit the document.
    """
    load_all_checks()
    checks = CHECKS.get_by_names(_CHECKS)
    seen: set[int] = set()

    @settings(
        max_examples=examples,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def ask(case: Any) -> None:
        _fill(case, aim)
        answer = case.call(base_url=aim.url, session=session, timeout=_SECONDS)
        seen.add(answer.status_code)
        case.validate_response(answer, checks=checks)

    with requests.Session() as session:
        session.trust_env = False
        ask()
    return seen


def _fill(case: Any, aim: Aim) -> None:
    """Put known values and harmless ones into a request, and the device that it is for."""
    for values in (case.path_parameters, case.query, case.body):
        if isinstance(values, dict):
            for name in values:
                values[name] = _value(name, values[name], aim.known)
    if "device_id" in case.path_parameters:
        case.path_parameters["device_id"] = aim.device
    for place in (case.query, case.headers):
        for name in ("device_id", "X-Device-Id"):
            place.pop(name, None)
    case.headers["X-Device-Id"] = aim.device
    if isinstance(case.body, dict) and case.path.endswith("/faults/await"):
        case.body["wait"] = 0  # it waits by default


def _value(name: str, value: object, known: Mapping[str, object]) -> object:
    if name in _HARMLESS:
        return _HARMLESS[name]
    if name in known:
        return known[name]
    if isinstance(value, str) and (name in _LINKS or name.endswith("url")):
        return "http://127.0.0.1:9/nothing"  # made-up ones could lead out of this machine
    return value
