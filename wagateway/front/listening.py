"""What a WebSocket client asks for: which devices, which events, from where on."""

from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from wagateway.commands.internal import DeviceRow
from wagateway.commands.webhooks import EventNames, Seq
from wagateway.contract import Command
from wagateway.front.bodies import query_pairs
from wagateway.front.devices import Devices
from wagateway.front.fields import fields_of

ALL = "*"

DeviceNames = Annotated[
    list[Annotated[str, Meta(max_length=128)]],
    Meta(max_length=1000, description="Ids or JIDs of devices; `*` for all, also those to come"),
]
TicketText = Annotated[str, Meta(max_length=128, description="From `POST /ws/ticket`, for credentials")]
Credentials = Annotated[
    str, Meta(max_length=4096, description="user:password in base64, for who can send no header")
]


class Listen(Command[None], frozen=True, kw_only=True):
    """Hear at once what happens on one device or several, over a WebSocket.

    Each frame is JSON with `code`, `message` and `result`. `after` is the `seq` of the last event that the
    client has, for one device: then those it has missed come first.
    """

    device_id: DeviceNames = msgspec.field(default_factory=list)
    after: Seq | None = None
    events: EventNames = msgspec.field(default_factory=list)
    ticket: TicketText = ""
    authorization: Credentials = ""


class Chosen(msgspec.Struct, frozen=True):
    """The devices that somebody listens to; `all` says that those to come belong to them."""

    rows: list[DeviceRow]
    all: bool


def asked(query: str) -> Listen:
    """What the query of a WebSocket's address says; raises 400."""
    values = fields_of(Listen).from_texts(query_pairs(query), commas=True)
    return msgspec.convert(values, Listen)


async def chosen(devices: Devices, request: web.BaseRequest, names: list[str]) -> Chosen:
    """The devices that a client may and wants to hear of; raises like `Devices.select`.

    This is where what it may is to be decided: nothing else makes of names the devices of a socket.
    """
    header = [one.strip() for one in request.headers.get("X-Device-Id", "").split(",") if one.strip()]
    wanted = header or names
    if ALL in wanted:
        await devices.refresh()
        return Chosen(list(devices.rows.values()), all=True)
    if not wanted:
        return Chosen([await devices.select(None, None)], all=False)
    found = [await (devices.select(name, None) if header else devices.named(name)) for name in wanted]
    return Chosen(list({row.device_id: row for row in found}.values()), all=False)
