"""Telling the worker what neonize's events say, each in the engine's own words."""

from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar

import structlog

from workers.engine import EngineEvents
from workers.neonize_changes import (
    read_caught_up,
    read_chat_presence,
    read_group_change,
    read_joined_group,
    read_newsletter_joined,
    read_newsletter_left,
    read_newsletter_muted,
    read_newsletter_posts,
)
from workers.neonize_events import (
    Code,
    caller_told,
    read_call,
    read_change,
    read_message,
    read_receipt,
    read_undecryptable,
)
from workers.neonize_jids import PhoneOf

_CALLS_REMEMBERED = 64

T = TypeVar("T")
_Tell = Callable[[EngineEvents], None]
_Way = Callable[[bytes, PhoneOf], _Tell | None]

log = structlog.get_logger()


def _way(read: Callable[[bytes, PhoneOf], T | None], tell: Callable[[EngineEvents, T], None]) -> _Way:
    """How an event is read and told; what is read as None is not told."""

    def reading(raw: bytes, phone_of: PhoneOf) -> _Tell | None:
        told = read(raw, phone_of)
        return None if told is None else lambda events: tell(events, told)

    return reading


_WAYS: dict[int, _Way] = {
    Code.MESSAGE: _way(read_message, lambda events, told: events.message(told)),
    Code.RECEIPT: _way(read_receipt, lambda events, told: events.receipt(told)),
    Code.CALL: _way(read_call, lambda events, told: events.call(told)),
    Code.UNDECRYPTABLE: _way(read_undecryptable, lambda events, told: events.undecryptable(told)),
    Code.CHAT_PRESENCE: _way(read_chat_presence, lambda events, told: events.chat_presence(told)),
    Code.GROUP_JOINED: _way(read_joined_group, lambda events, told: events.group_joined(told)),
    Code.GROUP_CHANGED: _way(read_group_change, lambda events, told: events.group(told)),
    Code.NEWSLETTER_JOINED: _way(read_newsletter_joined, lambda events, told: events.newsletter(told)),
    Code.NEWSLETTER_LEFT: _way(read_newsletter_left, lambda events, told: events.newsletter(told)),
    Code.NEWSLETTER_MUTED: _way(read_newsletter_muted, lambda events, told: events.newsletter(told)),
    Code.NEWSLETTER_POSTS: _way(read_newsletter_posts, lambda events, told: events.newsletter(told)),
    Code.CAUGHT_UP: _way(read_caught_up, lambda events, told: events.caught_up(told)),
}


class Telling:
    """Reads events and tells them to `events`, on the pump's thread."""

    def __init__(self, events: EngineEvents, phone_of: PhoneOf) -> None:
        self._events = events
        self._phone_of = phone_of
        self._callers: OrderedDict[str, str] = OrderedDict()

    def caller(self, call_id: str, otherwise: str) -> str:
        """Who calls, in the form in which WhatsApp named them, which a rejection must use."""
        return self._callers.get(call_id, otherwise)

    def event(self, code: int, raw: bytes) -> None:
        """Tell what an event says, if it says anything."""
        if way := _WAYS.get(code):
            self._tell(Code(code), raw, way)
        elif code == Code.STREAM_ERROR:
            log.warning("connection.stream_error")
        elif change := read_change(code, raw):
            self._events.connection(change)

    def _tell(self, code: Code, raw: bytes, way: _Way) -> None:
        try:
            tell = way(raw, self._phone_of)
            if code is Code.CALL:
                self._remember(*caller_told(raw))
        except Exception:  # whatever is wrong with it: it is kept, and the next one is not held up
            what = f"{code.name.lower()}.unreadable"
            log.exception(what)
            self._events.unread(code, raw)
            return
        if tell is not None:
            tell(self._events)

    def _remember(self, call_id: str, caller: str) -> None:
        self._callers[call_id] = caller
        if len(self._callers) > _CALLS_REMEMBERED:
            self._callers.popitem(last=False)
