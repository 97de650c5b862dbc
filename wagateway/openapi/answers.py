"""What the operations of the document can be answered with."""

from wagateway.contract import Command, Needs
from wagateway.openapi.schemas import Schema

JSON = "application/json"

_REFUSALS: dict[int, str] = {
    400: "The request cannot be used: `VALIDATION_ERROR` (the sentence names the field), `BAD_REQUEST`, "
    "`DEVICE_ID_REQUIRED`, or a code of what it asks for",
    401: "`UNAUTHORIZED`: user and password are missing or wrong; `DEVICE_NOT_LOGGED_IN`: the device is not "
    "linked to an account",
    403: "`CROSS_SITE`: a web page of another site asks; `LINK_EXPIRED`, `LINK_INVALID`; or WhatsApp does "
    "not let this account do it",
    404: "`DEVICE_NOT_FOUND`, `MESSAGE_NOT_FOUND`, or something else that is not there",
    408: "`REQUEST_TIMEOUT`: the body did not arrive in time",
    409: "It contradicts what is there, such as `DEVICE_ALREADY_EXISTS` or `IDEMPOTENCY_KEY_REUSED`",
    410: "`MEDIA_EXPIRED`: WhatsApp has the file no more",
    413: "`PAYLOAD_TOO_LARGE`: the body is too large; `ANSWER_TOO_LARGE`: ask for less at once",
    416: "`RANGE_NOT_SATISFIABLE`: the file is shorter than that",
    422: "What is there cannot be used",
    426: "`UPGRADE_REQUIRED`: only a WebSocket is to be had here",
    429: "`RATE_LIMITED`: WhatsApp asks to slow down",
    501: "`ENGINE_UNSUPPORTED`: the WhatsApp library cannot do this; nothing was changed",
    502: "WhatsApp, or a server of its own, refused the request or did not answer it",
    503: "`DEVICE_UNAVAILABLE`: the device cannot answer now, try again; `OUTCOME_UNKNOWN`: whether it was "
    "done is not known; `STORAGE_FAILED`",
    504: "`GATEWAY_TIMEOUT`: no answer in time",
    507: "`STORAGE_FULL`: the disk is full; nothing was stored",
}
_LATER = frozenset({429, 502, 503, 504, 507})
_OF_ALL = frozenset({400, 401, 403, 413})
_OF_DEVICES: dict[Needs, frozenset[int]] = {
    "nothing": frozenset({404, 503, 504}),
    "shard": frozenset({404, 409, 410, 502, 503, 504, 507}),
    "log": frozenset({404, 409, 503, 504, 507}),
    "worker": frozenset({404, 409, 429, 501, 502, 503, 504, 507}),
    "login": frozenset({404, 409, 410, 429, 501, 502, 503, 504, 507}),
}
_OF_OTHERS: dict[str, frozenset[int]] = {
    "supervisor": frozenset({404, 409, 503, 504, 507}),
    "sandbox": frozenset({404, 409, 422, 502, 503, 504}),
}


def refusals(command: type[Command[object]], *, body: bool, files: bool) -> set[int]:
    """The statuses of the problems that a command can end in, for a request with a body or files."""
    found = _OF_DEVICES[command.needs] if command.target == "device" else _OF_OTHERS[command.target]
    return {*_OF_ALL, *found} | ({408} if body else set()) | ({507} if files else set())


def responses(content: Schema, statuses: set[int]) -> Schema:
    """The `responses` of an operation: the content of its 200, and its refusals."""
    refused: Schema = {
        str(status): {"$ref": f"#/components/responses/{status}"} for status in sorted(statuses)
    }
    return {"200": {"description": "Done", "content": content}} | refused


def components() -> dict[str, Schema]:
    """Every refusal by its status."""
    return {str(status): _refusal(status, text) for status, text in _REFUSALS.items()}


def envelope(reply: Schema | None) -> Schema:
    """The schema of the envelope around a reply."""
    properties: dict[str, object] = {"code": {"const": "SUCCESS"}, "message": {"type": "string"}}
    if reply is not None:
        properties |= {"result": reply, "results": reply}
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


PROBLEM: Schema = {
    "title": "Problem",
    "description": "Why a request was not done: a stable code, and a sentence for a person",
    "type": "object",
    "properties": {
        "code": {"type": "string", "pattern": "^[A-Z_]+$"},
        "message": {"type": "string"},
        "result": {"description": "What the problem is about, for some"},
        "results": {"description": "The same again"},
    },
    "required": ["code", "message"],
    "additionalProperties": False,
}


def _refusal(status: int, text: str) -> Schema:
    found: Schema = {
        "description": text,
        "content": {JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    if status in _LATER:
        seconds = {"type": "integer", "minimum": 1}
        found["headers"] = {
            "Retry-After": {"description": "Seconds to wait before another try", "schema": seconds}
        }
    return found
