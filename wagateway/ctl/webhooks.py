"""`wagatewayctl webhooks …`: who gets the events of the devices, and how deliveries go."""

import argparse
import sys
from pathlib import Path

from wagateway.commands.webhooks import (
    ChangeGatewayWebhook,
    ChangeWebhook,
    CreateGatewayWebhook,
    CreateWebhook,
    GetWebhook,
    ListGatewayWebhooks,
    ListWebhooks,
    PauseWebhook,
    RemoveGatewayWebhook,
    RemoveWebhook,
    ResumeWebhook,
    TestWebhook,
    Webhook,
    WebhookStatus,
)
from wagateway.ctl import deliveries, show
from wagateway.ctl.asking import Failure, Place, ask_supervisor, ask_worker
from wagateway.ctl.commands import command_of, listed
from wagateway.ctl.nouns import Nouns, Verb, argument
from wagateway.settings.forms import GIVE_UP_FORM, LENGTH_FORM, is_give_up, length

_ONE = (
    argument("device", metavar="DEVICE", help="the device's id or JID"),
    argument("webhook", metavar="WEBHOOK", help="the id of the webhook"),
)
_OF = argument("--device", metavar="DEVICE", help="a webhook of this device, not of the whole gateway")
_OPTIONS = (
    _OF,
    argument("--secret-file", metavar="FILE", help="a file with the secret that signs"),
    argument("--secret", metavar="-", help="- reads the secret from stdin, '' is the gateway's"),
    argument("--events", metavar="KINDS", help="only these, such as message,group.*; '': all"),
    argument("--ignore", metavar="JIDS", help="nothing of these chats; @g.us: of no group; '': of all"),
    argument(
        "--header",
        action="append",
        metavar="'NAME: VALUE'",
        help="a header of every delivery, can be repeated; @FILE: those in a file, one a line; '': none",
    ),
    argument(
        "--insecure", action=argparse.BooleanOptionalAction, help="accept any TLS certificate of the receiver"
    ),
    argument("--concurrency", type=int, metavar="N", help="deliveries at a time"),
    argument("--give-up", metavar="TIME", help="how long an event is tried again, such as 96h or 4d"),
)


def add(nouns: Nouns) -> None:
    """Register the verbs."""
    verbs = nouns.within("webhooks", "who gets the events: webhooks, how they go, what they got")
    device = argument("device", metavar="DEVICE", nargs="?", help="with how they go; else the gateway's own")
    verbs.add("list", list_webhooks, "the webhooks of a device, or those of the whole gateway", [device])
    verbs.add("show", show_webhook, "one webhook of a device, and how it goes", _ONE)
    url = argument("url", metavar="URL")
    own = argument("--id", dest="webhook_id", metavar="ID", help="an id of your choice, else one is made up")
    verbs.add("add", add_webhook, "add a webhook: it gets what happens from now on", [url, own, *_OPTIONS])
    webhook = argument("webhook", metavar="WEBHOOK", help="the id of the webhook")
    new = argument("--url", metavar="URL", help="another URL")
    verbs.add("set", set_webhook, "change a webhook; what is not said stays", [webhook, new, *_OPTIONS])
    verbs.add("remove", remove_webhook, "remove a webhook with what it has not got", [webhook, _OF])
    verbs.add("pause", _steered(PauseWebhook), "deliver nothing more; events wait in the log", _ONE)
    verbs.add("resume", _steered(ResumeWebhook), "deliver again, at once", _ONE)
    verbs.add("test", test_webhook, "deliver a test event now; exit code 1 when that fails", _ONE)
    deliveries.add(verbs, _ONE)


def list_webhooks(place: Place, arguments: argparse.Namespace) -> int:
    """Print the webhooks of a device, or of the whole gateway."""
    if arguments.device is None:
        _print_configured(ask_supervisor(place, ListGatewayWebhooks()), arguments.json)
    else:
        _print_going(ask_worker(place, arguments.device, ListWebhooks()), arguments.json)
    return 0


def show_webhook(place: Place, arguments: argparse.Namespace) -> int:
    """Print one webhook."""
    _print(ask_worker(place, arguments.device, GetWebhook(webhook_id=arguments.webhook)), arguments.json)
    return 0


def add_webhook(place: Place, arguments: argparse.Namespace) -> int:
    """Add one and print it."""
    fields = {"url": arguments.url, "webhook_id": arguments.webhook_id, **_options(arguments)}
    kind = CreateWebhook if arguments.device else CreateGatewayWebhook
    _print(ask_supervisor(place, command_of(kind, fields)), arguments.json)
    return 0


def set_webhook(place: Place, arguments: argparse.Namespace) -> int:
    """Change one and print it."""
    fields = {"url": arguments.url, **_options(arguments)}
    if all(value is None for name, value in fields.items() if name != "device_id"):
        raise Failure("Say what is to change: wagatewayctl webhooks set --help")
    kind = ChangeWebhook if arguments.device else ChangeGatewayWebhook
    command = command_of(kind, fields | {"webhook_id": arguments.webhook})
    _print(ask_supervisor(place, command), arguments.json)
    return 0


