"""What happens on a device, as hooks get it: one envelope, one payload per kind."""

import uuid
from datetime import UTC, datetime
from typing import Generic, TypeVar

import msgspec

P = TypeVar("P")

MESSAGE = "message"
UNREAD = "unread"

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


class MessagePayload(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A message; the second group of fields repeats the first under the names of the guide.

    JIDs have no device part; `chat_lid` and `from_lid` are the LIDs where the phone JID stands beside them.
    `body` is absent from a message without text, `content` is then "".
    """

    id: str
    chat_id: str
    sender: str = msgspec.field(name="from")
    sender_display_name: str
    timestamp: str
    is_from_me: bool
    chat_lid: str = ""
    from_lid: str = ""
    from_name: str = ""
    body: str = ""
    replied_to_id: str = ""
    quoted_body: str = ""
    forwarded: bool = False

    message_id: str
    chat_jid: str
    sender_jid: str = msgspec.field(name="sender")
    content: str


class UnreadPayload(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something WhatsApp sent that this version could not read: `raw` is base64.

    With an `id` it is the content of that message (an `E2E.Message`), else an engine event of kind `code`.
    """

    raw: str
    code: int = 0
    id: str = ""
    chat_id: str = ""
    sender: str = msgspec.field(name="from", default="")
    timestamp: str = ""
    is_from_me: bool = False


def encode(event: Event[P]) -> bytes:
    """The JSON of an event, as it is stored, signed and delivered."""
    return _json.encode(event)


def new_event_id() -> str:
    """An id that no other event of any device has."""
    return f"evt_{uuid.uuid4().hex}"


def rfc3339(milliseconds: int) -> str:
    """Unix milliseconds as RFC 3339 UTC in whole seconds; "" for 0, which is no time."""
    if milliseconds == 0:
        return ""
    return datetime.fromtimestamp(milliseconds // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
