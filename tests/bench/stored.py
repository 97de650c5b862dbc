"""What is measured on devices with many stored messages: pages and searches while messages come in."""

import asyncio
import itertools
import statistics
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from urllib.parse import urlencode

import msgspec

from tests.bench import load
from tests.bench.filling import Corpus, fill
from tests.bench.report import Row, at_most, compared
from tests.bench.rows import quantile
from tests.harness import Gateway
from wagateway.commands import sandbox
from wagateway.spec import device_folder

SMALL, LARGE = 20_000, 200_000
ROUNDS, SECONDS = 3, 2.5
INCOMING = 50  # messages a second

Ask = Callable[[], str]


class Reading(msgspec.Struct, frozen=True):
    """One sort of request: what it is called in the table, its p99 limit in ms, and how its path is made."""

    called: str
    limit: float
    path: Ask


def prepare(storage: Path, small: str, large: str) -> None:
    """Fill the shards of two devices of a gateway that does not run."""
    for device, messages in ((small, SMALL), (large, LARGE)):
        fill(device_folder(storage, device) / "shard.db", Corpus(messages))


async def reading(
    running: Gateway, port: int, small: tuple[str, str], large: tuple[str, str], phone: str
) -> AsyncIterator[Row]:
    """Rows for two devices (id, phone number) with a small and a large shard, both while `phone` sends."""
    corpora = {small: Corpus(SMALL), large: Corpus(LARGE)}
    for device, corpus in corpora.items():
        await _is_stored(running, device[0], corpus)
    sorts = {device: readings(corpus) for device, corpus in corpora.items()}
    for before, after in zip(sorts[small], sorts[large], strict=True):
        rounds: dict[tuple[str, str], list[load.Load]] = {small: [], large: []}
        for _, (device, sort) in itertools.product(range(ROUNDS), ((small, before), (large, after))):
            rounds[device].append(await _measure(running, port, device, phone, sort))
        p50 = {device: statistics.median(one.median for one in got) for device, got in rounds.items()}
        p99 = quantile([spent for one in rounds[large] for spent in one.latencies], 0.99) * 1000
        yield at_most(f"{after.called} p99, {LARGE:,} stored, {INCOMING}/s in", p99, "ms", after.limit)
        yield compared(f"  p50 against {SMALL:,} stored", p50[large], "ms", p50[small], most=1.3)


def readings(corpus: Corpus) -> list[Reading]:
    """What is asked: the first page of chats; pages of a chat, a third filtered; searches of all chats."""
    kinds = itertools.cycle(("", "&media_only=true", "&start_time=2020-10-01T00:00:00Z&is_from_me=true"))
    return [
        Reading("GET /chats", 10, lambda: "/chats"),
        Reading(
            "GET /chat/{jid}/messages",
            10,
            lambda: f"/chat/{corpus.chat()}/messages?limit=50{next(kinds)}",
        ),
        Reading(
            "GET /messages/search", 15, lambda: f"/messages/search?{urlencode({'search': corpus.search()})}"
        ),
    ]


async def _is_stored(running: Gateway, device: str, corpus: Corpus) -> None:
    """A figure of an empty shard would look good."""
    chats = await running.call("GET", "/chats", device)
    busiest = await running.call("GET", f"/chat/{corpus.chats[0]}/messages", device)
    assert chats.result["pagination"]["total"] >= len(corpus.chats)
    assert busiest.result["pagination"]["total"] >= corpus.messages // 100
    found = await running.call("GET", f"/messages/search?search={corpus.word()}", device)
    assert found.result["data"], "a word of the corpus is not found"


async def _measure(
    running: Gateway, port: int, device: tuple[str, str], phone: str, sort: Reading
) -> load.Load:
    """One connection asks while the phone sends; the sending is over before the next is measured."""
    count = int(INCOMING * (SECONDS + 1.5))
    text = sandbox.PhoneSendText(phone=phone, to=device[1], text="come in {n}", count=count, rate=INCOMING)
    sending = asyncio.create_task(running.sandbox.ask(text, 60))

    def make() -> bytes:
        return load.request("GET", sort.path(), device[0])

    warm = await load.run(port, 1, seconds=0.5, make=make)
    got = await load.run(port, 1, seconds=SECONDS, make=make)
    assert not sending.done(), "the messages ended before the requests"
    await sending
    assert warm.failed == got.failed == 0
    return got
