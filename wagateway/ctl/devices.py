"""`wagatewayctl devices …`: the registry of devices and the life of their workers."""

import argparse
from typing import Any

import msgspec

from wagateway.commands.devices import (
    CreateDevice,
    GetDevice,
    ListDevices,
    LogoutDevice,
    ReconnectDevice,
    RemoveDevice,
)
from wagateway.commands.internal import RestartWorker
from wagateway.contract import Command
from wagateway.ctl import show
from wagateway.ctl.asking import Failure, Place, ask_supervisor
from wagateway.ctl.nouns import Nouns, Verb, argument

_ID = argument("id", metavar="ID", help="the device's own id or its JID")


def add(nouns: Nouns) -> None:
    """Register the verbs."""
    verbs = nouns.within("devices", "the devices: create, inspect, restart, remove")
    verbs.add("list", list_devices, "all devices, oldest first")
    verbs.add("show", _one(GetDevice), "one device", [_ID])
    new = argument("id", metavar="ID", nargs="?", help="an id of your choice; a UUID without")
    verbs.add("create", create, "register a device", [new])
    verbs.add("remove", _one(RemoveDevice), "log out and delete all data of a device", [_ID])
    verbs.add("logout", _one(LogoutDevice), "log out and purge a device", [_ID])
    verbs.add("reconnect", _one(ReconnectDevice), "reconnect a paired device to WhatsApp", [_ID])
    verbs.add("restart", _one(RestartWorker), "stop the worker of a device and start a new one", [_ID])


def list_devices(place: Place, arguments: argparse.Namespace) -> int:
    """Print the devices."""
    devices = ask_supervisor(place, ListDevices())
    if arguments.json:
        show.as_json(devices)
        return 0
    rows = [
        (each.device_id, each.state, each.jid, each.display_name, each.created_at, each.reason)
        for each in devices
    ]
    show.columns(("DEVICE", "STATE", "JID", "NAME", "CREATED", "REASON"), rows)
    return 0


def create(place: Place, arguments: argparse.Namespace) -> int:
    """Register a device and print it."""
    try:
        command = msgspec.convert({"device_id": arguments.id}, CreateDevice)
    except msgspec.ValidationError:
        raise Failure(
            "ID must be 1 to 128 letters, digits and . _ @ : + -, and begin with a letter or digit"
        ) from None
    _print(ask_supervisor(place, command), arguments.json)
    return 0


def _one(command: type[Command[Any]]) -> Verb:
    def verb(place: Place, arguments: argparse.Namespace) -> int:
        asked = msgspec.convert({"device_id": arguments.id}, command)
        _print(ask_supervisor(place, asked), arguments.json)
        return 0

    return verb


def _print(reply: msgspec.Struct, json: bool) -> None:
    if json:
        show.as_json(reply)
    else:
        show.facts(reply)
