"""Where the events of a device go, and what the supervisor answers about that."""

from collections.abc import Awaitable
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from supervisor.handlers import devices as device_handlers
from supervisor.handlers import webhooks as handlers
from tests.supervisor.adding import HOOK, OTHER, create, create_for_all
from tests.supervisor.conftest import World
from wagateway.commands.devices import (
    CreateDevice,
    GetDeviceWebhook,
    RemoveDevice,
    SetDeviceWebhook,
)
from wagateway.commands.internal import Hook, id_of_url
from wagateway.commands.webhooks import (
    ChangeGatewayWebhook,
    ChangeWebhook,
    CreateWebhook,
    ListGatewayWebhooks,
    RemovedWebhook,
    RemoveGatewayWebhook,
    RemoveWebhook,
)
from wagateway.contract import Problem
from wagateway.registry import Entry, WebhookEntry


def hooks(world: World, device_id: str = "shop") -> list[Hook]:
    return world.devices.webhooks.of(world.devices.keepers[device_id].entry)


def ids(world: World, device_id: str = "shop") -> list[str]:
    return [hook.id for hook in hooks(world, device_id)]


async def code_of(answer: Awaitable[object]) -> tuple[int, str]:
    with pytest.raises(Problem) as caught:
        await answer
    return caught.value.status, caught.value.code


@pytest_asyncio.fixture
async def shop(world: World) -> World:
    world.devices.add(Entry("shop", 0.0))
    return world


async def test_the_webhook_of_a_device_takes_the_place_of_the_gateways(world: World) -> None:
    world.devices = world.fresh(webhook=[HOOK])
    created = await device_handlers.create_device(
        world.devices,
        CreateDevice(device_id="shop", webhook_url=OTHER, webhook_secret="hush", webhook_events="message, x"),
    )
    assert (OTHER, "***", "message, x") == (
        created.webhook_url,
        created.webhook_secret,
        created.webhook_events,
    )
    await create_for_all(world, webhook_id="all")
    await create(world, webhook_id="more")
    own, more = hooks(world)
    assert Hook(
        id="own", url=OTHER, secret="hush", own=True, fixed=True, own_secret=True, events=["message", "x"]
    ) == (own)
    assert Hook(id="more", url=OTHER, secret="whsec_x", own=True) == more


async def test_without_one_of_its_own_a_device_has_those_of_the_gateway_and_its_additional_ones(
    world: World,
) -> None:
    world.devices = world.fresh(webhook=[HOOK, OTHER, HOOK])
    world.devices.add(Entry("shop", 0.0))
    world.devices.add(Entry("other", 0.0))
    await create_for_all(world, webhook_id="all")
    await create(world, webhook_id="more")
    urls = [id_of_url(HOOK), id_of_url(OTHER)]
    assert [*urls, "all", "more"] == ids(world)
    assert [*urls, "all"] == ids(world, "other")
    assert [(False, True), (False, True), (False, False), (True, False)] == [
        (hook.own, hook.fixed) for hook in hooks(world)
    ]


async def test_what_a_webhook_has_no_word_on_is_as_the_settings_say(world: World) -> None:
    world.devices = world.fresh(
        webhook_events=["message"],
        webhook_ignore_jids=["@g.us"],
        webhook_concurrency=7,
        webhook_give_up=90.5,
        webhook_insecure_skip_verify=True,
    )
    world.devices.add(Entry("shop", 0.0, webhook_url=HOOK))
    await create(world, webhook_id="plain")
    await create(
        world, webhook_id="full", secret="s", events=["unread"], ignore_jids=[], concurrency=1, give_up=2
    )
    own, plain, full = hooks(world)
    for hook in (own, plain):
        assert (["message"], ["@g.us"], 7, 90, True) == (
            hook.events,
            hook.ignore_jids,
            hook.concurrency,
            hook.give_up,
            hook.insecure,
        )
    assert ("s", True, ["unread"], [], 1, 2, True) == (
        full.secret,
        full.own_secret,
        full.events,
        full.ignore_jids,
        full.concurrency,
        full.give_up,
        full.insecure,
    )


