"""The README tells of every setting, exit code and word of wagatewayctl that there is."""

from pathlib import Path

import pytest

from tests.contracts import events_table
from wagateway.commands import catalogue
from wagateway.ctl.main import nouns
from wagateway.exits import PARKS, Exit
from wagateway.settings.loading import declared

README = (Path(__file__).parent.parent.parent / "README.md").read_text()


@pytest.mark.parametrize("name", sorted(declared()))
def test_a_setting_has_a_row(name: str) -> None:
    _, meta = declared()[name]
    assert f"| `{meta['env']}` | `{meta['flag']}` |" in README


@pytest.mark.parametrize("code", list(Exit))
def test_an_exit_code_has_a_row_that_says_whether_it_parks(code: Exit) -> None:
    (row,) = [
        line for line in README.splitlines() if line.startswith(f"| {code.value} | `{code.name.lower()}` |")
    ]
    assert (code in PARKS) == row.endswith("| parked |")


@pytest.mark.parametrize("noun", nouns())
def test_a_word_of_wagatewayctl_has_a_row(noun: str) -> None:
    assert f"| `{noun}" in README


def test_a_route_is_named() -> None:
    commands = [command for command in catalogue().values() if command.target != "sandbox"]
    routes = {route.path for command in commands for route in command.routes}
    readable = README.replace("{id}", "{device_id}").replace("{jid}", "{chat_jid}")
    assert set() == {path for path in routes if path not in readable}


def test_the_table_of_events_is_the_one_of_the_catalogue() -> None:
    """`python -m tests.contracts.events_table` prints it."""
    begin, end = "<!-- events: begin -->", "<!-- events: end -->"
    assert list(events_table.table()) == README.partition(begin)[2].partition(end)[0].strip().splitlines()
