"""Values out of a message that a stranger wrote, in the form and size that the rest relies on."""

import math
import re
from typing import Any

# protobuf hands out a text that is not UTF-8 as bytes, so what should be a string may be either.
Text = str | bytes

_MOST = 2**53 - 1  # the largest integer that every reader of JSON keeps exactly
_JID = re.compile(r"(?P<user>[0-9A-Za-z_-]{1,64})(\.[0-9]+)?(:[0-9]+)?@(?P<server>[a-z.]{1,32})")
_MIME = re.compile(r"[\w.+-]{1,64}/[\w.+-]{1,96}(;[\x20-\x7e]{0,64})?", re.ASCII)
_SEPARATORS = re.compile(r"[/\\]")
_LONGEST_NAME = 255  # characters
_LONGEST_EXTENSION = 16
_LONGEST_TEXT = 65536  # characters: what WhatsApp's own clients let a person write


def words(value: Text) -> str:
    """A text as a string, whatever is in it, as far as a person could have written it."""
    return (value if isinstance(value, str) else value.decode(errors="replace"))[:_LONGEST_TEXT]


def lines(*values: Text) -> str:
    """The texts that are not blank, one a line."""
    texts = (words(value).strip() for value in values)
    return "\n".join(text for text in texts if text)[:_LONGEST_TEXT]


def count(value: int) -> int:
    """A number that cannot be negative, at most what JSON carries exactly."""
    return max(0, min(value, _MOST))


def finite(value: float) -> float:
    """A number that is one: 0.0 for those that JSON does not have."""
    return value if math.isfinite(value) else 0.0


def bare_jid(value: Text) -> str:
    """A JID without its device part; "" for what is none."""
    found = _JID.fullmatch(words(value))
    return f"{found['user']}@{found['server']}" if found else ""


def mime_type(value: Text) -> str:
    """A MIME type with its parameters; "" for what is none."""
    text = words(value).strip()
    return text if _MIME.fullmatch(text) else ""


def file_name(value: Text) -> str:
    """The last part of a path, without what cannot be seen, at most 255 characters; "" when nothing is left.

    An extension survives the shortening.
    """
    last = _SEPARATORS.split(words(value))[-1]
    # Also what turns the direction of writing around: it makes "gpj.exe" look like "exe.jpg".
    name = "".join(one for one in last if one.isprintable()).strip().lstrip(".").strip()
    if len(name) <= _LONGEST_NAME:
        return name
    stem, dot, extension = name.rpartition(".")
    if not dot or len(extension) > _LONGEST_EXTENSION:
        return name[:_LONGEST_NAME]
    return f"{stem[: _LONGEST_NAME - len(extension) - 1]}.{extension}"


def field(part: Any, name: str, default: Any) -> Any:
    """A field that not every kind of part has."""
    return getattr(part, name, default)