async def test_for_a_device_its_filter_and_secret_hold_at_the_gateways_webhooks_too(world: World) -> None:
    world.devices = world.fresh(webhook=[HOOK])
    world.devices.add(Entry("shop", 0.0, webhook_events="unread"))
    await create_for_all(world, webhook_id="plain")
    await create_for_all(world, webhook_id="picky", events=["message"])
    assert [["unread"], ["unread"], ["message"]] == [hook.events for hook in hooks(world)]


async def test_a_change_of_the_webhook_is_a_merge_and_outlives_a_restart(shop: World) -> None:
    await handlers.set_device_webhook(shop.devices, SetDeviceWebhook(device_id="shop", webhook_url=HOOK))
    await handlers.set_device_webhook(
        shop.devices, SetDeviceWebhook(device_id="shop", webhook_secret="hush", webhook_events="message")
    )
    changed = await handlers.set_device_webhook(
        shop.devices, SetDeviceWebhook(device_id="shop", webhook_events="")
    )
    assert (HOOK, "***", "") == (changed.webhook_url, changed.webhook_secret, changed.webhook_events)
    (entry,) = shop.registry.entries()
    assert ("hush", HOOK) == (entry.webhook_secret.value, entry.webhook_url)
    assert "hush" not in repr(entry)
    assert changed == await handlers.get_device_webhook(shop.devices, GetDeviceWebhook(device_id="shop"))


async def test_what_was_shown_of_a_webhook_and_is_sent_back_changes_nothing(shop: World) -> None:
    url = "https://me:hush@example.org/hook?x=hush"
    first = SetDeviceWebhook(device_id="shop", webhook_url=url, webhook_secret="hush")
    seen = await handlers.set_device_webhook(shop.devices, first)
    back = SetDeviceWebhook(**msgspec.structs.asdict(seen) | {"webhook_events": "message"})
    await handlers.set_device_webhook(shop.devices, back)
    (entry,) = shop.registry.entries()
    assert (url, "hush", "message") == (entry.webhook_url, entry.webhook_secret.value, entry.webhook_events)


@pytest.mark.parametrize(
    ("field", "value"), [("webhook_url", "https://me:***@other.example/"), ("webhook_secret", "a***b")]
)
async def test_what_stands_for_a_secret_is_never_kept_as_one(shop: World, field: str, value: str) -> None:
    given: dict[str, Any] = {field: value}
    command = SetDeviceWebhook(device_id="shop", **given)
    with pytest.raises(Problem, match=field):
        await handlers.set_device_webhook(shop.devices, command)
    with pytest.raises(Problem, match=field):
        await device_handlers.create_device(shop.devices, CreateDevice(**given))


@pytest.mark.parametrize(
    "url",
    [
        "ftp://host/",
        "no url",
        "http://",
        "javascript:alert(1)",
        f"{HOOK},{HOOK}",
        "http://\u200b/",
        "http://a\\b",
        "http://a/\r\nX: y",
        f"http://{'é' * 80}/",
    ],
)
async def test_a_webhook_that_is_no_web_address_is_refused(shop: World, url: str) -> None:
    with pytest.raises(Problem, match="webhook_url"):
        await device_handlers.create_device(shop.devices, CreateDevice(webhook_url=url))
    with pytest.raises(Problem, match=r"^url: "):
        await create(shop, url=url)


async def test_the_secrets_of_a_webhook_are_used_but_not_told(shop: World) -> None:
    url = "https://me:hush@example.org/hook?x=hush"
    command = SetDeviceWebhook(device_id="shop", webhook_url=url)
    own = await handlers.set_device_webhook(shop.devices, command)
    assert "https://me:***@example.org/hook?x=***" == own.webhook_url
    more = await handlers.create_webhook(
        shop.devices,
        CreateWebhook(device_id="shop", url=url, secret="hush", headers={"Authorization": "Bearer hush"}),
    )
    assert "hush" not in repr(more)
    assert ("***", {"Authorization": "***"}) == (more.secret, more.headers)
    assert [url, url] == [hook.url for hook in hooks(shop)]
    assert ("hush", {"Authorization": "Bearer hush"}) == (hooks(shop)[1].secret, hooks(shop)[1].headers)


