"""The worker's process without a network: lease, signals, orphans and exit codes, with the real code."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes.one_worker import PROGRAM, Worker
from wagateway.commands.app import ConnectionStatus
from wagateway.exits import Exit
from wagateway.spec import device_folder

DEVICE = "shop one"
FREEZE = "import time; from workers.device import Device; Device.start = lambda *_, **__: time.sleep(60); "


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    running = Worker(tmp_path)
    yield running
    running.close()


async def test_a_worker_without_a_session_answers_and_does_not_dial(worker: Worker) -> None:
    status = await worker.status()

    assert ConnectionStatus(DEVICE, "disconnected", is_connected=False, is_logged_in=False) == status


async def test_sigterm_ends_a_worker_in_order(worker: Worker) -> None:
    await worker.status()

    worker.process.send_signal(signal.SIGTERM)

    assert await worker.ended() == Exit.DONE
    assert not (worker.folder / "shard.db-wal").exists()


async def test_ctrl_c_is_left_to_the_supervisor(worker: Worker) -> None:
    await worker.status()

    worker.process.send_signal(signal.SIGINT)

    assert (await worker.status()).state == "disconnected"


async def test_a_worker_does_not_outlive_its_supervisor(worker: Worker) -> None:
    await worker.status()

    worker.orphan()

    assert await worker.ended() == Exit.DONE


async def test_a_frozen_loop_does_not_keep_an_orphan_alive(tmp_path: Path) -> None:
    worker = Worker(tmp_path, program=FREEZE + PROGRAM)

    worker.orphan()

    assert await worker.ended() == Exit.DONE
    worker.close()


async def test_a_second_worker_for_a_device_gives_way(worker: Worker, tmp_path: Path) -> None:
    await worker.status()

    second = Worker(tmp_path)

    assert await second.ended() == Exit.LEASE_HELD
    second.close()
    assert (await worker.status()).state == "disconnected"


async def test_after_a_kill_the_successor_takes_over(worker: Worker, tmp_path: Path) -> None:
    await worker.status()
    worker.process.kill()
    worker.process.wait()

    successor = Worker(tmp_path)

    assert (await successor.status()).state == "disconnected"
    successor.close()


async def test_sigabrt_leaves_the_stacks_of_a_worker_that_hangs(worker: Worker) -> None:
    await worker.status()

    worker.process.send_signal(signal.SIGABRT)

    assert await worker.ended() == -signal.SIGABRT
    assert "in run_until_complete" in worker.errors.read_text()


async def test_a_shard_that_is_no_database_parks_the_device(tmp_path: Path) -> None:
    folder = device_folder(tmp_path / "storage", DEVICE)
    folder.mkdir(parents=True)
    (folder / "shard.db").write_bytes(b"not a database, and long enough to be looked at" * 100)

    worker = Worker(tmp_path)

    assert await worker.ended() == Exit.SHARD_UNUSABLE
    worker.close()


async def test_files_of_a_device_are_for_their_owner_only(worker: Worker) -> None:
    await worker.status()

    modes = {path.name: path.stat().st_mode & 0o077 for path in [worker.folder, *worker.folder.iterdir()]}

    assert {0} == set(modes.values()), modes


TRUST = """
from pathlib import Path
from wagateway.spec import SandboxNetwork
from workers import neonize_library
from workers.trust import Untrusted, trust

library = neonize_library.installed()
assert library.known, library.build
neonize_library.load()
network = SandboxNetwork("http://127.0.0.1:1", "11" * 32, "")
trust(network, library.path)
try:
    trust(network, library.path)
except Untrusted as refused:
    print(refused)
"""


def run(program: str) -> str:
    command = [sys.executable, "-c", program]
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout


def test_the_known_library_has_the_trusted_key_once() -> None:
    assert run(TRUST).strip().endswith("0 times instead of once")  # after the change it is gone


def test_preloading_starts_no_thread_and_no_library() -> None:
    program = (
        "import os; from workers.worker import preload; preload(); "
        "print(len(os.listdir('/proc/self/task')), 'neonize-linux' in open('/proc/self/maps').read())"
    )

    assert run(program).split() == ["1", "False"]
