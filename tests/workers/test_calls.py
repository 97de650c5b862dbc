"""Rejecting calls."""

import pytest

from tests.workers.answering import Answering
from tests.workers.conftest import ALICE, ALICE_LID, GROUP
from wagateway.commands.calls import RejectCall
from wagateway.contract import Problem
from workers.device import Device
from workers.handlers.calls import reject_call


@pytest.fixture
def engine() -> Answering:
    return Answering()


@pytest.mark.parametrize(("caller", "jid"), [("+49 151 00000002", ALICE), (ALICE_LID, ALICE_LID)])
async def test_a_call_is_rejected(device: Device, engine: Answering, caller: str, jid: str) -> None:
    await reject_call(device, RejectCall(caller_jid=caller, call_id="C1"))
    assert [("reject_call", jid, "C1")] == engine.asked


async def test_a_group_does_not_call(device: Device, engine: Answering) -> None:
    with pytest.raises(Problem, match="caller_jid") as caught:
        await reject_call(device, RejectCall(caller_jid=GROUP, call_id="C1"))
    assert (400, []) == (caught.value.status, engine.asked)


async def test_rejecting_needs_a_login(device: Device, engine: Answering) -> None:
    device.state = "connecting"
    with pytest.raises(Problem) as caught:
        await reject_call(device, RejectCall(caller_jid=ALICE, call_id="C1"))
    assert (503, []) == (caught.value.status, engine.asked)
