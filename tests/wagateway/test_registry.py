"""The durable table of devices."""

from pathlib import Path

import msgspec

from wagateway.registry import Entry, Registry, WebhookEntry


def test_devices_are_kept_oldest_first(tmp_path: Path) -> None:
    with Registry(tmp_path / "registry.db") as registry:
        registry.put(Entry("late", 2.0))
        registry.put(Entry("early", 1.0, paired=True, jid="62@s.whatsapp.net", display_name="Ann"))
    with Registry(tmp_path / "registry.db") as registry:
        assert [
            Entry("early", 1.0, paired=True, jid="62@s.whatsapp.net", display_name="Ann"),
            Entry("late", 2.0),
        ] == registry.entries()


def test_ids_compare_exactly(tmp_path: Path) -> None:
    with Registry(tmp_path / "registry.db") as registry:
        registry.put(Entry("Shop", 1.0))
        registry.put(Entry("shop", 2.0))
        assert 2 == len(registry.entries())


def test_a_change_keeps_the_day_of_creation(tmp_path: Path) -> None:
    with Registry(tmp_path / "registry.db") as registry:
        registry.put(Entry("shop", 1.0))
        registry.put(Entry("shop", 9.0, reason="logged_out"))
        assert [Entry("shop", 1.0, reason="logged_out")] == registry.entries()


def test_a_removed_device_is_forgotten(tmp_path: Path) -> None:
    with Registry(tmp_path / "registry.db") as registry:
        registry.put(Entry("shop", 1.0))
        registry.remove("shop")
        registry.remove("never there")
        assert [] == registry.entries()


FULL = WebhookEntry(
    device_id="",
    webhook_id="crm",
    url="https://user:hush@crm.example/hook?key=hush",
    secret="hush",
    events=["message", "group.*"],
    ignore_jids=[],
    headers={"Authorization": "Bearer hush"},
    insecure=True,
    concurrency=9,
    give_up=60,
    created_at=2.0,
)
PLAIN = WebhookEntry(device_id="shop", webhook_id="crm", url="https://shop.example/", created_at=1.0)


def test_webhooks_are_kept_oldest_first_as_they_were_given(tmp_path: Path) -> None:
    with Registry(tmp_path / "registry.db") as registry:
        registry.put_webhook(FULL)
        registry.put_webhook(PLAIN)
    with Registry(tmp_path / "registry.db") as registry:
        assert [PLAIN, FULL] == registry.webhooks()
        assert registry.webhooks()[0].ignore_jids is None
        registry.remove_webhook("", "crm")
        assert [PLAIN] == registry.webhooks()


def test_a_changed_webhook_takes_the_place_of_what_it_was(tmp_path: Path) -> None:
    changed = msgspec.structs.replace(PLAIN, url="https://other.example/", concurrency=1)
    with Registry(tmp_path / "registry.db") as registry:
        registry.put_webhook(PLAIN)
        registry.put_webhook(changed)
        assert [changed] == registry.webhooks()


def test_the_webhooks_of_a_device_go_with_it_and_no_others(tmp_path: Path) -> None:
    with Registry(tmp_path / "registry.db") as registry:
        registry.put(Entry("shop", 1.0))
        registry.put_webhook(FULL)
        registry.put_webhook(PLAIN)
        registry.put(Entry("shop", 1.0, paired=True))
        assert [PLAIN, FULL] == registry.webhooks()
        registry.remove("shop")
        assert [FULL] == registry.webhooks()


def test_a_webhook_does_not_show_its_secrets() -> None:
    assert "hush" not in repr(FULL)
