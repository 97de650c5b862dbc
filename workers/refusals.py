"""What the texts mean in which neonize reports failures, as problems that never repeat those texts.

One code per meaning: `WHATSAPP_FORBIDDEN` (401, 403), `NOT_FOUND_ON_WHATSAPP` (404), `CONFLICT` (409),
`RATE_LIMITED` (429), `INVALID_LINK` (406, 410 about an invite link), `WHATSAPP_REFUSED` (any other number);
`DEVICE_UNAVAILABLE` when there was no answer, which is never a "no".
"""

import re

from wagateway.contract import Problem
from wagateway.problems import device_unavailable
from workers.engine import Uncertain

TIMELOCK = "WA_REACHOUT_TIMELOCK"
"""The code of a send that WhatsApp refused because the account may write to no new contacts for now."""

_SERVER_ERROR = re.compile(r"server returned error (\d+)")
_UPLOAD_STATUS = re.compile(r"upload failed with status code \d+|failed to parse upload response")
_ANSWERED = re.compile(r"info query returned status (\d+)|graphql error: (\d+) ")

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
_BEFORE_CHANGING = ("failed to get ", "no app state keys", "the store doesn't contain", "client is nil")
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
    return _of_code(text) or device_unavailable(
        "WhatsApp could not be reached or did not answer", retry_after=2
    )


def of_change(text: str) -> Problem:
    """Why WhatsApp did not change something; says whether it may have."""
    if refused := _of_code(text):
        return refused
    if "error updating app state" in text:
        return Problem(502, "WHATSAPP_REFUSED", "WhatsApp refused the change")
    if text.endswith(_NOT_CONNECTED) or text.startswith(_BEFORE_CHANGING):
        return device_unavailable("WhatsApp could not be reached; nothing was changed", retry_after=2)
    return device_unavailable(
        "WhatsApp did not answer; whether the change was made is not known", retry_after=5
    )


def of_group(text: str, *, change: bool = False) -> Problem:
    """Why something about a group was not told, or with `change` not done."""
    if "not participating in that group" in text or "have the permission" in text:
        return _forbidden()
    if "that group does not exist" in text:
        return not_on_whatsapp("WhatsApp knows no such group")
    if "invalid disappearing timer" in text:
        return Problem(400, "WHATSAPP_REFUSED", "WhatsApp does not take this disappearing timer")
    return of_change(text) if change else of_query(text)


def of_link(text: str, *, change: bool = False) -> Problem:
    """Why an invite link could not be used: 400 `INVALID_LINK`, unless it is not the link's fault."""
    code = _code_of(text)
    if "invite link has been revoked" in text or code == "410":
        return Problem(400, "INVALID_LINK", "This invite link was revoked")
    if "invite link is not valid" in text or code in ("404", "406"):
        return Problem(400, "INVALID_LINK", "This is no invite link of WhatsApp's")
    return of_change(text) if change else of_query(text)


def of_user(text: str, *, change: bool = False) -> Problem:
    """Why something about a person was not told, or with `change` not done."""
    if "no LID found for" in text:
        return not_on_whatsapp("This number is not on WhatsApp")
    return of_change(text) if change else of_query(text)


def of_newsletter(text: str) -> Problem:
    """Why something about a newsletter was not changed."""
    if _code_of(text) in ("401", "403"):
        return Problem(
            403,
            "WHATSAPP_FORBIDDEN",
            "This account does not follow this newsletter, or may not do that",
        )
    return of_change(text)


def of_picture(text: str) -> Problem:
    """Why a picture was not set."""
    if "not a valid image" in text:
        return Problem(400, "WHATSAPP_REFUSED", "WhatsApp does not take this picture")
    return of_change(text)


def not_on_whatsapp(what: str) -> Problem:
    """404: what was asked about does not exist."""
    return Problem(404, "NOT_FOUND_ON_WHATSAPP", what)


def _of_code(text: str) -> Problem | None:
    """What WhatsApp's own number means; None when it has not answered with one."""
    match _code_of(text):
        case None:
            return None
        case "401" | "403":
            return _forbidden()
        case "404":
            return not_on_whatsapp("WhatsApp does not know what was asked for")
        case "409":
            return Problem(409, "CONFLICT", "WhatsApp says that this is so already, or was changed meanwhile")
        case "429":
            return Problem(429, "RATE_LIMITED", "WhatsApp asks to slow down; try again later", retry_after=60)
        case code:
            status = 400 if code.startswith("4") else 502
            return Problem(status, "WHATSAPP_REFUSED", f"WhatsApp refused the request with error {code}")


def _code_of(text: str) -> str | None:
    found = _ANSWERED.search(text)
    return (found[1] or found[2]) if found else None


def _forbidden() -> Problem:
    return Problem(
        403,
        "WHATSAPP_FORBIDDEN",
        "WhatsApp does not let this account do that; in a group, it must be a member or an administrator",
    )


def _refused_send(code: str) -> Problem:
    if code == _REACHOUT_TIMELOCK:
        return Problem(
            429,
            TIMELOCK,
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
