"""The sandbox as a process: how it starts, and how it ends."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from wagateway.exits import Exit

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def start(folder: Path, *flags: str, pass_fds: tuple[int, ...] = ()) -> asyncio.subprocess.Process:
    command = [sys.executable, "-m", "wagateway.sandbox", "--dir", str(folder), *flags]
    return await asyncio.create_subprocess_exec(
        *command, stderr=asyncio.subprocess.PIPE, stdin=asyncio.subprocess.DEVNULL, pass_fds=pass_fds
    )


async def ready(process: asyncio.subprocess.Process, folder: Path) -> dict[str, str]:
    assert process.stderr is not None
    async with asyncio.timeout(10):
        while b"sandbox.ready" not in await process.stderr.readline():
            pass
    told: dict[str, str] = json.loads((folder / "network.json").read_text())
    return told


async def end(process: asyncio.subprocess.Process) -> int:
    await asyncio.wait_for(process.communicate(), 10)
    assert process.returncode is not None
    return process.returncode


async def test_it_ends_with_its_supervisor(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    process = await start(tmp_path, f"--life-fd={reading}", pass_fds=(reading,))
    os.close(reading)
    await ready(process, tmp_path)
    os.close(writing)
    assert 0 == await end(process)


async def test_address_and_keys_stay_over_a_restart(tmp_path: Path) -> None:
    told = []
    for _ in range(2):
        process = await start(tmp_path)
        told.append(await ready(process, tmp_path))
        process.kill()
        await end(process)
    assert told[0] == told[1]
    assert told[0]["proxy"].startswith("http://127.0.0.1:")


async def test_a_second_one_on_the_same_folder_gives_way(tmp_path: Path) -> None:
    first = await start(tmp_path)
    await ready(first, tmp_path)
    second = await start(tmp_path, "--patience=0")
    assert Exit.LEASE_HELD == await end(second)
    first.terminate()
    assert 0 == await end(first)


async def test_its_keys_are_private(tmp_path: Path) -> None:
    process = await start(tmp_path / "new")
    await ready(process, tmp_path / "new")
    process.terminate()
    await end(process)
    modes = {path.name: path.stat().st_mode & 0o077 for path in (tmp_path / "new").iterdir()}
    assert {"sandbox.db", "tls.pem", "network.json", "ca.pem"} <= modes.keys()
    assert {0} == set(modes.values())
    assert 0o700 == (tmp_path / "new").stat().st_mode & 0o777
