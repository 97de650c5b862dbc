"""The durable table of devices."""

from pathlib import Path

from wagateway.registry import Entry, Registry


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
