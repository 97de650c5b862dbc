"""Replies that reach the client as a file to keep."""

import msgspec
from aiohttp import web

from wagateway.commands.groups import MemberTable
from wagateway.envelope import Envelope
from wagateway.front.answers import SERVER
from wagateway.wire import Reply

_decoder = msgspec.json.Decoder(Envelope[MemberTable])


async def members(_request: web.BaseRequest, reply: Reply) -> web.Response:
    """The CSV of a `MemberTable` reply as an attachment."""
    table = _decoder.decode(reply.body).results
    assert table is not None
    headers = {
        "Content-Type": "text/csv; charset=utf-8",
        "Content-Disposition": f'attachment; filename="{table.filename}"',
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
        "Server": SERVER,
    }
    return web.Response(body=table.csv.encode(), headers=headers)
