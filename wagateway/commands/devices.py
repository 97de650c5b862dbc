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


WebhookUrl = Annotated[str, Meta(max_length=2048, description='An http or https URL, or ""')]
WebhookSecret = Annotated[str, Meta(max_length=256)]
WebhookEvents = Annotated[str, Meta(max_length=1024, description='Names of events, comma separated; "": all')]
ProxyUrl = Annotated[str, Meta(max_length=512, description='An http, https or socks5 URL, or ""')]


class DeviceWebhook(msgspec.Struct, frozen=True):
    """The webhook of a device, in place of the gateway's; "" where the gateway's holds.

    The secret is shown as `***`.
    """

    device_id: str
    webhook_url: str
    webhook_secret: str
    webhook_events: str
    webhook_insecure_skip_verify: bool


class CreatedDevice(DeviceInfo, frozen=True, kw_only=True):
    """A new device with its webhook."""

    webhook_url: str = ""
    webhook_secret: str = ""
    webhook_events: str = ""
    webhook_insecure_skip_verify: bool = False


class CreateDevice(Command[CreatedDevice], frozen=True, kw_only=True):
    """Register a device; without an id it gets a UUID. Webhook and proxy take the place of the gateway's."""

    routes: ClassVar = (Route("POST", "/devices"),)
    target: ClassVar[Target] = "supervisor"
    done: ClassVar = "Device created successfully"
    device_id: DeviceId | None = None
    webhook_url: WebhookUrl = ""
    webhook_secret: WebhookSecret = ""
    webhook_events: WebhookEvents = ""
    webhook_insecure_skip_verify: bool = False
    proxy: ProxyUrl = ""


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


class GetDeviceWebhook(Command[DeviceWebhook], frozen=True, kw_only=True):
    """Get the webhook of a device."""

    routes: ClassVar = (Route("GET", "/devices/{device_id}/webhook"),)
    target: ClassVar[Target] = "supervisor"
    done: ClassVar = "Device webhook retrieved"
    device_id: str


class SetDeviceWebhook(Command[DeviceWebhook], frozen=True, kw_only=True):
    """Change the webhook of a device at once; what is not given stays, "" gives it up for the gateway's."""

    routes: ClassVar = (Route("PATCH", "/devices/{device_id}/webhook"),)
    target: ClassVar[Target] = "supervisor"
    done: ClassVar = "Device webhook updated"
    device_id: str
    webhook_url: WebhookUrl | None = None
    webhook_secret: WebhookSecret | None = None
    webhook_events: WebhookEvents | None = None
    webhook_insecure_skip_verify: bool | None = None


class DeviceProxy(msgspec.Struct, frozen=True):
    """The proxy of a device, without its password; "" where the gateway's holds."""

    device_id: str
    proxy: str


class GetDeviceProxy(Command[DeviceProxy], frozen=True, kw_only=True):
    """Get the proxy through which a device reaches WhatsApp."""

    routes: ClassVar = (Route("GET", "/devices/{device_id}/proxy"),)
    target: ClassVar[Target] = "supervisor"
    done: ClassVar = "Device proxy retrieved"
    device_id: str


class SetDeviceProxy(Command[DeviceProxy], frozen=True, kw_only=True):
    """Set the proxy through which a device reaches WhatsApp, and reconnect it; "" gives it up."""

    routes: ClassVar = (Route("PUT", "/devices/{device_id}/proxy"),)
    target: ClassVar[Target] = "supervisor"
    done: ClassVar = "Device proxy updated"
    device_id: str
    proxy: ProxyUrl