async def test_webhooks_outlive_a_restart_and_changes_leave_what_was_not_given(shop: World) -> None:
    made = await create(shop, secret="s", events=["message"], headers={"X-Key": "k"}, give_up=60)
    assert made.startswith("wh_")
    assert 15 == len(made)
    await create_for_all(shop, webhook_id="all")
    changed = await handlers.change_webhook(
        shop.devices, ChangeWebhook(device_id="shop", webhook_id=made, events=[], ignore_jids=["@g.us"])
    )
    assert ([], ["@g.us"], "***", {"X-Key": "***"}, 60) == (
        changed.events,
        changed.ignore_jids,
        changed.secret,
        changed.headers,
        changed.give_up,
    )
    await handlers.change_gateway_webhook(
        shop.devices, ChangeGatewayWebhook(webhook_id="all", url=HOOK, insecure_skip_verify=True)
    )
    before = hooks(shop)
    shop.devices = shop.fresh()
    shop.devices.load()
    assert before == hooks(shop)
    assert [("all", HOOK, True), (made, OTHER, False)] == [
        (hook.id, hook.url, hook.insecure) for hook in before
    ]


async def test_a_removed_webhook_is_gone_for_good(shop: World) -> None:
    await create(shop, webhook_id="one")
    await create_for_all(shop, webhook_id="all")
    removed = await handlers.remove_webhook(shop.devices, RemoveWebhook(device_id="shop", webhook_id="one"))
    assert RemovedWebhook("one") == removed
    await handlers.remove_gateway_webhook(shop.devices, RemoveGatewayWebhook(webhook_id="all"))
    assert [] == hooks(shop)
    assert [] == shop.registry.webhooks()
    again = RemoveWebhook(device_id="shop", webhook_id="one")
    assert (404, "WEBHOOK_NOT_FOUND") == await code_of(handlers.remove_webhook(shop.devices, again))


async def test_the_webhooks_of_a_removed_device_go_with_it(shop: World) -> None:
    await create(shop, webhook_id="one")
    await create_for_all(shop, webhook_id="all")
    await device_handlers.remove_device(shop.devices, RemoveDevice(device_id="shop"))
    assert ["all"] == [entry.webhook_id for entry in shop.registry.webhooks()]
    shop.devices.add(Entry("shop", 1.0))
    assert ["all"] == ids(shop)


async def test_those_of_the_gateway_are_listed_with_those_of_its_settings(world: World) -> None:
    world.devices = world.fresh(webhook=["https://me:hush@crm.example/"])
    await create_for_all(world, webhook_id="all")
    listed = await handlers.list_gateway_webhooks(world.devices, ListGatewayWebhooks())
    assert [("https://me:***@crm.example/", True, ""), (OTHER, False, "")] == [
        (webhook.url, webhook.fixed, webhook.secret) for webhook in listed
    ]


@pytest.mark.parametrize("taken", ["one", "all", "own", id_of_url(HOOK), "url-mine"])
async def test_an_id_that_a_worker_could_confuse_is_refused(shop: World, taken: str) -> None:
    await create(shop, webhook_id="one")
    await create_for_all(shop, webhook_id="all")
    refused = (409, "WEBHOOK_ALREADY_EXISTS")
    assert refused == await code_of(create(shop, webhook_id=taken))
    assert refused == await code_of(create_for_all(shop, webhook_id=taken))


async def test_two_devices_may_use_the_same_id(shop: World) -> None:
    shop.devices.add(Entry("other", 0.0))
    await create(shop, webhook_id="one")
    await create(shop, "other", webhook_id="one", url=HOOK)
    assert [OTHER, HOOK] == [hooks(shop, name)[0].url for name in ("shop", "other")]


