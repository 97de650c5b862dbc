"""Files come by themselves, are told of once, and whoever asks for one learns why it does not come."""

import asyncio
import errno
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.workers.conftest import ALICE, ALICE_LID, OWN, rows
from tests.workers.media.conftest import Running, Script, part_of
from wagateway.contract import Problem
from wagateway.wire import device_key
from workers.media import fetcher, outcomes
from workers.media.download import Failed
from workers.shard import Shard, media, messages

Make = Callable[..., Running]


def events(shard: Shard) -> list[dict[str, Any]]:
    return [json.loads(body) for (body,) in rows(shard, "SELECT body FROM log ORDER BY seq")]  # type: ignore[arg-type]


def state(shard: Shard, media_id: str) -> object:
    ((found,),) = rows(shard, "SELECT state FROM media WHERE id = ?", media_id)
    return found


def told(running: Running) -> "asyncio.Queue[int]":
    queue: asyncio.Queue[int] = asyncio.Queue()
    running.media.outcomes.committed = queue.put_nowait
    return queue


async def test_a_file_that_was_told_of_comes_by_itself(make: Make, shard: Shard, tmp_path: Path) -> None:
    running = make()
    queue = told(running)
    media_id = running.tell(b"picture")
    assert 1 == await asyncio.wait_for(queue.get(), 5)
    path = tmp_path / "media" / media_id[:2] / media_id
    assert b"picture" == path.read_bytes()
    assert [] == list((tmp_path / "media" / "parts").iterdir())
    assert "ready" == state(shard, media_id)


async def test_the_event_says_where_it_is(make: Make, shard: Shard) -> None:
    running = make()
    queue = told(running)
    shard.write(lambda c: messages.learn_lid(c, ALICE_LID, ALICE)).result()
    media_id = running.tell(b"picture", size=99)
    await asyncio.wait_for(queue.get(), 5)
    (event,) = events(shard)
    assert ("media.ready", OWN, "sales", 1) == tuple(
        event[name] for name in ("event", "device_id", "session_id", "seq")
    )
    payload = event["payload"]
    assert payload.pop("message_id").startswith("IN")
    assert {
        "media_id": media_id,
        "chat_id": ALICE,
        "chat_lid": ALICE_LID,
        "path": f"statics/media/{device_key('sales')}/{media_id}.jpg",
        "mime_type": "image/jpeg",
        "size": 7,
    } == payload


async def test_a_fault_of_the_network_is_retried(make: Make, shard: Shard, script: Script) -> None:
    script.failures = [Failed("down", "later"), Failed("down", "later", 0.001)]
    running = make()
    queue = told(running)
    media_id = running.tell(b"picture")
    await asyncio.wait_for(queue.get(), 5)
    assert [media_id] * 3 == script.asked
    assert ["media.ready"] == [event["event"] for event in events(shard)]


async def test_it_is_given_up_in_the_end(
    make: Make, shard: Shard, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outcomes, "_TRIES", 3)
    script.failures = [Failed("down", "later") for _ in range(3)]
    running = make()
    queue = told(running)
    media_id = running.tell(b"picture")
    await asyncio.wait_for(queue.get(), 5)
    (event,) = events(shard)
    assert ("media.failed", "down") == (event["event"], event["payload"]["reason"])
    assert "path" not in event["payload"]
    assert ("failed", 3) == (state(shard, media_id), len(script.asked))


@pytest.mark.parametrize("fate", ["failed", "expired"])
async def test_what_can_never_work_is_tried_once(make: Make, shard: Shard, script: Script, fate: Any) -> None:
    script.failures = [Failed("no use", fate)]
    running = make()
    queue = told(running)
    media_id = running.tell(b"picture")
    await asyncio.wait_for(queue.get(), 5)
    assert (fate, [media_id]) == (state(shard, media_id), script.asked)
    assert ["media.failed"] == [event["event"] for event in events(shard)]


async def test_a_bug_in_one_file_leaves_the_others_alone(make: Make, shard: Shard) -> None:
    running = make()
    queue = told(running)
    bad = part_of(b"bad")  # the script does not know it, which is a KeyError
    shard.write(lambda c: media.register(c, bad, "IN1", ALICE, wanted=True)).result()
    good = running.tell(b"good")
    for _ in range(2):
        await asyncio.wait_for(queue.get(), 5)
    assert ("failed", "ready") == (state(shard, bad.id), state(shard, good))


async def test_large_files_leave_a_way_for_small_ones(make: Make, shard: Shard, script: Script) -> None:
    script.gate = asyncio.Event()
    running = make()
    queue = told(running)
    for number in range(4):
        running.tell(b"large" + bytes([number]), size=100_000_000)
    small = running.tell(b"small")
    async with asyncio.timeout(5):
        while len(script.busy) < 3:
            script.reached.clear()
            await script.reached.wait()
    assert small in script.busy
    script.gate.set()
    for _ in range(5):
        await asyncio.wait_for(queue.get(), 5)


