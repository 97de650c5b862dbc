"""`wagatewayctl events`: the log of a device on the terminal, without a gap or a double."""

import os
import signal
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from tests.ctl.conftest import Answering, Terminal
from wagateway.commands.events import EventPage, ListEvents
from wagateway.commands.internal import DeviceRow, DeviceTable, GetDeviceTable
from wagateway.contract import Problem
from wagateway.ctl.events import readable
from wagateway.events import Event, encode
from wagateway.problems import device_unavailable

RUNNING = DeviceRow("shop", "logged_in", "running", 1.0)
OVER = Problem(400, "VALIDATION_ERROR", "That is all")  # ends a tail, which nothing else does


def written(seq: int, event: str = "device.state", /, **payload: object) -> msgspec.Raw:
    return msgspec.Raw(
        encode(
            Event(
                event=event,
                device_id="628123@s.whatsapp.net",
                session_id="shop",
                seq=seq,
                event_id=f"evt_{seq}",
                timestamp="2026-11-24T08:57:39Z",
                payload=payload or {"state": "connected"},
            )
        )
    )


def page(*seqs: int, after: int = 0, head: int = 9, missed: int = 0) -> EventPage:
    return EventPage([written(seq) for seq in seqs], after or max(seqs, default=0), head, 1, missed)


def supervisor(ctl: Terminal, *rows: DeviceRow) -> Answering:
    answering = ctl.supervisor()
    answering.replies = {GetDeviceTable: DeviceTable(list(rows or [RUNNING]))}
    return answering


def worker(ctl: Terminal, *replies: EventPage | Problem | Callable[[], EventPage]) -> Answering:
    """Answers with one after the other."""
    left = list(replies)

    async def reply() -> Any:
        given = left.pop(0)
        return given() if callable(given) else given

    answering = ctl.worker("shop")
    answering.replies = {ListEvents: reply}
    return answering


def seqs(ctl: Terminal) -> list[int]:
    return [msgspec.json.decode(line)["seq"] for line in ctl.out.splitlines()]


def test_a_tail_begins_with_now(ctl: Terminal) -> None:
    with supervisor(ctl), worker(ctl, page(1, head=7), page(8), OVER) as asked:
        assert 1 == ctl("events", "tail", "shop", "--json")
    assert [8] == seqs(ctl)
    assert [0, 7, 8] == [each.after for each in asked.asked if isinstance(each, ListEvents)]


def test_a_tail_begins_behind_a_number_and_goes_on_where_a_page_ends(ctl: Terminal) -> None:
    pages = (page(4, 5), page(after=8), page(9))
    with supervisor(ctl), worker(ctl, *pages, OVER) as asked:
        assert 1 == ctl("events", "tail", "shop", "--after", "3", "--events", "gap,device.*", "--json")
    assert [4, 5, 9] == seqs(ctl)
    assert [3, 5, 8, 9] == [each.after for each in asked.asked if isinstance(each, ListEvents)]
    first = asked.asked[0]
    assert isinstance(first, ListEvents)
    assert (["gap", "device.*"], True) == (first.events, first.wait > 0)


def test_a_tail_outlives_a_worker_without_a_gap_or_a_double(ctl: Terminal) -> None:
    away = device_unavailable("It stopped")
    with supervisor(ctl), worker(ctl, page(4, 5), away, page(6), OVER) as asked:
        assert 1 == ctl("events", "tail", "shop", "--after", "3", "--json")
    assert [4, 5, 6] == seqs(ctl)
    assert [3, 5, 5, 6] == [each.after for each in asked.asked if isinstance(each, ListEvents)]


def test_a_tail_of_a_device_that_was_removed_ends(ctl: Terminal) -> None:
    tables = [DeviceTable([RUNNING]), DeviceTable([])]

    async def table() -> DeviceTable:
        return tables.pop(0)

    answering = supervisor(ctl)
    answering.replies[GetDeviceTable] = table
    with answering, worker(ctl, device_unavailable("It stopped")):
        assert 1 == ctl("events", "tail", "shop", "--after", "3")
    assert "shop was removed" in ctl.err


