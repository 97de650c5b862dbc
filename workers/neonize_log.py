"""What neonize logs, as lines of our own log."""

import re

import structlog
from neonize.proto.Neonize_pb2 import LogEntry  # type: ignore[import-untyped, unused-ignore]

_LONGEST_LINE = 500
_CREDENTIALS = re.compile(r"//\S*@")

log = structlog.get_logger()


def write(raw: bytes, proxy: str) -> None:
    """Log a serialised `LogEntry`."""
    entry = LogEntry.FromString(raw)
    level = {"WARN": log.warning, "ERROR": log.error}.get(entry.Level, log.debug)
    level("neonize", source=entry.Name, text=fit(entry.Message, proxy))


def fit(text: str, proxy: str) -> str:
    """A text of Go's, short, and without the password that is part of the proxy's URL."""
    if proxy:
        text = _CREDENTIALS.sub("//", text.replace(proxy, "the proxy"))
    return text[:_LONGEST_LINE]
