"""The contract between processes: every command has exactly one place that answers it."""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any, get_type_hints

import msgspec
import pytest

from wagateway.commands import catalogue
from wagateway.contract import Command, reply_type
from wagateway.serve import collect

COMMANDS = catalogue()

# What answers the commands of a target: a package whose modules hold handlers, or one module.
ANSWERS = {
    "device": "workers.handlers",
    "supervisor": "supervisor.handlers",
    "sandbox": "wagateway.sandbox.control",
}


def modules(name: str) -> Iterator[ModuleType]:
    found = importlib.import_module(name)
    yield found
    for inner in pkgutil.iter_modules(getattr(found, "__path__", [])):
        yield importlib.import_module(f"{name}.{inner.name}")


def answered_elsewhere(command: type[Command[Any]]) -> bool:
    """What needs nothing of a device is answered by the front from its device table."""
    return command.target == "device" and command.needs == "nothing"


@pytest.mark.parametrize("target", sorted(ANSWERS))
def test_every_command_has_a_handler_where_it_is_answered(target: str) -> None:
    asked = {
        name
        for name, command in COMMANDS.items()
        if command.target == target and not answered_elsewhere(command)
    }
    assert asked
    answered = collect(modules(ANSWERS[target])).names()
    assert set() == asked - answered, "commands without a handler"
    assert set() == {name for name in answered if COMMANDS[name].target != target}


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_command_says_what_it_is_answered_with(name: str) -> None:
    assert reply_type(COMMANDS[name]) is not Any


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_command_has_a_sentence_for_the_api_document(name: str) -> None:
    assert inspect.getdoc(COMMANDS[name])


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_command_and_its_reply_can_travel(name: str) -> None:
    msgspec.msgpack.Decoder(COMMANDS[name])
    msgspec.json.Decoder(reply_type(COMMANDS[name]))


def test_no_two_commands_share_a_route() -> None:
    routes = [(route.method, route.path) for command in COMMANDS.values() for route in command.routes]
    assert sorted(set(routes)) == sorted(routes)


def test_a_name_in_a_path_is_a_field_or_selects_the_device() -> None:
    for name, command in COMMANDS.items():
        fields = set(get_type_hints(command))
        for route in command.routes:
            extra = set(re.findall(r"{(\w+)}", route.path)) - fields
            assert extra <= ({"device_id"} if command.target == "device" else set()), name


def test_commands_between_our_own_processes_have_no_route() -> None:
    internal = {name for name, command in COMMANDS.items() if command.__module__.endswith(".internal")}
    assert set() == {name for name in internal if COMMANDS[name].routes}
