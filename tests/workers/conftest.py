"""A shard, a device whose engine is a few lines of Python, and messages to feed them."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from wagateway.settings import Settings
from wagateway.whatsapp.protos import E2E
from workers.device import Device
from workers.engine import IncomingMessage, Sent
from workers.inbound import Inbound
from workers.shard import Shard

OWN = "4915100000001@s.whatsapp.net"
ALICE = "4915100000002@s.whatsapp.net"
BOB = "4915100000003@s.whatsapp.net"
OWN_LID = "900000000000001@lid"
ALICE_LID = "900000000000002@lid"
GROUP = "120363000000000001@g.us"
NOON = 1_800_000_000_000  # Unix milliseconds

_ids = itertools.count(1)


class Who:
    """The device that events are of."""

    id = "sales"
    jid = OWN
    lid = OWN_LID


class Scripted:
    """An engine that does what the test says: `answer` sends, `members` is every group."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, E2E.Message]] = []
        self.members = [ALICE, BOB]
        self.failure: Exception | None = None
        self.held: asyncio.Event | None = None
        self.reached = asyncio.Event()
        self.shown: list[object] = []

    async def send(self, chat: str, message: E2E.Message) -> Sent:
        self.sent.append((chat, message))
        self.reached.set()
        if self.held is not None:
            await self.held.wait()
        if self.failure is not None:
            raise self.failure
        return Sent(f"SENT{len(self.sent)}", NOON // 1000)

    async def group_members(self, group: str) -> list[str]:
        return self.members

    async def set_presence(self, *, available: bool) -> None:
        self.shown.append(available)

    async def set_chat_presence(self, chat: str, state: str) -> None:
        self.shown.append((chat, state))

    async def own_jid(self) -> tuple[str, str, str]:
        return OWN, "", "Me"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "shard.db"


@pytest.fixture
def shard(path: Path) -> Iterator[Shard]:
    opened = Shard.open(path)
    yield opened
    opened.close()


@pytest.fixture
def engine() -> Scripted:
    return Scripted()


@pytest.fixture
async def device(shard: Shard, engine: Scripted, tmp_path: Path) -> AsyncIterator[Device]:
    made = Device("sales", Settings(), engine, shard, tmp_path)  # type: ignore[arg-type]
    made.jid = OWN
    made.state = "logged_in"
    yield made
    await made.close()


@pytest.fixture
def inbox(device: Device) -> Inbound:
    return Inbound(device.shard, device, lambda _: None)


def incoming(text: str = "hello", **changes: object) -> IncomingMessage:
    """A text from Alice; `content` may be an `E2E.Message` of another kind."""
    number = next(_ids)
    content = changes.pop("content", E2E.Message(conversation=text))
    fields: dict[str, object] = {
        "id": f"IN{number}",
        "chat": ALICE,
        "chat_lid": "",
        "sender": ALICE,
        "sender_lid": "",
        "push_name": "Alice",
        "timestamp": NOON + number,
        "is_from_me": False,
        "content": content.SerializeToString() if isinstance(content, E2E.Message) else content,
    }
    return IncomingMessage(**(fields | changes))  # type: ignore[arg-type]


def receive(device: Device, **fields: object) -> None:
    """Let a message such as `incoming` makes arrive."""
    Inbound(device.shard, device, lambda _: None).message(incoming(**fields))  # type: ignore[arg-type]


def rows(shard: Shard, query: str, *values: object) -> list[tuple[object, ...]]:
    """What a query finds, after every write so far."""
    return shard.write(lambda connection: connection.execute(query, values).fetchall()).result()
