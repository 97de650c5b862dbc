"""What somebody who asks for a file is told when it cannot be had."""

from wagateway.contract import Problem

_RETRY_AFTER = 5  # seconds


def not_found() -> Problem:
    """404: no message of this device told of such a file."""
    return Problem(404, "MEDIA_NOT_FOUND", "No message of this device has this file")


def expired(reason: str) -> Problem:
    """410: only the sender could make it available again, by sending it again."""
    return Problem(410, "MEDIA_EXPIRED", _sentence(reason))


def unavailable(reason: str, retry_after: int = 0) -> Problem:
    """502: WhatsApp did not give us the file."""
    return Problem(502, "MEDIA_UNAVAILABLE", _sentence(reason), retry_after=retry_after)


def slow() -> Problem:
    """504: the download goes on after the answer."""
    return Problem(
        504,
        "GATEWAY_TIMEOUT",
        "The file is still being downloaded; ask again later",
        retry_after=_RETRY_AFTER,
    )


def _sentence(reason: str) -> str:
    return f"The file cannot be downloaded: {reason}"
