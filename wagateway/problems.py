"""Every problem that more than one place raises, so that one failure has one code and one sentence."""

from wagateway.contract import Problem


def bug() -> Problem:
    """500: a bug of ours, which the log has."""
    return Problem(500, "INTERNAL_SERVER_ERROR", "Internal error; the log has the details")


def invalid(field: str, what: str) -> Problem:
    """400: a value that cannot be used; `field` names it."""
    return Problem(400, "VALIDATION_ERROR", f"{field}: {what}.")


def device_id_required(registered: int) -> Problem:
    """400: nothing says which device is meant."""
    text = "Multiple devices registered" if registered else "No device registered"
    return Problem(
        400,
        "DEVICE_ID_REQUIRED",
        f"{text}, device_id is required via X-Device-Id header or device_id query",
    )


def device_not_found(device_id: str) -> Problem:
    """404: no device has this id or JID."""
    return Problem(
        404, "DEVICE_NOT_FOUND", f"Device '{device_id}' not found", result={"device_id": device_id}
    )


def device_not_logged_in(device_id: str) -> Problem:
    """401, the status of the real server, with the guide's code."""
    return Problem(401, "DEVICE_NOT_LOGGED_IN", f"Device '{device_id}' is not logged in")


def device_unavailable(why: str, retry_after: int = 1) -> Problem:
    """503: the worker of the device is not there to answer; another try may succeed."""
    return Problem(503, "DEVICE_UNAVAILABLE", why, retry_after=retry_after)


def outcome_unknown() -> Problem:
    """503: WhatsApp may or may not have the message, and sending it anew could double it."""
    return Problem(
        503,
        "OUTCOME_UNKNOWN",
        "The device stopped while this message was being sent; whether WhatsApp has it is not known. "
        "It is not sent again: use a new Idempotency-Key to send it anyway",
    )


def storage_full(retry_after: int = 10) -> Problem:
    """507: there is no room for it on the disk."""
    return Problem(507, "STORAGE_FULL", "The disk is full; nothing was stored", retry_after=retry_after)


def storage_failed(retry_after: int = 5) -> Problem:
    """503: the disk refused it."""
    return Problem(503, "STORAGE_FAILED", "The disk failed; nothing was stored", retry_after=retry_after)


def timed_out(retry_after: int = 1) -> Problem:
    """504: the deadline passed before the answer."""
    return Problem(
        504,
        "GATEWAY_TIMEOUT",
        "The device did not answer in time; if this request was to send or change something, whether that "
        "was done is not known",
        retry_after=retry_after,
    )


def not_begun() -> Problem:
    """504: others took so long that its caller has gone before it was begun."""
    return Problem(504, "GATEWAY_TIMEOUT", "There was no time left for it; nothing was done", retry_after=1)


def message_not_found(message_id: str) -> Problem:
    """404: no stored message of this device has this id, or not in this chat."""
    return Problem(
        404, "MESSAGE_NOT_FOUND", f"Message '{message_id}' is not stored", result={"message_id": message_id}
    )


def not_in_time() -> Problem:
    """504: preparing the message took longer than its caller waits, and so it was not sent."""
    return Problem(
        504, "GATEWAY_TIMEOUT", "The message was not ready in time, and was not sent", retry_after=1
    )
