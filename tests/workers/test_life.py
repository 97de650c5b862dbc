"""What is told of a device from its pairing to its end."""

import time
from typing import Any, cast

import msgspec
import pytest

from tests.workers.conftest import ALICE, OWN, Scripted, rows
from wagateway.commands.internal import ConfigureHooks, Hook, Unlink
from wagateway.commands.sending import SendMessage
from wagateway.contract import Problem
from wagateway.spec import Death
from workers.delivery import Delivery
from workers.device import Device
from workers.engine import ConnectionChange, QrShown, Uncertain
from workers.handlers import internal, sending
from workers.refusals import of_send


def told(device: Device) -> list[tuple[str, dict[str, Any]]]:
    found = rows(device.shard, "SELECT kind, body FROM log ORDER BY seq")
    return [(str(kind), msgspec.json.decode(cast("bytes", body))["payload"]) for kind, body in found]


def kinds(device: Device) -> list[str]:
    return [kind for kind, _ in told(device)]


async def test_a_pairing_is_told_step_by_step(device: Device) -> None:
    device.jid, device.state = "", "disconnected"
    device.connection_changed(ConnectionChange("connecting"))
    device.qr_shown(QrShown("first", 1_800_000_060.0, 1))
    device.qr_shown(QrShown("second", 1_800_000_080.0, 2))
    device.paired(OWN, "900@lid", "Me")
    device.connection_changed(ConnectionChange("connected"))
    assert [
        ("device.state", {"state": "connecting"}),
        ("device.qr", {"code": "first", "attempt": 1, "expires_at": "2027-01-15T08:01:00Z"}),
        ("device.state", {"state": "connected", "reason": "pairing"}),
        ("device.qr", {"code": "second", "attempt": 2, "expires_at": "2027-01-15T08:01:20Z"}),
        ("device.paired", {"jid": OWN, "lid": "900@lid", "display_name": "Me"}),
        ("device.state", {"state": "connecting", "reason": "paired"}),
        ("device.state", {"state": "logged_in"}),
    ] == told(device)


async def test_a_state_that_stays_is_not_told_again(device: Device) -> None:
    device.connection_changed(ConnectionChange("disconnected", "connection_lost"))
    device.connection_changed(ConnectionChange("disconnected", "connection_lost"))
    assert ["device.state"] == kinds(device)


async def test_a_removal_on_the_phone_is_told_as_of_the_account_it_was(device: Device) -> None:
    device.connection_changed(ConnectionChange("logged_out", "device_removed"))
    [(body,)] = rows(device.shard, "SELECT body FROM log WHERE kind = 'device.logged_out'")
    event = msgspec.json.decode(cast("bytes", body))
    assert (OWN, {"reason": "device_removed"}) == (event["device_id"], event["payload"])
    assert ["device.logged_out", "device.state"] == kinds(device)


