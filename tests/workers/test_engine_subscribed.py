"""When the event pump ends: nothing more is taken, and after a typing notice none is asked for, for a day."""

import os
import time
from pathlib import Path
from typing import cast

import pytest

from wagateway.whatsapp.protos import bare_neonize

bare_neonize()

from workers.engine import ConnectionChange, EngineEvents  # noqa: E402
from workers.neonize_client import Client, Orders  # noqa: E402
from workers.neonize_events import SUBSCRIBED, Code  # noqa: E402
from workers.neonize_subscribed import ended, subscribed  # noqa: E402

TYPING = "proto: required field neonize.ChatPresence.Media not set"


def test_all_events_are_asked_for_at_first(tmp_path: Path) -> None:
    assert SUBSCRIBED == subscribed(tmp_path)


def test_typing_is_left_out_after_it_has_ended_the_pump(tmp_path: Path) -> None:
    ended(tmp_path, TYPING)
    assert set(SUBSCRIBED) - {Code.CHAT_PRESENCE} == set(subscribed(tmp_path))


def test_typing_is_asked_for_again_a_day_later(tmp_path: Path) -> None:
    ended(tmp_path, TYPING)
    [mark] = tmp_path.iterdir()
    yesterday = time.time() - 24 * 3600 - 1
    os.utime(mark, (yesterday, yesterday))
    assert SUBSCRIBED == subscribed(tmp_path)


def test_other_ends_change_nothing(tmp_path: Path) -> None:
    for text in ("", "no network", "proto: required field neonize.TemporaryBan.Code not set"):
        ended(tmp_path, text)
    assert SUBSCRIBED == subscribed(tmp_path)


def test_a_folder_that_cannot_be_written_is_no_failure(tmp_path: Path) -> None:
    ended(tmp_path / "gone", TYPING)
    assert SUBSCRIBED == subscribed(tmp_path / "gone")


class Ending:
    """The calls and the listener of a client whose pump ends."""

    def __init__(self) -> None:
        self.open = True
        self.done: list[object] = []

    def disconnect(self) -> None:
        self.done.append(("disconnect", self.open))

    def connection(self, change: ConnectionChange) -> None:
        self.done.append(change.reason)


@pytest.mark.parametrize("stopping", [False, True])
def test_when_the_pump_ends_unasked_nothing_more_is_taken_from_whatsapp(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stopping: bool
) -> None:
    orders = Orders(
        device_id="one",
        session=tmp_path / "session.db",
        history=tmp_path / "history",
        shown_as="test",
        debug=False,
        sandbox=None,
        proxy="",
    )
    ending = Ending()
    client = Client(orders, cast("EngineEvents", ending), lambda: None)
    monkeypatch.setattr(client, "_calls", ending)
    monkeypatch.setattr(client, "_neonize", lambda: TYPING)
    if stopping:
        client.stops()
    client._run()
    assert ([] if stopping else [("disconnect", True), "event_pump_died"]) == ending.done
    assert not ending.open
