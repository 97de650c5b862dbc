"""The JSON envelope that every answer of the HTTP API wears."""

from typing import Any, Generic, TypeVar

import msgspec

from wagateway.contract import Problem

R = TypeVar("R")

_json = msgspec.json.Encoder()


class Envelope(msgspec.Struct, Generic[R]):
    """What `success` wrote, read back with a typed result."""

    code: str
    message: str
    results: R | None = None


def success(message: str, result: object) -> bytes:
    """JSON with the result under `result` (the guide's key) and `results` (the real server's key)."""
    return _fields("SUCCESS", message, result)


def failure(problem: Problem) -> bytes:
    """JSON for a problem: `code`, `message` and, where the problem has one, its result."""
    return _fields(problem.code, problem.message, problem.result)


def _fields(code: str, message: str, result: object) -> bytes:
    fields: dict[str, Any] = {"code": code, "message": message}
    if result is not None:
        encoded = msgspec.Raw(_json.encode(result))
        fields |= {"result": encoded, "results": encoded}
    return _json.encode(fields)
