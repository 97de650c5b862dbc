"""From a multipart form to the values of a command's fields: texts, and files on the disk."""

import asyncio

from aiohttp import StreamReader

from wagateway.contract import Problem, Upload
from wagateway.front.fields import NOT_UPLOADED, Field, Fields
from wagateway.front.multipart import Broken, Multipart, Part
from wagateway.front.uploads import Spooled
from wagateway.problems import invalid

TEXT_LIMIT = 1024**2
"""Bytes of a body without files, or of all that is no file in a form."""
UPLOAD_LIMIT = 110_000_000
"""Bytes of a body with files."""
MOST_FIELDS = 4096


class TooLarge(Exception):
    """A body went on after its limit."""


class Body:
    """The bytes of a body as they come: at most `most`, and never `idle` seconds without any.

    Raises `TooLarge`, TimeoutError and what aiohttp raises for a body that is broken or cut off.
    """

    def __init__(self, content: StreamReader, most: int, idle: float) -> None:
        self._content = content
        self._left = most
        self._idle = idle

    async def more(self) -> bytes:
        """What has come since; b"" at the end."""
        async with asyncio.timeout(self._idle):
            chunk = await self._content.readany()
        self._left -= len(chunk)
        if self._left < 0:
            raise TooLarge
        return chunk

    async def drain(self) -> None:
        """Read the rest and throw it away: a client that is still sending would not hear the answer."""
        while await self.more():
            pass


async def read_form(
    content_type: str, body: Body, fields: Fields, spooled: Spooled | None
) -> dict[str, object]:
    """The values that a multipart form has for the fields; `spooled` takes its files.

    Raises 400, 413, 507, and what `Body` raises.
    """
    try:
        values = await _values(Multipart(content_type, body.more), fields, spooled)
    except Broken as broken:
        await body.drain()
        why = f"The body cannot be read as multipart/form-data: {broken}"
        raise Problem(400, "BAD_REQUEST", why) from None
    except Problem:
        await body.drain()
        raise
    await body.drain()
    return values


async def _values(form: Multipart, fields: Fields, spooled: Spooled | None) -> dict[str, object]:
    texts: list[tuple[str, str]] = []
    files: dict[str, object] = {}
    room = TEXT_LIMIT
    while (part := await form.next()) is not None:
        if len(texts) >= MOST_FIELDS:
            raise Broken("it has too many fields")
        field = fields.named(part.name)
        if field.most:
            if field.name in files:
                raise invalid(field.name, "must be given once")
            if (file := await _file(form, part, field, spooled)) is not None:
                files[field.name] = file
        elif part.filename is not None:
            raise invalid(field.name, "must not be a file")
        else:
            raw = await _text(form, room)
            room -= len(raw)
            texts.append((part.name, _decoded(field, raw)))
    return fields.from_texts(texts, commas=False) | files


async def _file(form: Multipart, part: Part, field: Field, spooled: Spooled | None) -> Upload | None:
    assert spooled is not None
    if part.filename is not None:
        return await spooled.take(form, part, field.name, field.most)
    if await form.data():
        raise invalid(field.name, NOT_UPLOADED)
    return None


async def _text(form: Multipart, room: int) -> bytes:
    raw = bytearray()
    while chunk := await form.data():
        raw += chunk
        if len(raw) > room:
            raise Problem(
                413, "PAYLOAD_TOO_LARGE", f"The texts of the form are larger than {TEXT_LIMIT} bytes"
            )
    return bytes(raw)


def _decoded(field: Field, raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise invalid(field.name, "must be text in UTF-8") from None
