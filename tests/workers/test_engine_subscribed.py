"""What becomes of the engine when its event pump ends, or what that calls fails."""

import os
import time
from pathlib import Path
from typing import cast

import pytest
import structlog

from wagateway.whatsapp.protos import bare_neonize

bare_neonize()

from workers.engine import ConnectionChange, EngineEvents  # noqa: E402
from workers.neonize_client import Client, Orders  # noqa: E402
from workers.neonize_events import SUBSCRIBED, Code  # noqa: E402
from workers.neonize_subscribed import ended, subscribed  # noqa: E402
from workers.patience import Stopped  # noqa: E402

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


def client_of(folder: Path, ending: Ending) -> Client:
    orders = Orders(
        device_id="one",
        session=folder / "session.db",
        history=folder / "history",
        shown_as="test",
        debug=False,
        sandbox=None,
        proxy="",
    )
    return Client(orders, cast("EngineEvents", ending), lambda: None)


def test_an_event_that_a_stopping_worker_cannot_keep_ends_quietly(tmp_path: Path) -> None:
    ending = Ending()

    def full() -> None:
        raise Stopped("STORAGE_FULL")

    with structlog.testing.capture_logs() as logged:
        client_of(tmp_path, ending)._guarded(full)()
    assert ([], []) == (logged, ending.done)


def test_a_bug_in_what_an_event_calls_ends_the_engine(tmp_path: Path) -> None:
    ending = Ending()

    def bug() -> None:
        raise RuntimeError

    with structlog.testing.capture_logs() as logged:
        client_of(tmp_path, ending)._guarded(bug)()
    assert (["engine.callback_failed"], ["callback_failed"]) == (
        [line["event"] for line in logged],
        ending.done,
    )


@pytest.mark.parametrize("stopping", [False, True])
def test_when_the_pump_ends_unasked_nothing_more_is_taken_from_whatsapp(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stopping: bool
) -> None:
    ending = Ending()
    client = client_of(tmp_path, ending)
    monkeypatch.setattr(client, "_calls", ending)
    monkeypatch.setattr(client, "_neonize", lambda: TYPING)
    if stopping:
        client.stops()
    client._run()
    assert ([] if stopping else [("disconnect", True), "event_pump_died"]) == ending.done
    assert not ending.open