async def test_who_asks_for_a_file_gets_it_downloaded_once(make: Make, shard: Shard, script: Script) -> None:
    running = make(run=True)
    part = part_of(b"picture")
    script.files[part.id] = b"picture"
    shard.write(lambda c: media.register(c, part, "IN1", ALICE, wanted=False)).result()
    files = await asyncio.gather(*(running.media.fetch(part.id, 5) for _ in range(3)))
    again = await running.media.fetch(part.id, 5)
    assert {again} == set(files)
    assert (7, "image/jpeg") == (again.size, again.mime_type)
    assert b"picture" == Path(again.path).read_bytes()
    assert [part.id] == script.asked


async def test_who_asks_learns_why_it_does_not_come(make: Make, shard: Shard, script: Script) -> None:
    running = make()
    part = part_of(b"picture")
    shard.write(lambda c: media.register(c, part, "IN1", ALICE, wanted=False)).result()
    for failure, status, code in (
        (Failed("down", "later", 3600), 502, "MEDIA_UNAVAILABLE"),
        (Failed("", "full"), 507, "STORAGE_FULL"),
        (OSError(errno.EIO, "broken"), 503, "STORAGE_FAILED"),
        (Failed("garbage", "failed"), 502, "MEDIA_UNAVAILABLE"),
        (Failed("gone", "expired"), 410, "MEDIA_EXPIRED"),
        (None, 410, "MEDIA_EXPIRED"),
    ):
        script.failures = [failure] if failure else []
        with pytest.raises(Problem) as caught:
            await running.media.fetch(part.id, 5)
        assert (status, code) == (caught.value.status, caught.value.code)
    assert 5 == len(script.asked)


async def test_a_file_of_no_message_is_not_found(make: Make) -> None:
    with pytest.raises(Problem) as caught:
        await make(run=False).media.fetch("0" * 64, 5)
    assert (404, "MEDIA_NOT_FOUND") == (caught.value.status, caught.value.code)


async def test_patience_ends_before_a_slow_download(make: Make, script: Script, shard: Shard) -> None:
    script.gate = asyncio.Event()
    running = make()
    queue = told(running)
    media_id = running.tell(b"picture")
    with pytest.raises(Problem) as caught:
        await running.media.fetch(media_id, 0.01)
    assert 504 == caught.value.status
    assert {} == running.media._waiting
    script.gate.set()
    await asyncio.wait_for(queue.get(), 5)
    assert "ready" == state(shard, media_id)


async def test_a_file_that_vanished_is_fetched_again(make: Make, script: Script, shard: Shard) -> None:
    running = make()
    queue = told(running)
    media_id = running.tell(b"picture")
    await asyncio.wait_for(queue.get(), 5)
    Path((await running.media.fetch(media_id, 5)).path).unlink()
    assert b"picture" == Path((await running.media.fetch(media_id, 5)).path).read_bytes()
    assert 2 == len(script.asked)


async def test_a_messages_own_link_is_tried_when_the_other_has_expired(
    make: Make, script: Script, shard: Shard
) -> None:
    script.failures = [Failed("gone", "expired")]
    running = make()
    queue = told(running)
    running.tell(b"picture")
    await asyncio.wait_for(queue.get(), 5)
    other = part_of(b"picture", direct_path="/newer")
    file = await running.media.fetch_part(other, "IN9", ALICE, 5)
    assert 7 == file.size


async def test_a_file_that_a_killed_worker_had_finished_is_not_fetched_again(
    make: Make, script: Script, shard: Shard, tmp_path: Path
) -> None:
    part = part_of(b"picture")
    shard.write(lambda c: media.register(c, part, "IN1", ALICE, wanted=True)).result()
    path = tmp_path / "media" / part.id[:2] / part.id
    path.parent.mkdir(parents=True)
    path.write_bytes(b"picture")
    running = make()
    assert 7 == (await running.media.fetch(part.id, 5)).size
    assert [] == script.asked


async def test_a_full_shard_holds_one_download_up_and_tells_who_waits(
    make: Make, script: Script, shard: Shard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetcher, "_DISK_SECONDS", 0.0)
    running = make()
    queue = told(running)
    ready = media.save_ready

    def full(*_: object) -> bool:
        monkeypatch.setattr(media, "save_ready", ready)
        raise Problem(507, "STORAGE_FULL", "full")

    monkeypatch.setattr(media, "save_ready", full)
    media_id = running.tell(b"picture")
    await asyncio.wait_for(queue.get(), 5)
    assert ("ready", [media_id]) == (state(shard, media_id), script.asked)


@pytest.mark.parametrize(
    ("alive", "expected"),
    [(True, True), (False, False), (Failed("down", "later"), False)],
)
async def test_a_link_is_alive_only_when_whatsapp_says_so(
    make: Make, script: Script, shard: Shard, alive: Any, expected: bool
) -> None:
    running = make(run=False)
    assert not await running.media.reachable("0" * 64)
    script.alive = alive
    assert expected == await running.media.reachable(running.tell(b"picture"))