def test_a_tail_says_what_it_cannot_show_any_more(ctl: Terminal) -> None:
    with supervisor(ctl), worker(ctl, page(9, missed=5), OVER):
        assert 1 == ctl("events", "tail", "shop", "--after", "3")
    assert "5 events behind that number are not kept any more" in ctl.err


def test_ctrl_c_ends_a_tail(ctl: Terminal) -> None:
    def interrupt() -> EventPage:
        os.kill(os.getpid(), signal.SIGINT)
        return page(after=3)

    with supervisor(ctl), worker(ctl, interrupt, *[page(after=3)] * 10_000):
        code = ctl("events", "tail", "shop", "--after", "3")
    assert (130, "") == (code, ctl.err)


def test_a_reader_that_leaves_ends_a_tail_quietly(ctl: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(text: str) -> None:
        raise BrokenPipeError

    monkeypatch.setattr("wagateway.ctl.show.line", gone)
    monkeypatch.setattr("os.dup2", lambda *_: None)
    monkeypatch.setattr("sys.stdout.fileno", lambda: 1, raising=False)
    with supervisor(ctl), worker(ctl, page(4)):
        assert 0 == ctl("events", "tail", "shop", "--after", "3")
    assert "" == ctl.err


def test_kept_events_are_listed_page_by_page(ctl: Terminal) -> None:
    with supervisor(ctl), worker(ctl, page(1, 2), page(after=6), page(9)) as asked:
        assert 0 == ctl("events", "list", "shop", "--json")
    assert [1, 2, 9] == seqs(ctl)
    assert [(0, 100), (2, 98), (6, 98)] == [
        (each.after, each.limit) for each in asked.asked if isinstance(each, ListEvents)
    ]


def test_a_list_is_not_longer_than_asked_for(ctl: Terminal) -> None:
    with supervisor(ctl), worker(ctl, page(4, 5)) as asked:
        assert 0 == ctl("events", "list", "shop", "--after", "3", "--limit", "2")
    assert 2 == len(ctl.out.splitlines())
    assert [ListEvents(after=3, limit=2)] == asked.asked


@pytest.mark.parametrize(
    ("words", "sentence"), [("list shop --limit 0", "--limit"), ("tail shop --after -1", "after")]
)
def test_what_cannot_be_meant_is_refused(ctl: Terminal, words: str, sentence: str) -> None:
    assert 1 == ctl("events", *words.split())
    assert sentence in ctl.err


def test_a_line_says_when_what_and_the_facts_once() -> None:
    raw = written(
        12,
        "message",
        id="3EB0",
        chat_id="628@s.whatsapp.net",
        chat_lid="1@lid",
        **{"from": "628@s.whatsapp.net"},
        is_from_me=False,
        kind="text",
        body="Good day",
        message_id="3EB0",
        chat_jid="628@s.whatsapp.net",
        sender="628@s.whatsapp.net",
        content="Good day",
    )
    expected = (
        "2026-11-24T08:57:39Z      12 message                chat_id=628@s.whatsapp.net "
        'from=628@s.whatsapp.net kind=text message_id=3EB0 body="Good day"'
    )
    assert sorted(expected.split()) == sorted(readable(bytes(raw)).split())


def test_a_stranger_cannot_move_the_cursor_or_fill_the_screen() -> None:
    line = readable(bytes(written(1, "message", body="\x1b[2J\n\u202e" + "x" * 5000)))
    assert line.isprintable()
    assert len(line) < 300


def test_lists_and_objects_are_facts_too() -> None:
    line = readable(bytes(written(1, "group.updated", changed=["name", "topic"], locked=False, timer=0)))
    assert line.endswith("changed=name,topic locked=false timer=0")
