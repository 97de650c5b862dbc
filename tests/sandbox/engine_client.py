"""Our engine on the real neonize as a process: stdin says what to call, stdout what came of it."""

import asyncio
import json
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import structlog

from wagateway.contract import Problem
from wagateway.spec import SandboxNetwork
from workers.engine import (
    ChatPresence,
    ConnectionChange,
    GroupChange,
    GroupJoined,
    IncomingCall,
    IncomingMessage,
    IncomingReceipt,
    NewsletterChange,
    QrShown,
    Undecryptable,
)
from workers.neonize_client import Orders
from workers.neonize_engine import NeonizeEngine

STDOUT = os.dup(1)  # Go prints to the original
_TYPES: dict[str, Callable[[str], object]] = {"jpeg": bytes.fromhex, "file": Path}


def say(said: str, **facts: object) -> None:
    """One line of JSON to the test."""
    os.write(STDOUT, msgspec.json.encode({"said": said, **facts}) + b"\n")


class Telling:
    """Tells the test every event."""

    def message(self, message: IncomingMessage) -> None:
        """A message came."""
        say("message", chat=message.chat, id=message.id, sender=message.sender)

    def receipt(self, receipt: IncomingReceipt) -> None:
        """A receipt came."""
        say("receipt", ids=receipt.ids, kind=receipt.kind)

    def call(self, call: IncomingCall) -> None:
        """Somebody calls."""
        say("call", **msgspec.structs.asdict(call))

    def group(self, change: GroupChange) -> None:
        """A group has changed."""
        say("group", **msgspec.structs.asdict(change))

    def group_joined(self, joined: GroupJoined) -> None:
        """The account is in a new group."""
        say("group_joined", **msgspec.structs.asdict(joined))

    def chat_presence(self, presence: ChatPresence) -> None:
        """Somebody types."""
        say("chat_presence", **msgspec.structs.asdict(presence))

    def newsletter(self, change: NewsletterChange) -> None:
        """Something about a newsletter."""
        say("newsletter", **msgspec.structs.asdict(change))

    def undecryptable(self, message: Undecryptable) -> None:
        """A message that could not be decrypted."""
        say("undecryptable", **msgspec.structs.asdict(message))

    def caught_up(self, count: int) -> None:
        """All that had waited was told."""
        say("caught_up", count=count)

    def history(self) -> None:
        """A history sync is in the folder."""
        say("history")

    def unread(self, code: int, raw: bytes) -> None:
        """Something came that could not be read."""
        say("unread", code=code)

    def connection(self, change: ConnectionChange) -> None:
        """The connection changed."""
        say(change.change, reason=change.reason)

    def qr(self, shown: QrShown | None) -> None:
        """A code to scan."""
        if shown is not None:
            say("qr", code=shown.code)

    def paired(self, jid: str, lid: str, name: str) -> None:
        """The device belongs to an account."""
        say("paired", jid=jid, lid=lid)


async def obey(engine: NeonizeEngine, order: dict[str, Any]) -> None:
    """Call one method of the engine and say what it returned or raised."""
    number, name = order.pop("order"), order.pop("do")
    arguments = {key: _TYPES[key](value) if key in _TYPES else value for key, value in order.items()}
    try:
        say("done", order=number, got=await getattr(engine, name)(**arguments))
    except Problem as problem:
        say("done", order=number, got=None, code=problem.code, status=problem.status, text=problem.message)


async def main(folder: Path, session: Path) -> None:
    """Connect, then do what stdin asks for until it ends."""
    network = msgspec.json.decode((folder / "network.json").read_bytes(), type=SandboxNetwork)
    orders = Orders(
        device_id=session.stem,
        session=session,
        history=session.with_suffix(".history"),
        shown_as="engine",
        debug=False,
        # Nothing but the given proxy leads anywhere.
        sandbox=msgspec.structs.replace(network, proxy="http://127.0.0.1:1"),
        proxy=network.proxy,
    )
    engine = NeonizeEngine(orders, Telling())
    await engine.connect()
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    tasks = set()
    while line := await reader.readline():
        task = asyncio.create_task(obey(engine, json.loads(line)))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await engine.stop()


if __name__ == "__main__":
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    os.dup2(2, 1)
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
