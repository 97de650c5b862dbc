"""A call that comes in is a row and an event once, and is rejected as often as it comes."""

import json
from typing import Any

import msgspec
import pytest

from tests.workers.conftest import ALICE, ALICE_LID, GROUP, NOON, OWN, OWN_LID, Who, rows
from workers.arrivals import Called
from workers.engine import IncomingCall
from workers.inbound import Inbound
from workers.shard import Shard, messages

CALL = IncomingCall(
    id="C1", caller=ALICE, caller_lid=ALICE_LID, timestamp=NOON, platform="android", version="2.26"
)


class Taker:
    """Takes calls; `told` are the events' numbers, `called` what is to be rejected."""

    def __init__(self, shard: Shard, *, reject: bool) -> None:
        self.told: list[int] = []
        self.called: list[Called] = []
        self._inbound = Inbound(
            shard, Who(), self.told.append, called=self.called.append, auto_reject_call=reject
        )
        self.call = self._inbound.call


@pytest.fixture
def taker(shard: Shard) -> Taker:
    return Taker(shard, reject=False)


@pytest.fixture
def rejecting(shard: Shard) -> Taker:
    return Taker(shard, reject=True)


def payloads(shard: Shard) -> list[dict[str, Any]]:
    found = rows(shard, "SELECT body FROM log ORDER BY seq")
    return [json.loads(body)["payload"] for (body,) in found]  # type: ignore[arg-type]


def test_a_call_is_a_message_of_the_chat_and_an_event(shard: Shard, taker: Taker) -> None:
    taker.call(CALL)
    stored = rows(shard, "SELECT id, chat, sender, from_me, kind, timestamp FROM messages")
    assert [("call:C1", ALICE, ALICE, 0, "call", NOON)] == stored
    (payload,) = payloads(shard)
    assert ("C1", ALICE, ALICE_LID, False) == tuple(
        payload[name] for name in ("call_id", "from", "from_lid", "auto_rejected")
    )
    assert ("android", "2.26") == (payload["remote_platform"], payload["remote_version"])
    assert "group_jid" not in payload
    assert ([1], []) == (taker.told, taker.called)


def test_a_call_that_comes_again_is_only_rejected_again(shard: Shard, rejecting: Taker) -> None:
    rejecting.call(CALL)
    rejecting.call(CALL)
    assert [Called("C1", ALICE)] * 2 == rejecting.called
    assert [1] == rejecting.told
    assert [True] == [payload["auto_rejected"] for payload in payloads(shard)]


def test_a_call_in_a_group_stands_in_the_groups_chat(shard: Shard, rejecting: Taker) -> None:
    rejecting.call(msgspec.structs.replace(CALL, group=GROUP))
    assert [("call:C1", GROUP, ALICE)] == rows(shard, "SELECT id, chat, sender FROM messages")
    (payload,) = payloads(shard)
    assert (GROUP, GROUP, ALICE) == (payload["group_jid"], payload["chat_id"], payload["from"])
    assert [Called("C1", ALICE)] == rejecting.called


def test_a_caller_who_is_known_by_their_lid_gets_their_number(shard: Shard, taker: Taker) -> None:
    shard.write(lambda connection: messages.learn_lid(connection, ALICE_LID, ALICE)).result()
    taker.call(msgspec.structs.replace(CALL, caller=ALICE_LID))
    assert [(ALICE, ALICE)] == rows(shard, "SELECT chat, sender FROM messages")


@pytest.mark.parametrize("caller", [OWN, OWN_LID])
def test_a_call_of_the_own_account_is_nothing_to_tell(shard: Shard, rejecting: Taker, caller: str) -> None:
    rejecting.call(msgspec.structs.replace(CALL, caller=caller, caller_lid=""))
    assert ([], [], []) == (rejecting.told, rejecting.called, rows(shard, "SELECT id FROM messages"))
