"""What became of events at a webhook, and how to deliver them again: verbs of `webhooks` and `events`."""

import argparse
from collections.abc import Sequence
from typing import get_args

from wagateway.commands.webhooks import Delivery, DeliveryState, ListDeliveries, ReplayEvents
from wagateway.ctl import show
from wagateway.ctl.asking import Failure, Place, ask_worker
from wagateway.ctl.commands import command_of
from wagateway.ctl.nouns import Argument, Nouns, argument

_PAGE = 500
_HEAD = ("SEQ", "EVENT", "CHAT", "STATE", "ATTEMPTS", "LAST", "STATUS", "TOOK", "ERROR", "EVENT ID")
_FIGURES = frozenset({"SEQ", "ATTEMPTS", "STATUS", "TOOK"})
_REPLAY = (
    argument("--event", metavar="ID", help="the event with this id"),
    argument("--from", dest="begin", metavar="SEQ|TIME", help="those from this number or RFC 3339 time on"),
    argument("--to", dest="end", metavar="SEQ|TIME", help="those up to this number or time, with it"),
    argument("--dead", action="store_true", help="dead letters only; all of them without bounds"),
)


def add(verbs: Nouns, webhook: Sequence[Argument]) -> None:
    """Register the verbs; `webhook` are the arguments that name one."""
    states = get_args(DeliveryState)
    state = argument("--state", choices=states, help="only those")
    limit = argument("--limit", type=int, default=50, metavar="N", help="how many, the newest [50]")
    verbs.add("deliveries", list_deliveries, "what became of events at a webhook", [*webhook, state, limit])
    verbs.add("dead", list_dead, "the events that were given up, and why", [*webhook, limit])
    add_replay(verbs, webhook)


def add_replay(verbs: Nouns, webhook: Sequence[Argument]) -> None:
    """Register the verb that delivers again, which is found under `events` too."""
    verbs.add("replay", replay, "deliver events to a webhook again, beside what is new", [*webhook, *_REPLAY])


def list_deliveries(place: Place, arguments: argparse.Namespace) -> int:
    """Print them, the newest event first."""
    return _print(place, arguments, arguments.state)


def list_dead(place: Place, arguments: argparse.Namespace) -> int:
    """Print the dead letters."""
    return _print(place, arguments, "dead")


def replay(place: Place, arguments: argparse.Namespace) -> int:
    """Have events delivered again and print how many."""
    given = {
        "webhook_id": arguments.webhook,
        "event_id": arguments.event,
        "dead": arguments.dead,
        **_bound("from", arguments.begin),
        **_bound("to", arguments.end),
    }
    if not (arguments.event or arguments.dead or arguments.begin or arguments.end):
        raise Failure("Say which: --event ID, --from and --to, or --dead")
    if arguments.event and (arguments.dead or arguments.begin or arguments.end):
        raise Failure("--event names one event: --from, --to and --dead mean others")
    begun = ask_worker(place, arguments.device, command_of(ReplayEvents, given))
    if arguments.json:
        show.as_json(begun)
    else:
        show.line(f"Replay {begun.replay_id}: {begun.events} events are delivered again")
    return 0


def _bound(which: str, said: str | None) -> dict[str, object]:
    if said is not None and said.isdecimal():
        return {f"{which}_seq": int(said)}
    return {f"{which}_time": said}


def _print(place: Place, arguments: argparse.Namespace, state: DeliveryState | None) -> int:
    found = _newest(place, arguments, state)
    if arguments.json:
        show.as_json(found)
    elif not found:
        show.line("Nothing.")
    else:
        show.columns(_HEAD, list(map(_row, found)), right=_FIGURES)
    return 0


def _newest(place: Place, arguments: argparse.Namespace, state: DeliveryState | None) -> list[Delivery]:
    """As many as were asked for, page by page."""
    if arguments.limit < 1:
        raise Failure("--limit: must be at least 1")
    found: list[Delivery] = []
    before = 0
    while (left := arguments.limit - len(found)) > 0:
        command = ListDeliveries(
            webhook_id=arguments.webhook, state=state, before=before, limit=min(left, _PAGE)
        )
        page = ask_worker(place, arguments.device, command)
        found += page.deliveries
        before = page.next
        if not before:
            break
    return found


def _row(delivery: Delivery) -> tuple[str, ...]:
    return (
        str(delivery.seq),
        delivery.event,
        delivery.chat_id,
        delivery.state,
        str(delivery.attempts),
        delivery.at,
        str(delivery.status or ""),
        f"{delivery.took} ms",
        delivery.error,
        delivery.event_id,
    )
