import asyncio
from pathlib import Path

import pytest

from wagateway.problems import invalid
from workers.conversion import reuse
from workers.conversion.jobs import Converted
from workers.conversion.reuse import Reuse


class Works:
    """Counts conversions; each makes a file of `size` bytes, or leaves the source as it is (None)."""

    def __init__(self, folder: Path, size: int | None = 10) -> None:
        self.folder = folder
        self.size = size
        self.source = folder / "source"
        self.source.write_bytes(b"source")
        self.count = 0
        self.now = 0.0
        self.reuse = Reuse(folder, lambda: self.now)

    async def convert(self) -> Converted:
        await asyncio.sleep(0)  # others get their turn
        self.count += 1
        path = self.source
        if self.size is not None:
            path = self.folder / f"made-{self.count}"
            path.write_bytes(b"x" * self.size)
        return Converted(path, "image/jpeg", self.size or 6, "digest", thumbnail=b"thumb")

    async def get(self, *key: str) -> Converted:
        got = await self.reuse.get(key or ("one",), self.source, self.convert)
        assert got is not None
        return got


@pytest.fixture
def works(tmp_path: Path) -> Works:
    return Works(tmp_path)


async def test_the_same_file_is_converted_once(works: Works) -> None:
    first = await works.get()
    first.path.unlink()  # it belongs to who asked
    again = await works.get()
    assert 1 == works.count
    assert (b"x" * 10, b"thumb") == (again.path.read_bytes(), again.thumbnail)
    assert again.path != first.path


async def test_an_untouched_file_keeps_its_own_path(tmp_path: Path) -> None:
    works = Works(tmp_path, size=None)
    await works.get()
    other = tmp_path / "other"
    got = await works.reuse.get(("one",), other, works.convert)
    assert got is not None
    assert (1, other) == (works.count, got.path)


async def test_who_asks_at_the_same_time_waits_for_the_first(works: Works) -> None:
    got = await asyncio.gather(*(works.get() for _ in range(5)))
    assert 1 == works.count
    assert 5 == len({one.path for one in got})


async def test_other_options_are_another_file(works: Works) -> None:
    await works.get("one", "hd")
    await works.get("one", "compress")
    assert 2 == works.count


async def test_it_is_forgotten_in_time(works: Works) -> None:
    await works.get()
    works.now = 601.0
    await works.get()
    assert 2 == works.count


async def test_a_large_file_is_converted_again(tmp_path: Path) -> None:
    works = Works(tmp_path, size=reuse._LARGEST + 1)
    await works.get()
    await works.get()
    assert 2 == works.count


async def test_memory_has_a_limit(tmp_path: Path) -> None:
    works = Works(tmp_path, size=reuse._LARGEST)
    for number in range(12):
        await works.get(str(number))
    assert works.reuse._bytes <= reuse._MOST_BYTES
    await works.get("11")
    assert 12 == works.count


async def test_a_refusal_is_not_remembered(works: Works) -> None:
    async def refuse() -> Converted | None:
        raise invalid("image", "is broken")

    for _ in range(2):
        with pytest.raises(Exception, match="broken"):
            await works.reuse.get(("one",), works.source, refuse)
    await works.get()
    assert 1 == works.count


async def test_that_there_is_no_preview_is_remembered(works: Works) -> None:
    asked = 0

    async def nothing() -> None:
        nonlocal asked
        asked += 1

    for _ in range(2):
        assert await works.reuse.get(("one",), works.source, nothing) is None
    assert 1 == asked
