"""The supervisor's pieces with real processes that misbehave, and the daemon as an operator meets it."""

import asyncio
import ctypes
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from supervisor import strays
from supervisor.child import Child
from supervisor.spawn import Order, Zygote, ZygoteGone, adopt_orphans, start
from tests.harness import gateway
from wagateway.commands.internal import RestartWorker

pytestmark = pytest.mark.asyncio(loop_scope="session")

ROOT = Path(__file__).parent.parent.parent
SECONDS = 30.0
_PR_SET_CHILD_SUBREAPER = 36


class Nursery:
    """A zygote of odd workers, with this process as their supervisor."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.zygote = self.fresh()

    def fresh(self) -> Zygote:
        environment = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], "NEONIZE_BOT_TAG": "off"}
        return Zygote(self.folder, environment, (), "tests.processes.odd_worker")

    def fork(self, orders: str) -> Child:
        return self.zygote.fork(Order(self.folder / "worker.out", orders.encode()))

    async def said(self, child: Child, word: str) -> None:
        """Returns when the worker has written the word."""
        async with asyncio.timeout(SECONDS):
            while word not in await asyncio.to_thread(child.last_words):
                assert not child.ended.done()


@pytest_asyncio.fixture(loop_scope="session")
async def nursery(tmp_path: Path) -> AsyncIterator[Nursery]:
    adopt_orphans()
    made = Nursery(tmp_path)
    await made.zygote.ready()
    yield made
    made.zygote.child.send(signal.SIGKILL)
    await made.zygote.child.ended
    made.zygote.close()
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("orders", "code"), [("exit 0", 0), ("exit 12", 12), ("raise no", 1), ("fault", -11)]
)
async def test_the_real_exit_code_of_a_forked_worker_is_seen(
    nursery: Nursery, orders: str, code: int
) -> None:
    assert code == await asyncio.wait_for(nursery.fork(orders).ended, SECONDS)


async def test_a_worker_that_cannot_even_start_leaves_its_traceback(nursery: Nursery) -> None:
    child = nursery.fork("raise broken")
    await asyncio.wait_for(child.ended, SECONDS)
    assert "ValueError: broken" in child.last_words()


async def test_last_words_are_few(nursery: Nursery) -> None:
    child = nursery.fork("raise " + "x" * 10_000)
    await asyncio.wait_for(child.ended, SECONDS)
    assert 2048 == len(child.last_words())


async def test_a_worker_shares_the_preloaded_module_and_is_our_own_child(nursery: Nursery) -> None:
    child = nursery.fork(f"facts {os.getpid()}")
    await asyncio.wait_for(child.ended, SECONDS)
    expected = f"{nursery.zygote.child.pid} {os.getpid()} True 1 worker off"
    assert expected == child.last_words().strip()


async def test_workers_outlive_the_zygote_and_a_new_one_forks_on(nursery: Nursery) -> None:
    worker = nursery.fork("hang")
    await nursery.said(worker, "hangs")
    nursery.zygote.child.send(signal.SIGKILL)
    await asyncio.wait_for(nursery.zygote.child.ended, SECONDS)
    with pytest.raises(ZygoteGone):
        nursery.fork("exit 0")
    assert not worker.ended.done()
    nursery.zygote.close()
    nursery.zygote = nursery.fresh()
    await nursery.zygote.ready()
    assert 7 == await asyncio.wait_for(nursery.fork("exit 7").ended, SECONDS)
    assert -signal.SIGTERM == await worker.stop(SECONDS)


async def test_a_zygote_that_hangs_is_killed_and_what_it_forked_is_no_stray(
    nursery: Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("supervisor.spawn._ANSWER_SECONDS", 0.05)
    nursery.zygote.child.send(signal.SIGSTOP)
    with pytest.raises(ZygoteGone):
        nursery.fork("hang")
    assert -signal.SIGKILL == await asyncio.wait_for(nursery.zygote.child.ended, SECONDS)


async def test_the_zygote_ends_with_its_socket(nursery: Nursery) -> None:
    other = nursery.fresh()
    await other.ready()
    other.close()
    assert 0 == await asyncio.wait_for(other.child.ended, SECONDS)


async def test_a_zygote_that_cannot_load_its_module_says_why(tmp_path: Path) -> None:
    zygote = Zygote(tmp_path, {"PYTHONPATH": str(ROOT)}, (), "no.such.module")
    with pytest.raises(ZygoteGone):
        await zygote.ready()
    await zygote.child.ended
    zygote.close()
    assert "ModuleNotFoundError" in zygote.child.last_words()


async def test_a_worker_deaf_to_sigterm_is_killed(nursery: Nursery) -> None:
    child = nursery.fork("deaf")
    await nursery.said(child, "deaf")
    assert -signal.SIGKILL == await asyncio.wait_for(child.stop(0.05), SECONDS)


async def test_a_stray_child_is_killed_and_reaped(tmp_path: Path) -> None:
    stray = start(["/bin/sleep", "60"], tmp_path / "out", {}, ())
    mine = start(["/bin/sleep", "60"], tmp_path / "out", {}, ())
    others = {pid for pid in strays._children() if pid != stray.pid}
    assert [stray.pid] == strays.end(others)
    await asyncio.wait_for(stray.ended, SECONDS)
    assert not mine.ended.done()
    assert -signal.SIGTERM == await mine.stop(SECONDS)
    assert [] == strays.end(others)


def wagateway(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "supervisor.daemon", *arguments]
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "WAGATEWAY_STORAGE": str(folder / "s"),
    }
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=30, check=False
    )


async def test_an_unknown_flag_and_a_taken_port_stop_the_start_with_a_sentence(tmp_path: Path) -> None:
    refused = wagateway(tmp_path, "--prot=1")
    assert (64, 1) == (refused.returncode, len(refused.stderr.splitlines()))
    assert "--prot" in refused.stderr
    with socket.create_server(("127.0.0.1", 0)) as taken:
        refused = wagateway(tmp_path, f"--port={taken.getsockname()[1]}", f"--runtime={tmp_path / 'r'}")
    assert 64 == refused.returncode
    assert "Address already in use" in refused.stderr


async def test_help_and_version_are_there(tmp_path: Path) -> None:
    assert "--storage" in wagateway(tmp_path, "--help").stdout
    assert 0 == wagateway(tmp_path, "--version").returncode


async def test_a_registry_from_the_future_is_refused_with_a_sentence(tmp_path: Path) -> None:
    storage = tmp_path / "s"
    storage.mkdir()
    (storage / "registry.db").write_text("not a database " * 100)
    refused = wagateway(tmp_path, "--port=0", f"--runtime={tmp_path / 'r'}")
    assert 1 == refused.returncode
    assert "not a database" in refused.stderr
    assert "Traceback" not in refused.stderr


async def test_a_second_supervisor_of_the_same_folder_is_refused(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        storage = f"--storage={running.storage}"
        refused = await asyncio.to_thread(
            wagateway, tmp_path, "--port=0", storage, f"--runtime={tmp_path / 'r'}"
        )
    assert 64 == refused.returncode
    assert "another wagateway is running" in refused.stderr


async def test_hung_processes_and_a_second_signal_do_not_hold_up_the_end(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        await running.call("POST", "/devices", json={"device_id": "one"})
        assert 200 == (await running.call("GET", "/devices/one/login")).status
        overview = await running.processes()
        for row in (*overview.processes, *overview.devices):
            if row.role != "supervisor":
                os.kill(row.pid, signal.SIGSTOP)
        running.process.send_signal(signal.SIGTERM)
        running.process.send_signal(signal.SIGINT)
        assert 0 == await asyncio.wait_for(running.process.wait(), 10)


async def test_the_sandbox_comes_back_and_so_do_the_devices(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        await running.pair("one", "628111000001")
        before = await running.pid_of("sandbox")
        os.kill(before, signal.SIGKILL)
        async with asyncio.timeout(SECONDS):
            while await running.pid_of("sandbox") in (0, before):
                pass
        await running.supervisor.ask(RestartWorker(device_id="one"), SECONDS)
        await running.logged_in("one")
