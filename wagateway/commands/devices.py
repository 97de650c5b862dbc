"""Commands about the registry of devices, answered by the supervisor."""

from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from wagateway.commands.app import DeviceState
from wagateway.contract import Command, Route, Target

DeviceId = Annotated[str, Meta(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9][A-Za-z0-9._@:+-]*\Z")]
"""An own id or a UUID: letters, digits and . _ @ : + - after a first letter or digit."""


class DeviceInfo(msgspec.Struct, frozen=True):
    """A device as the API shows it; `id`, `name` and `device` are the real server's names for the same."""

    device_id: str
    id: str
    state: DeviceState
    created_at: str
    jid: str = ""
    display_name: str = ""
    phone_number: str = ""
    reason: str = ""
    name: str = ""
    device: str = ""


class CreateDevice(Command[DeviceInfo], frozen=True, kw_only=True):
    """Register a device; without an id it gets a UUID."""

    routes: ClassVar = (Route("POST", "/devices"),)
    target: ClassVar[Target] = "supervisor"
    done: ClassVar = "Device created successfully"
    device_id: DeviceId | None = None


class ListDevices(Command[list[DeviceInfo]], frozen=True, kw_only=True):
    """List all registered devices, oldest first."""

    routes: ClassVar = (Route("GET", "/devices"), Route("GET", "/app/devices"))
    target: ClassVar[Target] = "supervisor"
    done: ClassVar = "Devices retrieved successfully"


class GetDevice(Command[DeviceInfo], frozen=True, kw_only=True):
    """Get one device."""

    routes: ClassVar = (Route("GET", "/devices/{device_id}"),)
    target: ClassVar[Target] = "supervisor"
    done: ClassVar = "Device info"
    device_id: str


class Removed(msgspec.Struct, frozen=True):
    """What was removed; `unlinked` is false where WhatsApp could not be told."""

    device_id: str
    unlinked: bool


class RemoveDevice(Command[Removed], frozen=True, kw_only=True):
    """Log out, delete all data of the device and remove it from the registry."""

    routes: ClassVar = (Route("DELETE", "/devices/{device_id}"),)
    target: ClassVar[Target] = "supervisor"
    done: ClassVar = "Device removed"
    device_id: str


class LogoutDevice(Command[Removed], frozen=True, kw_only=True):
    """Log out and purge the device: its session, its data and its place in the registry."""

    routes: ClassVar = (
        Route("POST", "/devices/{device_id}/logout"),
        Route("GET", "/app/logout"),
        Route("POST", "/app/logout"),
    )
    target: ClassVar[Target] = "supervisor"
    done: ClassVar = "Success logout"
    device_id: str


class Reconnected(msgspec.Struct, frozen=True):
    """The state after the reconnect, which may still be `connecting`."""

    device_id: str
    state: DeviceState


class ReconnectDevice(Command[Reconnected], frozen=True, kw_only=True):
    """Reconnect a paired device to WhatsApp, in a fresh worker."""

    routes: ClassVar = (
        Route("POST", "/devices/{device_id}/reconnect"),
        Route("GET", "/app/reconnect"),
        Route("POST", "/app/reconnect"),
    )
    target: ClassVar[Target] = "supervisor"
    done: ClassVar = "Reconnect success"
    device_id: str