async def test_a_fixed_webhook_says_where_it_is_changed(world: World) -> None:
    world.devices = world.fresh(webhook=[HOOK])
    world.devices.add(Entry("shop", 0.0))
    world.devices.add(Entry("own", 0.0, webhook_url=OTHER))
    await create_for_all(world, webhook_id="all")
    for device_id, webhook_id, where in [
        ("shop", id_of_url(HOOK), "WHATSAPP_WEBHOOK"),
        ("shop", "all", "/webhooks/all"),
        ("own", "own", "PATCH /devices/own/webhook"),
    ]:
        change = ChangeWebhook(device_id=device_id, webhook_id=webhook_id, events=["message"])
        remove = RemoveWebhook(device_id=device_id, webhook_id=webhook_id)
        fixed = (409, "WEBHOOK_FIXED")
        assert fixed == await code_of(handlers.change_webhook(world.devices, change))
        with pytest.raises(Problem, match=where):
            await handlers.remove_webhook(world.devices, remove)
    gateway = RemoveGatewayWebhook(webhook_id=id_of_url(HOOK))
    assert fixed == await code_of(handlers.remove_gateway_webhook(world.devices, gateway))


@pytest.mark.parametrize("webhook_id", ["own", "nothing", "x" * 5000])
async def test_an_unknown_webhook_is_not_found(shop: World, webhook_id: str) -> None:
    change = ChangeWebhook(device_id="shop", webhook_id=webhook_id, events=[])
    with pytest.raises(Problem) as caught:
        await handlers.change_webhook(shop.devices, change)
    assert (404, "WEBHOOK_NOT_FOUND") == (caught.value.status, caught.value.code)
    assert len(caught.value.message) < 200


async def test_there_may_be_so_many_on_a_level(shop: World) -> None:
    for _ in range(handlers.MOST):
        await create(shop)
    assert (409, "TOO_MANY_WEBHOOKS") == await code_of(create(shop))
    await create_for_all(shop)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("url", ""),
        ("url", "https://crm.example/a b"),
        ("url", "https://crm.example/a\r\nX: y"),
        ("url", "https://me:***@crm.example/"),
        ("secret", "***"),
        ("events", ["message", "mesage"]),
        ("ignore_jids", ["628111"]),
        ("headers", {"X Key": "a"}),
        ("headers", {"": "a"}),
        ("headers", {"X-Key": "a\r\nX: y"}),
        ("headers", {"X-Key": "é"}),
        ("headers", {"X-Key": " a"}),
        ("headers", {"X-Key": "a", "x-key": "b"}),
        ("headers", {"X-Key": "***"}),
        ("headers", {"x-hub-signature-256": "a"}),
        ("headers", {"Webhook-Id": "a"}),
        ("headers", {"Transfer-Encoding": "chunked"}),
    ],
)
async def test_what_cannot_be_used_is_refused_by_name(shop: World, field: str, value: Any) -> None:
    with pytest.raises(Problem, match=f"^{field}: ") as caught:
        await create(shop, **{field: value})
    assert (400, "VALIDATION_ERROR") == (caught.value.status, caught.value.code)
    await create(shop, webhook_id="one", headers={"X-Key": "k"})
    change = ChangeWebhook(device_id="shop", webhook_id="one", **{field: value})
    with pytest.raises(Problem, match=f"^{field}: "):
        await handlers.change_webhook(shop.devices, change)
    assert [("one", OTHER, {"X-Key": "k"})] == [(hook.id, hook.url, hook.headers) for hook in hooks(shop)]


async def test_an_unknown_kind_of_event_is_named(shop: World) -> None:
    with pytest.raises(Problem, match="'mesage'"):
        await create(shop, events=["message", "group.*", "label.edit", "mesage"])


async def test_nothing_is_answered_before_the_disk_has_it(shop: World) -> None:
    await create(shop, webhook_id="one")
    shop.registry._connection.execute("PRAGMA query_only = ON")
    failed = (503, "STORAGE_FAILED")
    assert failed == await code_of(create(shop))
    remove = RemoveWebhook(device_id="shop", webhook_id="one")
    assert failed == await code_of(handlers.remove_webhook(shop.devices, remove))
    assert ["one"] == ids(shop)


def test_what_was_added_does_not_show_itself() -> None:
    entry = WebhookEntry(device_id="shop", webhook_id="one", url=OTHER, secret="hush", created_at=0.0)
    assert "WebhookEntry('shop', 'one')" == repr(entry)
