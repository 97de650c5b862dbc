"""Workers are told where the events of their device go: all at once, and those that could not be later."""

import asyncio
import time
import types
from collections.abc import Callable

import pytest

from supervisor import telling
from supervisor.handlers import webhooks as handlers
from tests.supervisor.adding import HOOK, create, create_for_all, running
from tests.supervisor.conftest import JID, World
from wagateway import wire
from wagateway.commands.devices import SetDeviceWebhook
from wagateway.commands.internal import ConfigureHooks
from wagateway.commands.webhooks import RemoveWebhook
from wagateway.problems import storage_full
from wagateway.registry import Entry
from wagateway.serve import Server, collect


def taking(take: Callable[[ConfigureHooks], None]) -> types.ModuleType:
    """The handlers of a worker that takes its hooks like this."""

    async def configure(state: object, command: ConfigureHooks) -> None:
        take(command)

    module = types.ModuleType("made_up")
    configure.__module__ = module.__name__
    module.__dict__["configure"] = configure
    return module


def answering(world: World, take: Callable[[ConfigureHooks], None], device_id: str = "shop") -> Server[None]:
    return Server(world.context, wire.worker_socket(world.folder, device_id), collect([taking(take)]), None)


async def test_a_running_worker_is_told_of_its_webhooks(world: World) -> None:
    await running(world, "shop")
    told: list[list[str]] = []
    with answering(world, lambda command: told.append([hook.id for hook in command.hooks])):
        await handlers.set_device_webhook(world.devices, SetDeviceWebhook(device_id="shop", webhook_url=HOOK))
        await create(world, webhook_id="one")
        await create_for_all(world, webhook_id="all")  # a URL of its own takes the place of this one
        await handlers.remove_webhook(world.devices, RemoveWebhook(device_id="shop", webhook_id="one"))
    assert [["own"], ["own", "one"], ["own"]] == told
    assert 1 == len(world.of("shop"))


async def test_a_worker_that_does_not_take_its_webhooks_is_replaced(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "CONFIGURE_SECONDS", 0.01)
    await running(world, "shop")
    await create(world, webhook_id="one")
    await world.until("shop", lambda row: row.worker == "running")
    spec = world.of("shop")[-1].spec
    assert ["one"] == [hook.id for hook in spec.hooks]
    assert spec.death is not None
    assert ("hang", 1) == (spec.death.reason, spec.death.restarts)


async def test_workers_that_hang_are_replaced_and_keep_nobody_from_being_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "CONFIGURE_SECONDS", 0.2)
    hanging = [f"hangs{n}" for n in range(8)]
    await running(world, "good", *hanging)
    told: list[ConfigureHooks] = []
    with answering(world, told.append, "good"):
        await create_for_all(world, webhook_id="all")
    assert 1 == len(told)
    for device in hanging:
        await world.until(device, lambda _, device=device: len(world.of(device)) == 2)  # type: ignore[misc]
    assert 1 == len(world.of("good"))


async def test_a_worker_whose_disk_is_full_is_kept_and_told_later(world: World) -> None:
    full, taken = [True], asyncio.Event()

    def take(command: ConfigureHooks) -> None:
        if full:
            raise storage_full()
        taken.set()

    await running(world, "shop")
    with answering(world, take):
        await create(world, webhook_id="one")
        full.clear()
        world.devices.check(time.monotonic())
        await asyncio.wait_for(taken.wait(), 5)
    assert 1 == len(world.of("shop"))


async def test_a_worker_that_takes_long_to_start_is_told_when_it_has(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "CONFIGURE_SECONDS", 0.01)
    world.first_beat = None
    world.devices.add(Entry("shop", 0.0, paired=True, jid=JID)).start()
    await world.until("shop", lambda row: row.pid != 0)
    await create(world, webhook_id="one")
    assert [] == world.workers[0].signals
    taken = asyncio.Event()
    with answering(world, lambda _: taken.set()):
        monkeypatch.setattr(telling, "CONFIGURE_SECONDS", 3.0)
        world.beat(world.workers[0], state="logged_in", jid=JID)
        world.devices.check(time.monotonic())
        await asyncio.wait_for(taken.wait(), 5)
    assert 1 == len(world.of("shop"))
