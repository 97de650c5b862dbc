"""What happens on a device, as its readers get it: one envelope, one payload per kind."""

import uuid
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

import msgspec

from wagateway.events.catalogue import KINDS as KINDS
from wagateway.events.catalogue import Kind as Kind
from wagateway.events.catalogue import known as known
from wagateway.events.catalogue import wants as wants

P = TypeVar("P")

_LAST_MILLISECOND = 253_402_300_799_999  # of the year 9999

_json = msgspec.json.Encoder()


class Event(msgspec.Struct, Generic[P], frozen=True, kw_only=True, omit_defaults=True):
    """An event; `device_id` is the device's own phone JID, `session_id` its id, both names the real server's.

    `seq` counts the events of a device without a gap, `event_id` is the same in every delivery of this
    event. `timestamp` is when it was recorded, RFC 3339 UTC.
    """

    event: str
    device_id: str
    session_id: str
    seq: int
    event_id: str
    timestamp: str
    payload: P


def encode(event: Event[Any]) -> bytes:
    """The JSON of an event, as it is stored, signed and delivered."""
    return _json.encode(event)


def new_event_id() -> str:
    """An id that no other event of any device has."""
    return f"evt_{uuid.uuid4().hex}"


def rfc3339(milliseconds: int) -> str:
    """Unix milliseconds as RFC 3339 UTC in whole seconds; "" for what is no time: 0, and beyond year 9999."""
    if not 0 < milliseconds <= _LAST_MILLISECOND:
        return ""
    return datetime.fromtimestamp(milliseconds // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
