"""Every command of the product, by name."""

from types import ModuleType
from typing import Any

from wagateway.commands import app, chats, devices, internal, messages, sandbox, sending
from wagateway.contract import Command

MODULES: tuple[ModuleType, ...] = (
    app,
    chats,
    devices,
    internal,
    messages,
    sandbox.faults,
    sandbox.messaging,
    sandbox.network,
    sending,
)


def catalogue() -> dict[str, type[Command[Any]]]:
    """The commands that can be asked: all that are not only a base of others."""
    found: dict[str, type[Command[Any]]] = {}
    for module in MODULES:
        for name, thing in vars(module).items():
            own = isinstance(thing, type) and thing.__module__ == module.__name__
            if own and issubclass(thing, Command) and not thing.__subclasses__():
                found[name] = thing
    return found
