"""HTTP/1.1 as far as the clients of WhatsApp's hosts use it."""

from collections.abc import Mapping
from http import HTTPStatus

import msgspec

from wagateway.whatsapp.errors import ProtocolError

MAX_HEAD = 16 * 1024
END = b"\r\n\r\n"


class Request(msgspec.Struct, frozen=True):
    """The head of one HTTP request; header names are lower case."""

    method: str
    target: str
    headers: dict[str, str]

    @property
    def size(self) -> int:
        """The bytes of its body; `ProtocolError` when that is not told."""
        text = self.headers.get("content-length", "0")
        if not text.isdecimal() or "transfer-encoding" in self.headers:
            raise ProtocolError("an HTTP request does not tell its length")
        return int(text)


def parse(head: bytes) -> Request:
    """A request from its head, without the empty line; raises `ProtocolError`."""
    try:
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ")
        headers = dict(line.split(":", 1) for line in lines)
    except ValueError:
        raise ProtocolError("not an HTTP request") from None
    return Request(method, target, {name.strip().lower(): value.strip() for name, value in headers.items()})


def head(status: int, size: int, kind: str = "application/octet-stream", **more: str) -> bytes:
    """The head of an answer with a body of `size` bytes; `more` are headers, with _ for -."""
    fields: Mapping[str, str] = {"Content-Type": kind, "Content-Length": str(size)} | {
        name.replace("_", "-").title(): value for name, value in more.items()
    }
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *(f"{k}: {v}" for k, v in fields.items())]
    return "\r\n".join(lines).encode() + END