async def test_our_own_logout_is_told(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    async def unlinked() -> None: ...

    monkeypatch.setattr(device.engine, "unlink", unlinked, raising=False)
    device.delivery = await Delivery.open(device.shard, [], device, device.head)
    await internal.unlink(device, Unlink())
    assert ("device.logged_out", {"reason": "unlinked"}) == told(device)[0]


@pytest.mark.parametrize("refused", [False, True])
async def test_our_own_logout_is_told_once_also_when_whatsapp_says_so_first(
    device: Device, monkeypatch: pytest.MonkeyPatch, refused: bool
) -> None:
    async def unlinked() -> None:
        device.connection_changed(ConnectionChange("logged_out", "device_removed"))
        if refused:
            raise Problem(503, "DEVICE_UNAVAILABLE", "The connection is gone")

    monkeypatch.setattr(device.engine, "unlink", unlinked, raising=False)
    assert await device.unlink()
    expected = [
        ("device.logged_out", {"reason": "unlinked"}),
        ("device.state", {"state": "disconnected", "reason": "unlinked"}),
    ]
    assert expected == told(device)
    assert not device.over.done()


async def test_a_ban_is_told_with_its_end(device: Device) -> None:
    device.connection_changed(ConnectionChange("banned", "sent_to_too_many_people", 1_800_000_000))
    banned, state = told(device)
    expected = {"reason": "sent_to_too_many_people", "until": "2027-01-15T08:00:00Z"}
    assert ("device.banned", expected) == banned
    assert ("device.state", {"state": "disconnected", "reason": "sent_to_too_many_people"}) == state
    assert "sent_to_too_many_people_until_1800000000" == device.reason


async def test_a_restriction_is_told_once_an_hour(
    device: Device, engine: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.failure = of_send("server returned error 463")
    for _ in range(2):
        with pytest.raises(Problem):
            await sending.send_message(device, SendMessage(phone=ALICE, message="hi"))
    restrictions = [event for event in told(device) if event[0] == "device.restricted"]
    assert [("device.restricted", {"reason": "reachout_timelock"})] == restrictions
    moment = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: moment + 3601)
    device.life.restricted("reachout_timelock")
    assert 2 == kinds(device).count("device.restricted")


async def test_a_change_of_the_webhooks_is_told_once(device: Device) -> None:
    class Changed:
        async def change(self, hooks: list[Hook]) -> None:
            self.hooks = hooks

        def hook_ids(self) -> list[str]:
            return [hook.id for hook in self.hooks]

    device.delivery = cast("Delivery", Changed())
    hooks = [Hook(id="one", url="http://127.0.0.1/", secret="s")]
    await internal.configure_hooks(device, ConfigureHooks(hooks=hooks))
    await internal.configure_hooks(device, ConfigureHooks(hooks=hooks))
    await internal.configure_hooks(device, ConfigureHooks(hooks=[]))
    expected = [("device.webhooks", {"webhook_ids": ids}) for ids in (["one"], [])]
    assert expected == told(device)


async def test_a_restart_is_told_with_how_long_there_was_no_worker(device: Device) -> None:
    device.life.restarted(None)
    device.life.restarted(Death("SIGKILL", time.time() - 2, 3))
    device.life.restarted(Death("SIGKILL", time.time() + 60, 4))  # the clock was set back
    (_, first), (_, second) = told(device)
    assert ("SIGKILL", 3) == (first["reason"], first["restarts"])
    assert 2000 <= first["down_ms"] < 5000
    assert 0 == second["down_ms"]


async def test_a_restart_is_told_as_of_the_account_before_it_connects(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dialled() -> None:
        device.connection_changed(ConnectionChange("connecting"))

    monkeypatch.setattr(device.engine, "connect", dialled, raising=False)
    device.jid = ""
    await device.start(connect=True, death=Death("hang", time.time(), 1))
    assert ["worker.restarted", "device.state"] == kinds(device)
    bodies = rows(device.shard, "SELECT body FROM log")
    assert [OWN, OWN] == [msgspec.json.decode(cast("bytes", body))["device_id"] for (body,) in bodies]


@pytest.mark.parametrize(
    ("failure", "status"),
    [(Uncertain("The connection broke"), "sent"), (of_send("server returned error 479"), "failed")],
)
async def test_what_was_kept_unsent_is_told_with_the_reason(
    device: Device, engine: Scripted, failure: Problem, status: str
) -> None:
    engine.failure = failure
    with pytest.raises(Problem) as caught:
        await sending.send_message(device, SendMessage(phone=ALICE, message="hi"))
    assert isinstance(caught.value.result, dict)
    expected = {
        "id": caught.value.result["message_id"],
        "chat_id": ALICE,
        "status": status,
        "reason": failure.message,
    }
    assert [("message.state", expected)] == told(device)


async def test_a_sent_message_is_told_in_the_transaction_that_keeps_it(device: Device) -> None:
    reply = await sending.send_message(device, SendMessage(phone=ALICE, message="hi"))
    expected = {"id": reply.message_id, "chat_id": ALICE, "status": "server"}
    assert [("message.state", expected)] == told(device)
    await device.head.beyond(0)
