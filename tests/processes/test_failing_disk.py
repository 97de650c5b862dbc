"""A disk that refuses what a worker writes: it says so, loses nothing, and goes on by itself afterwards."""

import resource
from pathlib import Path

import pytest

from tests.harness import endpoint, gateway
from wagateway.commands import sandbox

pytestmark = pytest.mark.asyncio(loop_scope="session")

NUMBER, DORA = "628555000001", "628555000002"
_LEAST = 4096  # bytes: whatever lies behind them in a file cannot be written


async def test_a_worker_that_cannot_write_says_so_and_goes_on_when_it_can(tmp_path: Path) -> None:
    async with endpoint() as (sink, url), gateway(tmp_path, f"--webhook={url}") as running:
        await running.pair("one", NUMBER)
        await running.sandbox.ask(sandbox.AddPhone(phone=DORA, name="Dora"), 10)
        assert 200 == (await running.send("one", DORA, "before")).status
        pid = running.table.rows["one"].pid
        soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE, (_LEAST, resource.RLIM_INFINITY))
        refused = await running.send("one", DORA, "meanwhile", Idempotency_Key="meanwhile")
        assert refused.status in (503, 507), refused.body
        assert refused.body["code"] in ("STORAGE_FULL", "STORAGE_FAILED"), refused.body
        await running.table.until(lambda rows: rows["one"].storage != "", 10)
        shown = await running.call("GET", "/devices/one")
        assert shown.result["reason"] in ("storage_full", "storage_failed")
        assert not (await running.processes()).well
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))
        await running.table.until(lambda rows: rows["one"].storage == "", 10)
        assert pid == running.table.rows["one"].pid
        assert 200 == (await running.send("one", DORA, "meanwhile", Idempotency_Key="meanwhile")).status
        await running.logged_in("one")
        page = (await running.call("GET", "/events?limit=1000", "one")).result
        seqs = [event["seq"] for event in page["events"]]
        assert list(range(1, page["head"] + 1)) == seqs
        texts = sandbox.PhoneSendText(phone=DORA, to=NUMBER, text="after")
        await running.sandbox.ask(texts, 10)
        await sink.until(lambda sink: any(one["payload"]["body"] == "after" for one in sink.events()))
