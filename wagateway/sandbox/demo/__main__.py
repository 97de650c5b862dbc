"""`make demo`: the real gateway on the sandbox, two accounts that talk, and a webhook that listens."""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import aiohttp

from wagateway.sandbox.demo.endpoint import Endpoint, listening
from wagateway.sandbox.demo.files import exchange
from wagateway.sandbox.demo.gateway import Gateway, fresh_folder, last_words, running
from wagateway.sandbox.demo.telling import NUMBERS, Stopped, say

_FILES = 4
_TALK = (
    ("ann", "bob", "Hello Bob, this went through the HTTP API."),
    ("bob", "ann", "Hello Ann! And a webhook told me so."),
    ("ann", "bob", "Two accounts, two processes, no phone."),
)


def main() -> int:
    """Run the demo; returns the exit code."""
    try:
        return asyncio.run(_demo(int(os.environ.get("DEMO_PORT", "3000")), bool(os.environ.get("DEMO_ONCE"))))
    except (Stopped, TimeoutError, aiohttp.ClientError) as stopped:
        sys.stderr.write(f"demo: {stopped or 'something took too long'}\n")
        return 1


async def _demo(port: int, once: bool) -> int:
    over = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    folder = fresh_folder()
    say("demo", "two WhatsApp accounts on a simulated network; nothing leaves this machine")
    async with (
        listening() as (endpoint, secret, hook),
        running(folder, port, secret, hook) as (gateway, ended),
    ):
        show = asyncio.create_task(_show(gateway, endpoint))
        stop = asyncio.create_task(over.wait())
        await asyncio.wait({show, stop, ended}, return_when=asyncio.FIRST_COMPLETED)
        if not show.done():
            show.cancel()
            raise Stopped("interrupted" if stop.done() else last_words(folder))
        summary = show.result()
        if not once:
            _invite(gateway.url, folder)
            await asyncio.wait({stop, ended}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
    sys.stdout.write(summary + "\n")
    return 0


async def _show(gateway: Gateway, endpoint: Endpoint) -> str:
    for device in NUMBERS:
        await gateway.pair(device)
    sent = 0
    for sender, receiver, text in _TALK:
        endpoint.sent_at[text] = time.monotonic()
        body = {"phone": NUMBERS[receiver], "message": text}
        say(f"{sender} → {receiver}", f"POST /send/message “{text}”")
        reply = await gateway.call("POST", "/send/message", body, device=sender)
        say("", f"WhatsApp has it: message {reply['message_id']}")
        sent += 1
        await endpoint.until(sent)
    await _show_files(gateway, endpoint)
    await _show_group(gateway)
    await _show_log(gateway)
    received = 0
    for device, other in (("ann", "bob"), ("bob", "ann")):
        page = await gateway.call("GET", f"/chat/{NUMBERS[other]}/messages", device=device)
        got = [row for row in page["data"] if not row["is_from_me"] and row["kind"] == "text"]
        say(
            device, f"has {len(got)} received texts among {page['pagination']['total']} messages in this chat"
        )
        received += len(got)
    hooked = sum(delivery.verified for delivery in endpoint.deliveries)
    summary = f"demo: {len(NUMBERS)} devices, {sent} sent, {received} received, {hooked} webhooks"
    if not sent == received == hooked == len(_TALK):
        raise Stopped(f"this does not add up: {summary}")
    return summary


async def _show_files(gateway: Gateway, endpoint: Endpoint) -> None:
    matching = 0
    for sender, receiver in (("ann", "bob"), ("bob", "ann")):
        matching += await exchange(gateway, endpoint, sender, receiver)
    summary = f"{_FILES} files sent, {matching} received with the hash of what was sent"
    if matching != _FILES:
        raise Stopped(f"this does not add up: {summary}")
    say("demo", summary)


async def _show_group(gateway: Gateway) -> None:
    group = await gateway.call(
        "POST", "/group", {"title": "Demo", "participants": [NUMBERS["bob"]]}, device="ann"
    )
    say("ann", f"made a group: POST /group → {group['group_id']}")
    members = await gateway.call("GET", f"/group/participants?group_id={group['group_id']}", device="bob")
    say("bob", f"sees its {len(members['participants'])} members: GET /group/participants")
    found = await gateway.call("GET", "/messages/search?search=webhook told", device="ann")
    said = [row["content"] for row in found["data"]]
    say("ann", f"finds what bob wrote: GET /messages/search?search=webhook told → {said}")
    if len(members["participants"]) != len(NUMBERS) or len(said) != 1:
        raise Stopped("the group or the search is not as it should be")


async def _show_log(gateway: Gateway) -> None:
    page = await gateway.call("GET", "/events?limit=1000", device="bob")
    kinds = {event["event"] for event in page["events"]}
    say("bob", f"has {len(page['events'])} events of {len(kinds)} kinds in its log: GET /events")
    codes = await gateway.hear("bob", len(page["events"]))
    say("bob", f"hears them by WebSocket, /ws?after=0: {', '.join(codes[:3])}, … {codes[-1]}")
    if "message" not in kinds or "MESSAGE_RECEIVED" not in codes:
        raise Stopped("the log is not as it should be")


def _invite(url: str, folder: Path) -> None:
    sys.stdout.write(f"""
Both accounts stay up. Try in another terminal:

  curl {url}/devices
  curl {url}/send/message -H 'X-Device-Id: ann' -H 'Content-Type: application/json' \\
       -d '{{"phone": "{NUMBERS["bob"]}", "message": "Hello from curl"}}'
  curl '{url}/chat/{NUMBERS["ann"]}/messages?limit=5' -H 'X-Device-Id: bob'
  open {url}/docs in a browser: the whole API
  {Path(sys.executable).with_name("wagatewayctl")} --storage {folder}/storages status

What the webhook gets appears here. Ctrl-C stops everything.

""")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
