"""Every operation of the API's document against a running gateway: no answer that it does not tell of."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from tests.front.samples import samples
from tests.front.test_bad_input import BODIES
from tests.harness import Gateway, gateway
from tests.processes.fuzzing import Aim, Operation, attack, described, operations
from wagateway.commands import sandbox

pytestmark = pytest.mark.asyncio(loop_scope="module")

# What takes a device out of service or needs one that is not gets one of its own, and comes last.
_DEVICES = {
    "Login": "fresh",
    "SetDevice": "spare",
    "ReconnectDevice": "spare",
    "LogoutDevice": "spare",
    "RemoveDevice": "fresh",
}
_EXAMPLES = 10
_CAROL = "628222000003"


def name_of(operation: Operation) -> str:
    return str(operation.definition.raw["operationId"])


def place(operation: Operation) -> int:
    """0 for what leaves its device in service; else where it stands in `_DEVICES`."""
    return next((n for n, name in enumerate(_DEVICES, 1) if name_of(operation).startswith(name)), 0)


OPERATIONS = sorted(operations(), key=place)


class Target(msgspec.Struct, frozen=True):
    """A gateway with two devices and a spare one, and things in it that there are."""

    gateway: Gateway
    left_group: str
    known: dict[str, object]
    known_to_sandbox: dict[str, object]


async def grouped(running: Gateway, title: str) -> str:
    answer = await running.call("POST", "/group", "alice", json={"title": title, "participants": [_CAROL]})
    assert 200 == answer.status, answer.body
    return str(answer.result["group_id"])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def target(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Target]:
    folder: Path = tmp_path_factory.mktemp("contract")
    async with gateway(folder, "--request-timeout=10") as running:
        for number, device in enumerate(("alice", "bob", "spare")):
            await running.pair(device, f"62822200000{number}")
        await running.call("POST", "/devices", json={"device_id": "fresh"})
        ask = running.sandbox.ask
        await ask(sandbox.AddPhone(phone=_CAROL, name="Carol"), 10)
        channel = await ask(sandbox.CreateNewsletter(phone=_CAROL, name="News"), 10)
        group, left = [await grouped(running, title) for title in ("Friends", "Strangers")]
        sent = await running.send("alice", _CAROL, "hello")
        assert 200 == sent.status, sent.body
        known = {
            "phone": _CAROL,
            "contact_phone": _CAROL,
            "caller_jid": _CAROL,
            "chat_jid": _CAROL,
            "participants": [_CAROL],
            "group_id": group,
            "newsletter_id": channel.jid,
            "message_id": sent.result["message_id"],
        }
        yield Target(running, left, known, {"phone": _CAROL, "to": _CAROL, "chat": _CAROL})


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.label)
async def test_an_operation_is_answered_as_the_document_says(target: Target, operation: Operation) -> None:
    known = target.known_to_sandbox if operation.path.startswith("/sandbox") else target.known
    if name_of(operation) == "LeaveGroup":
        known = {"group_id": target.left_group}
    device = ["alice", *_DEVICES.values()][place(operation)]
    examples = _EXAMPLES if device == "alice" else 1
    for values in (known, {}):
        aim = Aim(target.gateway.url, device, values)
        seen = await asyncio.to_thread(attack, operation, aim, examples)
        assert seen
        assert {one for one in seen if one >= 500} <= {501, 503}


async def test_a_bad_body_is_refused_on_every_route_that_takes_one(
    target: Target,
) -> None:
    for sample in samples():
        if sample.route.method == "GET":
            continue
        for what, (headers, data) in BODIES.items():
            answer = await target.gateway.call(
                sample.route.method, sample.path, "alice", data=data, headers={**headers}
            )
            assert answer.status in (400, 404), (sample.route, what, answer)
            assert answer.body["code"] in ("BAD_REQUEST", "VALIDATION_ERROR", "DEVICE_NOT_FOUND")


async def test_the_gateway_serves_the_document_that_was_tried(target: Target) -> None:
    served = (await target.gateway.call("GET", "/openapi.json")).body
    expected = described()
    served["info"].pop("version")
    expected["info"].pop("version")
    assert expected == served


async def test_the_gateway_is_well_after_all_that(target: Target) -> None:
    sent = await target.gateway.send("bob", _CAROL, "still here")
    assert 200 == sent.status, sent.body