def remove_webhook(place: Place, arguments: argparse.Namespace) -> int:
    """Remove one."""
    kind = RemoveWebhook if arguments.device else RemoveGatewayWebhook
    fields = {"webhook_id": arguments.webhook, "device_id": arguments.device}
    removed = ask_supervisor(place, command_of(kind, fields))
    if arguments.json:
        show.as_json(removed)
    else:
        show.line(f"Removed: {removed.webhook_id}")
    return 0


def test_webhook(place: Place, arguments: argparse.Namespace) -> int:
    """Deliver a test event and print what came of it."""
    attempt = ask_worker(place, arguments.device, TestWebhook(webhook_id=arguments.webhook))
    if arguments.json:
        show.as_json(attempt)
    else:
        answer = ", ".join(filter(None, (str(attempt.status or ""), attempt.error)))
        outcome = "Delivered" if attempt.delivered else "Not delivered"
        show.line(show.plain(f"{outcome}: {answer or 'no answer'}, in {attempt.took} ms"))
    return 0 if attempt.delivered else 1


def _steered(kind: type[PauseWebhook] | type[ResumeWebhook]) -> Verb:
    def verb(place: Place, arguments: argparse.Namespace) -> int:
        _print(ask_worker(place, arguments.device, kind(webhook_id=arguments.webhook)), arguments.json)
        return 0

    return verb


def _print(webhook: Webhook, json: bool) -> None:
    if json:
        show.as_json(webhook)
    else:
        show.facts(webhook)


def _print_configured(webhooks: list[Webhook], json: bool) -> None:
    if json:
        show.as_json(webhooks)
    elif not webhooks:
        show.line("No webhooks yet: wagatewayctl webhooks add URL")
    else:
        rows = [
            (each.webhook_id, "the settings" if each.fixed else "the API", _kinds(each), each.url)
            for each in webhooks
        ]
        show.columns(("WEBHOOK", "SET BY", "EVENTS", "URL"), rows)


def _print_going(webhooks: list[WebhookStatus], json: bool) -> None:
    if json:
        show.as_json(webhooks)
    elif not webhooks:
        show.line("No webhooks: wagatewayctl webhooks add URL --device DEVICE")
    else:
        head = ("WEBHOOK", "STATE", "LAG", "DEAD", "BLOCKED", "REPLAYING", "LAST", "LAST ERROR", "URL")
        figures = frozenset({"LAG", "DEAD", "BLOCKED", "REPLAYING"})
        show.columns(head, list(map(_going, webhooks)), right=figures)


def _going(webhook: WebhookStatus) -> tuple[str, ...]:
    down = f"down, next try in {webhook.retry_in:.0f} s"
    figures = (webhook.lag, webhook.dead, webhook.blocked_chats, webhook.replaying)
    return (
        webhook.webhook_id,
        down if webhook.down and webhook.state == "active" else webhook.state,
        *map(str, figures),
        str(webhook.last_status or ""),
        webhook.last_error,
        webhook.url,
    )


def _kinds(webhook: Webhook) -> str:
    return ",".join(webhook.events) or "all"


def _options(arguments: argparse.Namespace) -> dict[str, object]:
    """What was said of the webhook, under the names of the commands' fields; None for what was not."""
    return {
        "device_id": arguments.device,
        "secret": _secret(arguments.secret, arguments.secret_file),
        "events": listed(arguments.events),
        "ignore_jids": listed(arguments.ignore),
        "headers": _headers(arguments.header),
        "insecure_skip_verify": arguments.insecure,
        "concurrency": arguments.concurrency,
        "give_up": _give_up(arguments.give_up),
    }


def _secret(said: str | None, path: str | None) -> str | None:
    if said and said != "-":
        raise Failure("Everybody can read a secret on the command line: use --secret-file, or --secret -")
    if path is None and not said:
        return said
    if path is not None and said is not None:
        raise Failure("Say --secret-file or --secret, not both")
    secret = (_read(path) if path is not None else sys.stdin.read()).rstrip("\r\n")
    if not secret:
        raise Failure("The secret is empty")
    return secret


def _headers(said: list[str] | None) -> dict[str, str] | None:
    if said is None:
        return None
    lines: list[str] = []
    for each in said:
        lines += _read(each[1:]).splitlines() if each.startswith("@") else [each]
    found: dict[str, str] = {}
    for each in filter(str.strip, lines):
        name, colon, value = each.partition(":")
        if not colon or not name.strip():
            raise Failure("--header: must be 'Name: value', or @FILE with such lines")
        found[name.strip()] = value.strip()
    return found


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise Failure(f"{path} cannot be read: {why}") from None


def _give_up(said: str | None) -> int | None:
    if said is None:
        return None
    seconds = length(said)
    if seconds is None:
        raise Failure(f"--give-up: {LENGTH_FORM}")
    if not is_give_up(seconds):
        raise Failure(f"--give-up: {GIVE_UP_FORM}")
    return int(seconds)
