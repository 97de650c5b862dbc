"""What is known of a file: its newest living link, and when its turn is."""

import time
from collections.abc import Callable
from typing import TypeVar

import msgspec
import pytest

from tests.workers.conftest import ALICE, rows
from tests.workers.media.conftest import part_of
from workers.content import MediaPart
from workers.shard import Shard, media
from workers.shard.media import MediaRow

T = TypeVar("T")
FILE = part_of(b"file")


def run(shard: Shard, function: Callable[..., T], *arguments: object, **named: object) -> T:
    return shard.write(lambda connection: function(connection, *arguments, **named)).result()


def register(shard: Shard, part: MediaPart = FILE, wanted: bool = True, message: str = "M1") -> bool:
    return run(shard, media.register, part, message, ALICE, wanted=wanted)


def known(shard: Shard) -> MediaRow:
    row = run(shard, media.find, FILE.id)
    assert row is not None
    return row


def next_wanted(shard: Shard, largest: int = media.ANY_SIZE, skip: frozenset[str] = frozenset()) -> str:
    row = run(shard, media.next_wanted, media.now(), largest, skip)
    return row.id if row else ""


def test_a_file_is_one_row_however_often_it_is_told(shard: Shard) -> None:
    assert register(shard)
    assert register(shard, message="M2")
    assert [("wanted", "M1")] == rows(shard, "SELECT state, message_id FROM media")


def test_a_file_that_nobody_wants_is_only_known(shard: Shard) -> None:
    assert not register(shard, wanted=False)
    assert "idle" == known(shard).state
    assert "" == next_wanted(shard)


def test_an_id_that_is_no_digest_is_not_kept(shard: Shard) -> None:
    for odd in ("", "../../etc/passwd", "A" * 64, FILE.id + "\n"):
        assert not register(shard, msgspec.structs.replace(FILE, id=odd))
    assert [(0,)] == rows(shard, "SELECT count(*) FROM media")


def test_a_size_beyond_all_integers_is_kept_as_a_large_one(shard: Shard) -> None:
    register(shard, msgspec.structs.replace(FILE, size=2**64 - 1))
    assert media.ANY_SIZE == known(shard).size


def test_a_link_that_was_not_tried_stays(shard: Shard) -> None:
    register(shard)
    register(shard, msgspec.structs.replace(FILE, direct_path="/other"))
    assert FILE.direct_path == known(shard).direct_path


def test_a_link_that_failed_gives_way_to_a_newer_one(shard: Shard) -> None:
    register(shard)
    run(shard, media.save_over, known(shard), "expired", "gone")
    assert register(shard, msgspec.structs.replace(FILE, direct_path="/newer"), message="M2")
    row = known(shard)
    assert ("wanted", "/newer", "M2", "") == (row.state, row.direct_path, row.message_id, row.reason)


def test_an_own_copy_of_a_file_does_not_stop_its_download(shard: Shard) -> None:
    register(shard)
    run(shard, media.save_retry, msgspec.structs.replace(known(shard), attempts=1), 60.0, "down")
    assert register(shard, msgspec.structs.replace(FILE, direct_path="/newer"), wanted=False)
    assert FILE.id == next_wanted(shard)


def test_a_ready_file_is_not_fetched_again(shard: Shard) -> None:
    register(shard)
    assert run(shard, media.save_ready, FILE.id, 4)
    assert not run(shard, media.save_ready, FILE.id, 4)
    assert not register(shard)
    assert not run(shard, media.want, FILE.id)
    assert "ready" == known(shard).state


def test_the_outcome_of_an_old_link_does_not_end_a_new_one(shard: Shard) -> None:
    register(shard)
    tried = msgspec.structs.replace(known(shard), attempts=1)
    run(shard, media.save_retry, tried, 60.0, "down")
    register(shard, msgspec.structs.replace(FILE, direct_path="/newer"))
    assert not run(shard, media.save_over, tried, "failed", "garbage")
    run(shard, media.save_retry, tried, 60.0, "down")
    assert ("wanted", 0) == (known(shard).state, known(shard).attempts)
    assert FILE.id == next_wanted(shard)


def test_a_retry_waits_its_turn(shard: Shard) -> None:
    register(shard)
    run(shard, media.save_retry, known(shard), 30.0, "down")
    assert "" == next_wanted(shard)
    turn = run(shard, media.next_turn, media.now())
    assert turn is not None
    assert 29 < turn <= 30


def test_a_turn_that_comes_while_nobody_looks_is_seen(shard: Shard) -> None:
    looked = media.now() - 10
    register(shard)
    run(shard, media.save_retry, known(shard), 0.0, "down")
    assert 0.0 == run(shard, media.next_turn, looked)


def test_a_retry_waits_also_for_who_looked_just_before(shard: Shard) -> None:
    register(shard)
    run(shard, media.save_retry, known(shard), 30.0, "down")
    assert run(shard, media.next_wanted, media.now() - 10, media.ANY_SIZE, frozenset()) is None


@pytest.mark.parametrize("jump", [-86_400, 86_400])
def test_a_clock_that_jumps_makes_no_wait_longer(
    shard: Shard, monkeypatch: pytest.MonkeyPatch, jump: int
) -> None:
    register(shard)
    run(shard, media.save_retry, known(shard), 30.0, "down")
    moment = time.time_ns() // 1_000_000 + jump * 1000
    monkeypatch.setattr(media, "now", lambda: moment)
    assert FILE.id == next_wanted(shard)


def test_who_asks_comes_first(shard: Shard) -> None:
    register(shard, part_of(b"first"))
    register(shard)
    run(shard, media.want, FILE.id)
    assert FILE.id == next_wanted(shard)


def test_small_files_are_found_behind_large_ones(shard: Shard) -> None:
    register(shard, msgspec.structs.replace(part_of(b"large"), size=100))
    register(shard)
    assert FILE.id == next_wanted(shard, largest=10)
    assert "" == next_wanted(shard, largest=10, skip=frozenset({FILE.id}))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://mmg.whatsapp.net/v/x?oh=1", "/v/x?oh=1"),
        ("http://mmg.whatsapp.net/v/x?oh=1", ""),
        ("https://mmg.whatsapp.net.evil.com/v/x", ""),
        ("https://evil.com/v/x#.whatsapp.net", ""),
        ("https://[", ""),
        ("", ""),
    ],
)
def test_a_url_counts_only_where_it_leads_to_whatsapp(shard: Shard, url: str, expected: str) -> None:
    register(shard, msgspec.structs.replace(FILE, direct_path="", url=url))
    assert expected == known(shard).direct_path


def test_a_message_brings_its_own_link_for_a_file_that_is_gone(shard: Shard) -> None:
    register(shard, wanted=False)
    newer = msgspec.structs.replace(FILE, direct_path="/newer")
    assert not run(shard, media.differs, FILE)
    run(shard, media.refresh, newer, "M2", ALICE)
    assert "/newer" == known(shard).direct_path
    run(shard, media.save_ready, FILE.id, 4)
    assert not run(shard, media.differs, FILE)
