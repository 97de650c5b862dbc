"""Every command of the product, by name."""

import functools
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from wagateway.commands import (
    app,
    calls,
    chats,
    devices,
    events,
    groups,
    internal,
    messages,
    newsletters,
    sandbox,
    sending,
    users,
    webhooks,
)
from wagateway.contract import Command

MODULES: tuple[ModuleType, ...] = (
    app,
    calls,
    chats,
    devices,
    events,
    groups,
    internal,
    messages,
    newsletters,
    sandbox.calls,
    sandbox.faults,
    sandbox.history,
    sandbox.messaging,
    sandbox.network,
    sandbox.people,
    sending,
    users,
    webhooks,
)


@functools.cache
def catalogue() -> Mapping[str, type[Command[Any]]]:
    """The commands that can be asked: all that are not only a base of others.

    Raises TypeError for two of one name.
    """
    found: dict[str, type[Command[Any]]] = {}
    for module in MODULES:
        for name, thing in vars(module).items():
            own = isinstance(thing, type) and thing.__module__ == module.__name__
            if own and issubclass(thing, Command) and not thing.__subclasses__():
                if name in found:
                    raise TypeError(f"two commands are called {name}")
                found[name] = thing
    return found
