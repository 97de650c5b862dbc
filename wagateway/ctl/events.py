"""`wagatewayctl events …`: the log of a device, as it was and as it grows."""

import argparse
from typing import Any

import msgspec

from wagateway.commands.events import EventPage, ListEvents
from wagateway.ctl import show
from wagateway.ctl.asking import Failure, Place, ask_worker, run
from wagateway.ctl.commands import command_of, listed
from wagateway.ctl.deliveries import add_replay
from wagateway.ctl.following import follow, note_missed
from wagateway.ctl.nouns import Nouns, argument
from wagateway.events import Event

_PAGE = 1000
_WORD = 60  # signs of one value
_LINE = 200  # signs of all of them
_TWICE = frozenset({"id", "chat_jid", "sender", "content", "is_from_me"})  # of messages, which say it twice

_decoder = msgspec.json.Decoder(Event[dict[str, Any]])

_DEVICE = argument("device", metavar="DEVICE", help="the device's id or JID")
_KINDS = argument("--events", metavar="KINDS", help="only these, such as message,group.*")


def add(nouns: Nouns) -> None:
    """Register the verbs."""
    verbs = nouns.within("events", "what happens on a device: follow it, look back, deliver it again")
    after = argument("--after", type=int, metavar="SEQ", help="begin behind this number; with now without")
    verbs.add("tail", tail, "events as they happen, one a line", [_DEVICE, after, _KINDS])
    oldest = argument("--after", type=int, default=0, metavar="SEQ", help="those behind this number")
    limit = argument("--limit", type=int, default=100, metavar="N", help="how many [100]")
    verbs.add("list", list_events, "the events that are kept, oldest first", [_DEVICE, oldest, limit, _KINDS])
    add_replay(verbs, [_DEVICE, argument("webhook", metavar="WEBHOOK", help="the id of the webhook")])


def tail(place: Place, arguments: argparse.Namespace) -> int:
    """Print events until somebody ends it; a worker that is started anew loses and doubles none."""
    command = _asked(arguments, arguments.after or 0, _PAGE)
    begins_now = arguments.after is None
    run(follow(place, arguments.device, command, lambda page: _print(page, arguments.json), now=begins_now))
    return 0


def list_events(place: Place, arguments: argparse.Namespace) -> int:
    """Print the events that are kept, page by page."""
    if arguments.limit < 1:
        raise Failure("--limit: must be at least 1")
    after, left = arguments.after, arguments.limit
    while left > 0:
        page = ask_worker(place, arguments.device, _asked(arguments, after, min(left, _PAGE)))
        _print(page, arguments.json)
        if page.missed and after:
            note_missed(page.missed)
        if page.next >= page.head or page.next <= after:
            break
        after, left = page.next, left - len(page.events)
    return 0


def readable(raw: bytes) -> str:
    """One line for an event: when, its number, its kind and what a person wants to know of it."""
    event = _decoder.decode(raw)
    told = " ".join(f"{name}={_word(value)}" for name, value in _facts(event.payload).items())
    return f"{show.plain(event.timestamp)} {event.seq:>7} {show.plain(event.event):22} {_short(told, _LINE)}"


def _print(page: EventPage, json: bool) -> None:
    for raw in page.events:
        show.line(bytes(raw).decode() if json else readable(bytes(raw)))


def _facts(payload: dict[str, Any]) -> dict[str, object]:
    """What a payload says once: no second names, no LIDs, nothing that is not there."""
    left_out = _TWICE if "chat_jid" in payload else frozenset()
    return {
        name: value
        for name, value in payload.items()
        if value not in ("", None, [], {})
        and name not in left_out
        and name not in ("timestamp", "lids", "receipt_type_description")
        and not name.endswith("_lid")
    }


def _word(value: object) -> str:
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        text = ",".join(value)
    elif isinstance(value, str):
        text = value
    else:
        text = msgspec.json.encode(value).decode()
    text = _short(show.plain(text), _WORD)
    return f'"{text}"' if " " in text else text


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _asked(arguments: argparse.Namespace, after: int, limit: int) -> ListEvents:
    return command_of(ListEvents, {"after": after, "limit": limit, "events": listed(arguments.events)})
