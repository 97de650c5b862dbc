"""The problems of fetching by URL: each is a 400 that names the field, as the client chose the URL."""

from wagateway.contract import Problem


class Refused(Problem):
    """400 `URL_FETCH_FAILED`: the server answered with a status that carries no file; `answered` is it."""

    def __init__(self, field: str, answered: int) -> None:
        super().__init__(400, "URL_FETCH_FAILED", f"{field}: the server answered with HTTP {answered}")
        self.answered = answered


def not_allowed(field: str, why: str) -> Problem:
    """The address, scheme or port is refused; `why` names the rule and no address."""
    return Problem(400, "URL_NOT_ALLOWED", f"{field}: {why}")


def failed(field: str, why: str) -> Problem:
    """The name, the server, its certificate or its answer was not good."""
    return Problem(400, "URL_FETCH_FAILED", f"{field}: {why}")


def too_large(field: str, most: int) -> Problem:
    """The file has more bytes than `most`."""
    return Problem(400, "URL_TOO_LARGE", f"{field}: the file is larger than {most:,} bytes")


def timed_out(field: str) -> Problem:
    """The server was too slow, in all or between two pieces."""
    return Problem(400, "URL_TIMEOUT", f"{field}: the server did not deliver in time")
