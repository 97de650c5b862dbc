"""What the texts mean in which neonize reports failures, as problems that never repeat those texts."""

import re

from wagateway.contract import Problem
from wagateway.problems import device_unavailable
from workers.engine import Uncertain

_SERVER_ERROR = re.compile(r"server returned error (\d+)")
_UPLOAD_STATUS = re.compile(r"upload failed with status code \d+|failed to parse upload response")
_INFO_ERROR = re.compile(r"info query returned status (\d+)")

_NOT_CONNECTED = ("websocket not connected", "frame socket is closed")
_NO_SUCH_CHAT = (
    "no LID found for",
    "you're not participating in that group",
    "that group does not exist",
    "can't send message to unknown server",
    "message recipient must be a user JID",
    "sending to non-status broadcast lists",
)
_BEFORE_SENDING = ("failed to ", "the store doesn't contain a device JID", "client is nil")
_NODE_LEFT = "failed to send message node:"
_REACHOUT_TIMELOCK = "463"
_TOO_MANY = "429"


def of_send(text: str) -> Problem:
    """Why a message was not acknowledged; `Uncertain` unless it is sure that WhatsApp has not got it."""
    if code := _SERVER_ERROR.match(text):
        return _refused_send(code[1])
    if any(part in text for part in _NO_SUCH_CHAT):
        return Problem(
            400, "INVALID_JID", "This number is not on WhatsApp, or this account is not in that group"
        )
    if text.startswith(_NODE_LEFT) and not text.endswith(_NOT_CONNECTED):
        return Uncertain("The connection broke while the message was being sent")
    if text.startswith(_BEFORE_SENDING):
        return device_unavailable("WhatsApp could not be reached; the message was not sent", retry_after=2)
    if text.startswith("timed out waiting for message send response"):
        return Uncertain("WhatsApp did not acknowledge the message in time")
    return Uncertain("The connection to WhatsApp broke before the message was acknowledged")


def of_upload(text: str) -> Problem:
    """Why a file was not uploaded; the message about it was not sent."""
    if _UPLOAD_STATUS.search(text) is None:
        return device_unavailable(
            "WhatsApp's media servers could not be reached; the message was not sent", retry_after=2
        )
    return Problem(
        502, "UPLOAD_MEDIA_ERROR", "WhatsApp did not take the file; the message was not sent", retry_after=5
    )


def of_query(text: str) -> Problem:
    """Why a question to WhatsApp was not answered."""
    code = _INFO_ERROR.search(text)
    if code and code[1] == _TOO_MANY:
        return Problem(429, "RATE_LIMITED", "WhatsApp asks to slow down; try again later", retry_after=60)
    if any(part in text for part in _NO_SUCH_CHAT):
        return Problem(400, "INVALID_JID", "This account is not in that group, or the group does not exist")
    if "without PushName" in text:
        return device_unavailable(
            "WhatsApp has not told the account's name to this device yet; try again", retry_after=2
        )
    if "phone number" in text:
        return Problem(
            400, "VALIDATION_ERROR", "phone: must be a phone number with country code and no leading 0."
        )
    if code:
        return Problem(502, "WHATSAPP_REFUSED", f"WhatsApp refused the request with error {code[1]}")
    return device_unavailable("WhatsApp could not be reached or did not answer", retry_after=2)


def _refused_send(code: str) -> Problem:
    if code == _REACHOUT_TIMELOCK:
        return Problem(
            429,
            "WA_REACHOUT_TIMELOCK",
            "WhatsApp does not let this account write to new contacts for now (error 463); "
            "the message was not sent",
            retry_after=3600,
        )
    if code == _TOO_MANY:
        return Problem(
            429, "RATE_LIMITED", "WhatsApp asks to slow down; the message was not sent", retry_after=60
        )
    return Problem(
        502, "WHATSAPP_REFUSED", f"WhatsApp refused the message with error {code}; it was not sent"
    )
