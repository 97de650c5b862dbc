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


PasskeyStep = Literal["none", "awaiting_response", "awaiting_confirmation"]


class Passkey(msgspec.Struct, frozen=True):
    """Where a pairing by passkey is; `challenge` is null while there is none."""

    device_id: str
    status: PasskeyStep
    challenge: dict[str, str] | None = None
    code: str = ""
    skip_handoff_ux: bool = False


class GetPasskey(Command[Passkey], frozen=True, kw_only=True):
    """Get the state of a pairing by passkey; neonize has none, so it is always `none`."""

    routes: ClassVar = (Route("GET", "/app/passkey"),)
    needs: ClassVar[Needs] = "worker"
    done: ClassVar = "Passkey pairing status"


class PasskeySent(msgspec.Struct, frozen=True):
    """Which device."""

    device_id: str


class Assertion(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The signed part of a WebAuthn assertion, each in base64url."""

    client_data_json: str = msgspec.field(name="clientDataJSON")
    authenticator_data: str
    signature: str
    user_handle: str | None = None


class AnswerPasskey(Command[PasskeySent], frozen=True, kw_only=True, rename={"raw_id": "rawId"}):
    """Answer the challenge of a pairing by passkey with a WebAuthn assertion.

    neonize cannot do it: it is answered with 501 `ENGINE_UNSUPPORTED`.
    """

    routes: ClassVar = (Route("POST", "/app/passkey/response"),)
    needs: ClassVar[Needs] = "worker"
    done: ClassVar = "Passkey response sent"
    id: str
    raw_id: str
    type: Literal["public-key"]
    response: Assertion


class ConfirmPasskey(Command[PasskeySent], frozen=True, kw_only=True):
    """Confirm the code of a pairing by passkey.

    neonize cannot do it: it is answered with 501 `ENGINE_UNSUPPORTED`.
    """

    routes: ClassVar = (Route("POST", "/app/passkey/confirm"),)
    needs: ClassVar[Needs] = "worker"
    done: ClassVar = "Passkey pairing confirmed"
