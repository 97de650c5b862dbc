import ctypes
import errno
import os
import threading
from pathlib import Path

import pytest

from workers.neonize_history import HistoryFolder

DATA = bytes(range(256)) * 1000


def in_memory(data: bytes) -> tuple[ctypes.Array[ctypes.c_char], int]:
    """The bytes as Go has them, and their address."""
    buffer = (ctypes.c_char * len(data)).from_buffer_copy(data)
    return buffer, ctypes.addressof(buffer)


def whole(folder: Path) -> list[bytes]:
    """What the finished files have, in the order of their names."""
    return [file.read_bytes() for file in sorted(folder.glob("*.history"))]


def test_a_history_becomes_a_file_however_little_is_written_at_once(tmp_path: Path) -> None:
    _held, address = in_memory(DATA)
    folder = HistoryFolder(
        tmp_path / "new", threading.Event(), write=lambda file, data: os.write(file, data[:1000])
    )

    assert folder.keep(address, len(DATA))
    assert folder.keep(address, 3)

    assert [DATA, DATA[:3]] == whole(tmp_path / "new")
    assert 2 == len(list((tmp_path / "new").iterdir()))


def test_a_full_disk_is_waited_for(tmp_path: Path) -> None:
    _held, address = in_memory(DATA)
    tries = iter([OSError(errno.ENOSPC, "full"), OSError(errno.EIO, "broken")])

    def write(file: int, data: memoryview) -> int:
        if error := next(tries, None):
            raise error
        return os.write(file, data)

    assert HistoryFolder(tmp_path, threading.Event(), write=write, pause=0.0).keep(address, len(DATA))

    assert [DATA] == whole(tmp_path)


def test_the_wait_for_the_disk_ends_when_the_engine_stops(tmp_path: Path) -> None:
    _held, address = in_memory(DATA)
    stopping = threading.Event()

    def write(file: int, data: memoryview) -> int:
        stopping.set()
        raise OSError(errno.ENOSPC, "full")

    assert not HistoryFolder(tmp_path, stopping, write=write).keep(address, len(DATA))

    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("exists", [True, False])
def test_what_a_killed_process_left_unfinished_is_removed(tmp_path: Path, exists: bool) -> None:
    folder = tmp_path / "history"
    if exists:
        folder.mkdir()
        (folder / "1-0.part").write_bytes(b"half")
        (folder / "0-0.history").write_bytes(b"whole")

    HistoryFolder(folder, threading.Event()).start()

    assert [b"whole"] * exists == whole(folder)
    assert exists == folder.exists()
    assert not list(folder.glob("*.part"))
