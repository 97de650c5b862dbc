"""From the kinds of events to the `webhooks` of the document: what is delivered, and how it is answered."""

import copy
import inspect
from collections.abc import Iterable
from typing import Any

import msgspec

from wagateway.events import Event, Kind
from wagateway.openapi.schemas import REFS, Schema

TAG = "events"

_PARAMETERS = "#/components/parameters/"

_HEADERS = {
    "HubSignature": (
        "X-Hub-Signature-256",
        "`sha256=` and the HMAC-SHA256 of the bytes of the body in hex; the key is the secret as it is",
        "^sha256=[0-9a-f]{64}$",
    ),
    "WebhookId": (
        "webhook-id",
        "The `event_id`: the same in every delivery of an event, to know one that came twice",
        "^evt_[0-9a-f]{32}$",
    ),
    "WebhookTimestamp": ("webhook-timestamp", "When this attempt was made, in Unix seconds", "^[0-9]+$"),
    "WebhookSignature": (
        "webhook-signature",
        "Standard Webhooks: `v1,` and the HMAC-SHA256 of `{webhook-id}.{webhook-timestamp}.{body}` in base64",
        "^v1,[A-Za-z0-9+/]{43}=$",
    ),
}
_RESPONSES: Schema = {
    "2XX": {"description": "Delivered. Nothing in the answer is read"},
    "410": {"description": "Stops the webhook: nothing more is delivered until it is resumed"},
    "default": {
        "description": "Not delivered, as without an answer in time: tried again for as long as `give_up` "
        "says, with growing waits, and later events of the chat wait for it. With 429 and 503, `Retry-After` "
        "is heeded"
    },
}


def components(kinds: Iterable[Kind[Any]]) -> dict[str, Schema]:
    """The schema of the event of each kind, and `Event`, which is any of them."""
    envelope = _envelope()
    names = {kind.name: component(kind) for kind in kinds}
    any_of: Schema = {
        "title": "Event",
        "description": inspect.cleandoc(Event.__doc__ or ""),
        "oneOf": [{"$ref": REFS + name} for name in names.values()],
        "discriminator": {
            "propertyName": "event",
            "mapping": {kind: REFS + name for kind, name in names.items()},
        },
    }
    return {"Event": any_of} | {component(kind): _event(kind, envelope) for kind in kinds}


def component(kind: Kind[Any]) -> str:
    """What the schema of its event is called: `message.reaction` is a `MessageReactionEvent`."""
    words = kind.name.replace(".", "_").split("_")
    return "".join(word.capitalize() for word in words) + "Event"


def parameters() -> dict[str, Schema]:
    """The headers of a delivery."""
    return {
        name: {
            "name": header,
            "in": "header",
            "required": True,
            "description": text,
            "schema": {"type": "string", "pattern": pattern},
        }
        for name, (header, text, pattern) in _HEADERS.items()
    }


def webhooks(kinds: Iterable[Kind[Any]]) -> dict[str, Schema]:
    """A delivery of each kind, by its name."""
    return {kind.name: {"post": _delivery(kind)} for kind in kinds}


def _delivery(kind: Kind[Any]) -> Schema:
    schema = {"$ref": REFS + component(kind)}
    return {
        "operationId": component(kind),
        "tags": [TAG],
        "summary": kind.text,
        "security": [],
        "parameters": [{"$ref": _PARAMETERS + name} for name in _HEADERS],
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
        "responses": _RESPONSES,
    }


def _event(kind: Kind[Any], envelope: Schema) -> Schema:
    found = copy.deepcopy(envelope) | {"title": component(kind), "description": kind.text}
    properties = found["properties"]
    assert isinstance(properties, dict)
    properties["event"] = {"const": kind.name}
    properties["payload"] = {"$ref": REFS + kind.payload.__name__}
    return found


def _envelope() -> Schema:
    """What all events have: the fields of the Struct, whatever its payload is."""
    (reference,), found = msgspec.json.schema_components([Event[Any]], ref_template="{name}")
    envelope: Schema = found[reference["$ref"]]
    return envelope
