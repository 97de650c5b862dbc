"""The `webhooks` of the document: every kind of event is there, and events are as it says."""

import json
from typing import Any

import jsonschema_rs
import msgspec
import pytest

from wagateway.commands import catalogue
from wagateway.commands.events import ListEvents
from wagateway.events import KINDS, Event, Kind, encode, new_event_id
from wagateway.openapi.document import Facts, document
from wagateway.openapi.happenings import component

_PLAIN: dict[type[msgspec.inspect.Type], object] = {
    msgspec.inspect.StrType: "text",
    msgspec.inspect.IntType: 7,
    msgspec.inspect.FloatType: 1.5,
    msgspec.inspect.BoolType: True,
    msgspec.inspect.BytesType: b"octets",
}


def sample(info: msgspec.inspect.Type) -> object:
    """A value of a type, with all that it can have."""
    match info:
        case msgspec.inspect.StructType():
            fields = {field.encode_name: sample(field.type) for field in info.fields}
            return msgspec.convert(fields, info.cls)
        case msgspec.inspect.UnionType():
            return sample(max(info.types, key=lambda one: isinstance(one, msgspec.inspect.StructType)))
        case msgspec.inspect.ListType():
            return [sample(info.item_type)]
        case msgspec.inspect.DictType():
            return {"key": sample(info.value_type)}
        case _:
            return _PLAIN[type(info)]


def smallest(payload: type[msgspec.Struct]) -> object:
    """A payload with what it must have only."""
    required = [field for field in msgspec.structs.fields(payload) if field.required]
    fields = {field.encode_name: sample(msgspec.inspect.type_info(field.type)) for field in required}
    return msgspec.convert(fields, payload)


def written(kind: Kind[Any], payload: object) -> Any:
    event = Event(
        event=kind.name,
        device_id="628123@s.whatsapp.net",
        session_id="shop",
        seq=1,
        event_id=new_event_id(),
        timestamp="2026-11-24T08:57:39Z",
        payload=payload,
    )
    return json.loads(encode(event))


@pytest.fixture(scope="module")
def whole() -> dict[str, Any]:
    commands = [command for command in catalogue().values() if command.target != "sandbox"]
    found: dict[str, Any] = json.loads(
        document(Facts(version="1", base_path="", credentials=True, commands=commands))
    )
    return found


@pytest.fixture(scope="module")
def event(whole: dict[str, Any]) -> jsonschema_rs.Draft202012Validator:
    schema = {"$ref": "#/components/schemas/Event", "components": whole["components"]}
    return jsonschema_rs.Draft202012Validator(schema)


def test_every_kind_of_event_is_a_webhook(whole: dict[str, Any]) -> None:
    assert list(KINDS) == list(whole["webhooks"])
    for kind in KINDS.values():
        assert kind.text == whole["webhooks"][kind.name]["post"]["summary"]


def test_no_webhook_has_the_name_of_another_operation(whole: dict[str, Any]) -> None:
    found = [one["operationId"] for path in whole["paths"].values() for one in path.values()]
    found += [one["post"]["operationId"] for one in whole["webhooks"].values()]
    assert len(found) == len(set(found))


def test_the_headers_and_what_answers_to_them_do_are_told(whole: dict[str, Any]) -> None:
    post = whole["webhooks"]["message"]["post"]
    named = [one["$ref"].rpartition("/")[2] for one in post["parameters"]]
    headers = [whole["components"]["parameters"][name]["name"] for name in named]
    assert ["X-Hub-Signature-256", "webhook-id", "webhook-timestamp", "webhook-signature"] == headers
    assert {"2XX", "410", "default"} == post["responses"].keys()


@pytest.mark.parametrize("name", sorted(KINDS))
def test_an_event_with_all_it_can_have_is_as_the_document_says(
    name: str, event: jsonschema_rs.Draft202012Validator
) -> None:
    payload = sample(msgspec.inspect.type_info(KINDS[name].payload))
    event.validate(written(KINDS[name], payload))


@pytest.mark.parametrize("name", sorted(KINDS))
def test_an_event_with_the_least_it_can_have_is_as_the_document_says(
    name: str, event: jsonschema_rs.Draft202012Validator
) -> None:
    event.validate(written(KINDS[name], smallest(KINDS[name].payload)))


def test_an_event_of_another_kind_is_not(event: jsonschema_rs.Draft202012Validator) -> None:
    gap = written(KINDS["gap"], smallest(KINDS["gap"].payload))
    assert not event.is_valid({**gap, "event": "device.banned"})
    assert not event.is_valid({**gap, "event": "no.such"})
    assert not event.is_valid({**gap, "payload": {}})


def test_the_events_of_the_log_are_events(whole: dict[str, Any]) -> None:
    page = whole["components"]["schemas"]["EventPage"]
    assert {"$ref": "#/components/schemas/Event"} == page["properties"]["events"]["items"]


def test_two_kinds_with_one_payload_have_a_schema_each(whole: dict[str, Any]) -> None:
    schemas = whole["components"]["schemas"]
    ready, failed = (schemas[component(KINDS[f"media.{how}"])]["properties"] for how in ("ready", "failed"))
    assert ({"const": "media.ready"}, {"const": "media.failed"}) == (ready["event"], failed["event"])
    assert ready["payload"] == failed["payload"]


def test_a_query_has_numbers_and_lists_with_commas(whole: dict[str, Any]) -> None:
    (route, *_) = ListEvents.routes
    parameters = whole["paths"][route.path]["get"]["parameters"]
    wait, events = ({one.get("name"): one for one in parameters}[name] for name in ("wait", "events"))
    assert "number" == wait["schema"]["type"]
    assert ("array", False) == (events["schema"]["type"], events["explode"])


def test_headers_of_a_webhook_are_a_map_of_texts(whole: dict[str, Any]) -> None:
    body = whole["paths"]["/webhooks"]["post"]["requestBody"]["content"]
    assert ["application/json"] == list(body)
    headers = whole["components"]["schemas"]["CreateGatewayWebhook"]["properties"]["headers"]
    assert ("object", {"type": "string"}) == (headers["type"], headers["additionalProperties"])
