"""Reading the body of a request: JSON, a form, or nothing."""

import asyncio
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from wagateway.contract import Problem
from wagateway.front.fields import Fields
from wagateway.problems import invalid

LIMIT = 1024**2
"""Bytes of a body without files."""
_MOST_FIELDS = 4096
_FORM = "application/x-www-form-urlencoded"
_MULTIPART = "multipart/form-data"

_decoder = msgspec.json.Decoder(dict[str, Any])


async def read_values(request: web.BaseRequest, fields: Fields, seconds: float) -> dict[str, object]:
    """The values that the body has for the fields; it must be there within `seconds`.

    Raises 400, 408 or 413.
    """
    if (request.content_length or 0) > LIMIT:
        raise _too_large()
    try:
        async with asyncio.timeout(seconds):
            await _invite(request)
            if request.content_type == _MULTIPART:
                return await _multipart(request, fields)
            return _decoded(request, await request.read(), fields)
    except TimeoutError:
        raise Problem(408, "REQUEST_TIMEOUT", "The body did not arrive in time") from None
    except web.HTTPRequestEntityTooLarge:
        raise _too_large() from None
    except (web.RequestPayloadError, HttpProcessingError):
        request.content.feed_eof()  # nothing more can be read of it, and aiohttp would try
        raise _unreadable("its encoding is broken") from None


def query_pairs(query: str) -> list[tuple[str, str]]:
    """The decoded pairs of a query string; raises 400 `BAD_REQUEST`."""
    try:
        return parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise Problem(400, "BAD_REQUEST", "The query string cannot be read") from None


async def _invite(request: web.BaseRequest) -> None:
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0


def _decoded(request: web.BaseRequest, body: bytes, fields: Fields) -> dict[str, object]:
    kind = request.content_type
    if not body.strip():
        return {}
    if kind == "application/json" or kind.endswith("+json"):
        return _json(body)
    if kind == _FORM:
        return fields.from_texts(_form_pairs(body), commas=False)
    raise Problem(400, "BAD_REQUEST", f"Content-Type must be application/json, {_FORM} or {_MULTIPART}")


def _json(body: bytes) -> dict[str, object]:
    try:
        return _decoder.decode(body)
    except msgspec.ValidationError:
        raise _unreadable("it must be a JSON object") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise _unreadable("it is not JSON in UTF-8") from None
    except RecursionError:
        raise _unreadable("it is nested too deeply") from None


def _form_pairs(body: bytes) -> list[tuple[str, str]]:
    if body.lstrip().startswith(b"{"):
        raise _unreadable("it looks like JSON; send Content-Type: application/json")
    try:
        return parse_qsl(
            body.decode().strip(), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS
        )
    except ValueError:
        raise _unreadable("it is not a form in UTF-8") from None


async def _multipart(request: web.BaseRequest, fields: Fields) -> dict[str, object]:
    try:
        parts = await request.post()
    except (ValueError, LookupError, AssertionError, RuntimeError):  # all that a broken part makes it raise
        raise _unreadable("it is not multipart/form-data") from None
    except web.HTTPBadRequest:
        raise _unreadable("it has too many fields") from None
    return fields.from_texts(((name, _text(name, part)) for name, part in parts.items()), commas=False)


def _text(name: str, part: str | bytes | bytearray | web.FileField) -> str:
    if isinstance(part, web.FileField):
        raise invalid(name[:64], "must not be a file")
    if isinstance(part, str):
        return part
    try:
        return part.decode()
    except UnicodeDecodeError:
        raise invalid(name[:64], "must be text in UTF-8") from None


def _unreadable(why: str) -> Problem:
    return Problem(400, "BAD_REQUEST", f"The body cannot be read: {why}")


def _too_large() -> Problem:
    return Problem(413, "PAYLOAD_TOO_LARGE", f"The body is larger than {LIMIT} bytes")
