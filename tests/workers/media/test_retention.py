"""The folder holds what rows stand for, as long and as much as the settings allow."""

import asyncio
import stat
from collections.abc import Callable
from pathlib import Path

from tests.workers.conftest import ALICE, rows
from tests.workers.media.conftest import Running, Script, part_of
from wagateway.settings import Settings
from workers.media.store import Store
from workers.shard import Shard, media

Make = Callable[..., Running]
DAY = 86_400_000


def keep(shard: Shard, folder: Path, data: bytes, used: int) -> Path:
    """A ready file, used so many days ago."""
    part = part_of(data)
    path = folder / "media" / part.id[:2] / part.id
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)

    def write(connection: object) -> None:
        media.register(connection, part, "IN1", ALICE, wanted=True)  # type: ignore[arg-type]
        media.save_ready(connection, part.id, len(data))  # type: ignore[arg-type]
        connection.execute(  # type: ignore[attr-defined]
            "UPDATE media SET used_at = used_at - ? WHERE id = ?", (used * DAY, part.id)
        )

    shard.write(write).result()
    return path


async def tidied(running: Running) -> None:
    await running.media._tidy(running.media._retention.settle)
    await running.media._tidy(running.media._retention.make_room)


async def test_w36_files_go_when_nobody_used_them_for_days(make: Make, shard: Shard, tmp_path: Path) -> None:
    old, new = keep(shard, tmp_path, b"old", used=91), keep(shard, tmp_path, b"new", used=89)
    await tidied(make(run=False, media_days=90))
    assert (False, True) == (old.exists(), new.exists())
    assert [("ready",), ("removed",)] == rows(shard, "SELECT state FROM media ORDER BY state")


async def test_the_longest_unused_go_first_when_there_are_too_many_bytes(
    make: Make, shard: Shard, tmp_path: Path
) -> None:
    paths = [keep(shard, tmp_path, bytes([day]) * 400_000, used=day) for day in (3, 1, 2)]
    await tidied(make(run=False, media_days=0, media_megabytes=1))
    assert [False, True, True] == [path.exists() for path in paths]


async def test_nothing_goes_without_limits(make: Make, shard: Shard, tmp_path: Path) -> None:
    path = keep(shard, tmp_path, b"old", used=9999)
    await tidied(make(run=False, media_days=0, media_megabytes=0))
    assert path.exists()


async def test_many_old_files_all_go(make: Make, shard: Shard, tmp_path: Path) -> None:
    for number in range(70):
        keep(shard, tmp_path, b"%d" % number, used=91)
    await tidied(make(run=False))
    assert [(70,)] == rows(shard, "SELECT count(*) FROM media WHERE state = 'removed'")


async def test_a_used_file_stays(make: Make, shard: Shard, tmp_path: Path) -> None:
    path = keep(shard, tmp_path, b"old", used=91)
    running = make(run=False)
    await running.media.fetch(path.name, 5)
    await tidied(running)
    assert path.exists()


async def test_a_removed_file_comes_back_when_asked_for(
    make: Make, shard: Shard, script: Script, tmp_path: Path
) -> None:
    path = keep(shard, tmp_path, b"old", used=91)
    script.files[path.name] = b"old"
    running = make()
    await tidied(running)
    assert not path.exists()
    await running.media.fetch(path.name, 5)
    assert b"old" == path.read_bytes()


async def test_a_download_makes_room_for_itself(make: Make, shard: Shard, tmp_path: Path) -> None:
    old = keep(shard, tmp_path, b"o" * 600_000, used=1)
    running = make(media_megabytes=1)
    removed = asyncio.Event()
    remove = running.media._retention._remove

    async def watched(*arguments: object) -> None:
        await remove(*arguments)  # type: ignore[arg-type]
        removed.set()

    running.media._retention._remove = watched  # type: ignore[method-assign]
    new = running.tell(b"n" * 600_000)
    await asyncio.wait_for(removed.wait(), 5)
    assert not old.exists()
    assert (tmp_path / "media" / new[:2] / new).exists()


async def test_what_no_row_stands_for_is_removed_at_the_start(
    make: Make, shard: Shard, tmp_path: Path
) -> None:
    kept = keep(shard, tmp_path, b"kept", used=0)
    stray = kept.parent / ("f" * 64)
    stray.write_bytes(b"stray")
    alone = tmp_path / "media" / "00" / ("0" * 64)
    alone.parent.mkdir(exist_ok=True)
    alone.write_bytes(b"alone")
    await tidied(make(run=False))
    assert (True, False, False) == (kept.exists(), stray.exists(), alone.exists())


async def test_a_row_whose_file_is_gone_no_longer_says_ready(
    make: Make, shard: Shard, tmp_path: Path
) -> None:
    keep(shard, tmp_path, b"lost", used=0).unlink()
    await tidied(make(run=False))
    assert [("removed",)] == rows(shard, "SELECT state FROM media")


def test_unfinished_files_are_removed_at_the_start(tmp_path: Path) -> None:
    part = Store(tmp_path / "media").new_part()
    part.write_bytes(b"half")
    Store(tmp_path / "media")
    assert not part.exists()


def test_nobody_else_can_look_into_the_folder(tmp_path: Path) -> None:
    store = Store(tmp_path / "media")
    part = store.new_part()
    part.touch(0o600)
    store.keep(part, "ab" * 32)
    folders = [tmp_path / "media", part.parent, tmp_path / "media" / "ab"]
    assert [0o700] * 3 == [stat.S_IMODE(folder.stat().st_mode) for folder in folders]


def test_a_device_without_files_has_no_folder_for_them(tmp_path: Path) -> None:
    assert set() == Store(tmp_path / "media").prefixes()
    assert [] == list(tmp_path.iterdir())


def test_the_standard_settings_have_limits() -> None:
    assert Settings().media_days > 0
    assert Settings().media_megabytes > 0
