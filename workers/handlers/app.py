"""Answers the commands about the connection of the device: its state, and logging in."""

import math
import time
from datetime import UTC, datetime

from wagateway.commands.app import (
    AnswerPasskey,
    ConfirmPasskey,
    ConnectionStatus,
    GetConnectionStatus,
    GetPasskey,
    Login,
    LoginCode,
    LoginWithCode,
    PairCode,
    Passkey,
    PasskeySent,
)
from wagateway.phone import digits, to_jid
from wagateway.problems import invalid
from workers.device import Device
from workers.unsupported import unsupported


def get_connection_status(device: Device, _command: GetConnectionStatus) -> ConnectionStatus:
    """The state as the device itself knows it."""
    return ConnectionStatus(
        device_id=device.id,
        state=device.state,
        is_connected=device.state in ("connected", "logged_in"),
        is_logged_in=device.state == "logged_in",
        jid=device.jid,
        display_name=device.display_name,
        reason=device.reason,
    )


async def login(device: Device, _command: Login) -> LoginCode:
    """The current QR code; the login under way goes on, or a new one starts."""
    shown = await device.qr()
    return LoginCode(
        device_id=device.id,
        qr_code=shown.code,
        qr_duration=max(1, math.ceil(shown.expires_at - time.time())),
        expires_at=datetime.fromtimestamp(shown.expires_at, UTC).isoformat(timespec="seconds"),
        attempt=shown.attempt,
    )


async def login_with_code(device: Device, command: LoginWithCode) -> PairCode:
    """The pairing code for the number."""
    number = digits(to_jid(command.phone))
    if not number:
        raise invalid("phone", "must be a phone number with country code")
    return PairCode(device_id=device.id, pair_code=await device.pair_code(number))


def get_passkey(device: Device, _command: GetPasskey) -> Passkey:
    """No pairing by passkey is ever under way."""
    return Passkey(device_id=device.id, status="none")


def answer_passkey(_device: Device, _command: AnswerPasskey) -> PasskeySent:
    """There is no challenge to answer."""
    raise unsupported("passkey")


def confirm_passkey(_device: Device, _command: ConfirmPasskey) -> PasskeySent:
    """There is no code to confirm."""
    raise unsupported("passkey")
