"""The table of all events in Markdown, made of the Structs: `python -m tests.contracts.events_table`."""

from collections.abc import Iterator
from typing import Any

import msgspec

from wagateway.events import KINDS, Kind
from wagateway.events.messages import MessageFacts

SHARED = "message facts"


def fields(payload: type[msgspec.Struct]) -> list[str]:
    """The names in the payload as they travel; a `?` behind those that can be missing."""
    return [f"`{one.encode_name}`{'' if one.required else '?'}" for one in msgspec.structs.fields(payload)]


def row(kind: Kind[Any]) -> str:
    """The line of an event; what every event of a message has is said once, below the table."""
    found = fields(kind.payload)
    if issubclass(kind.payload, MessageFacts):
        shared = fields(MessageFacts)
        found = [SHARED, *(one for one in found if one not in shared)]
    return f"| `{kind.name}` | {kind.text} | {', '.join(found)} |"


def table() -> Iterator[str]:
    """All lines."""
    yield "| event | when | payload |"
    yield "|---|---|---|"
    yield from map(row, KINDS.values())
    yield ""
    yield f"A `?` marks what can be missing. The {SHARED}: {', '.join(fields(MessageFacts))}."


if __name__ == "__main__":
    print("\n".join(table()))
