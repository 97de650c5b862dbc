"""Reading the body of a request: JSON, a form, or nothing."""

import asyncio
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from wagateway.contract import Problem
from wagateway.front.fields import Fields
from wagateway.front.forms import MOST_FIELDS, TEXT_LIMIT, UPLOAD_LIMIT, Body, TooLarge, read_form
from wagateway.front.uploads import Spooled

_FORM = "application/x-www-form-urlencoded"
_MULTIPART = "multipart/form-data"

_decoder = msgspec.json.Decoder(dict[str, Any])


class Patience(msgspec.Struct, frozen=True):
    """How many seconds a body may take: without files, with files, and without a byte of it.

    `stalled` is how many a client that listens may read nothing.
    """

    body: float = 20.0
    upload: float = 600.0
    idle: float = 20.0
    stalled: float = 10.0


async def read_values(
    request: web.BaseRequest, fields: Fields, patience: Patience, spooled: Spooled | None
) -> dict[str, object]:
    """The values that the body has for the fields; `spooled`, where there may be files, takes them.

    Raises 400, 408, 413 or 507.
    """
    multipart = request.content_type == _MULTIPART
    files = multipart and spooled is not None
    most = UPLOAD_LIMIT if files else TEXT_LIMIT
    if (request.content_length or 0) > most:
        raise _too_large(most)
    try:
        async with asyncio.timeout(patience.upload if files else patience.body):
            await _invite(request)
            if multipart:
                body = Body(request.content, most, patience.idle)
                return await read_form(request.headers["Content-Type"], body, fields, spooled)
            return _decoded(request, await request.read(), fields)
    except TimeoutError:
        raise Problem(408, "REQUEST_TIMEOUT", "The body did not arrive in time") from None
    except (TooLarge, web.HTTPRequestEntityTooLarge):
        raise _too_large(most) from None
    except (web.RequestPayloadError, HttpProcessingError):
        request.content.feed_eof()  # nothing more can be read of it, and aiohttp would try
        raise _unreadable("its encoding is broken") from None


def query_pairs(query: str) -> list[tuple[str, str]]:
    """The decoded pairs of a query string; raises 400 `BAD_REQUEST`."""
    try:
        return parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
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
        return fields.from_json(_json(body))
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
            body.decode().strip(), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS
        )
    except ValueError:
        raise _unreadable("it is not a form in UTF-8") from None


def _unreadable(why: str) -> Problem:
    return Problem(400, "BAD_REQUEST", f"The body cannot be read: {why}")


def _too_large(most: int) -> Problem:
    return Problem(413, "PAYLOAD_TOO_LARGE", f"The body is larger than {most} bytes")
