"""Stopping and starting the whole service."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from tests.harness import gateway
from wagateway.commands import sandbox

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_w17_sessions_are_kept_over_a_restart_and_messages_wait(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        await running.pair("one", "628222000001")
        process = running.process
    assert process.returncode == 0
    async with gateway(tmp_path) as running:
        await running.logged_in("one")
        await running.sandbox.ask(sandbox.AddPhone(phone="628222000002", name="Dora"), 10)
        assert (await running.send("one", "628222000002", "still here")).status == 200


async def test_sigterm_cuts_no_request(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        await running.pair("one", "628333000001")
        await running.sandbox.ask(sandbox.AddPhone(phone="628333000002", name="Eve"), 10)
        await running.sandbox.ask(sandbox.DelayAcks(phone="628333000001", milliseconds=1500), 10)
        sending = asyncio.create_task(running.send("one", "628333000002", "on the way out"))
        await running.sandbox.ask(sandbox.AwaitWithheld(phone="628333000001", wait=10), 15)
        running.process.send_signal(signal.SIGTERM)
        answer = await sending
        assert answer.status == 200, answer.body
        assert await asyncio.wait_for(running.process.wait(), 10) == 0


async def test_a_killed_supervisor_leaves_no_orphan(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        await running.pair("one", "628444000001")
        overview = await running.processes()
        pids = [row.pid for row in (*overview.processes, *overview.devices)]
        watched = [os.pidfd_open(pid) for pid in pids]
        running.process.kill()
        await running.process.wait()
        loop = asyncio.get_running_loop()
        for descriptor in watched:
            gone = loop.create_future()
            loop.add_reader(descriptor, gone.set_result, None)
            await asyncio.wait_for(gone, 5)
            loop.remove_reader(descriptor)
            os.close(descriptor)
