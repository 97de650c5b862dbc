"""Commands about the connection of one device: log in, status."""

from typing import ClassVar, Literal

import msgspec

from wagateway.contract import Command, Needs, Route
from wagateway.phone import Phone

DeviceState = Literal["disconnected", "connecting", "connected", "logged_in"]


class ConnectionStatus(msgspec.Struct, frozen=True):
    """The state of a device; `jid` is empty until paired, `reason` says why it is not logged in."""

    device_id: str
    state: DeviceState
    is_connected: bool
    is_logged_in: bool
    jid: str = ""
    display_name: str = ""
    reason: str = ""


class GetConnectionStatus(Command[ConnectionStatus], frozen=True, kw_only=True):
    """Get the connection state of a device."""

    routes: ClassVar = (Route("GET", "/app/status"), Route("GET", "/devices/{device_id}/status"))
    needs: ClassVar[Needs] = "nothing"
    done: ClassVar = "Connection status retrieved"


class LoginCode(msgspec.Struct, frozen=True):
    """The QR code to scan now: its text and RFC 3339 expiry; a later request gives the next one.

    `qr_duration` is in whole seconds. `attempt` counts the codes of this login from 1. The front adds
    `qr_link`, where a PNG of the code is served until it expires, and `qr_image`, the same as a data URL.
    """

    device_id: str
    qr_code: str
    qr_duration: int
    expires_at: str
    attempt: int
    qr_link: str = ""
    qr_image: str = ""


class Login(Command[LoginCode], frozen=True, kw_only=True):
    """Start a login by QR code, or get the current code of the login under way."""

    routes: ClassVar = (Route("GET", "/app/login"), Route("GET", "/devices/{device_id}/login"))
    needs: ClassVar[Needs] = "worker"
    done: ClassVar = "Login success"


class PairCode(msgspec.Struct, frozen=True):
    """The code to type into the phone, in the form ABCD-EFGH."""

    device_id: str
    pair_code: str


class LoginWithCode(Command[PairCode], frozen=True, kw_only=True):
    """Start a login by pairing code."""

    routes: ClassVar = (
        Route("GET", "/app/login-with-code"),
        Route("POST", "/app/login-with-code"),
        Route("POST", "/devices/{device_id}/login/code"),
    )
    needs: ClassVar[Needs] = "worker"
    done: ClassVar = "Login with code success"
    phone: Phone
