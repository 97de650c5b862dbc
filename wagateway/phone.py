"""JIDs: of which kind they are, and what callers write into a `phone` field as one."""

import re
from typing import Annotated

from msgspec import Meta

from wagateway.problems import invalid

Phone = Annotated[
    str, Meta(min_length=1, max_length=128, description="A phone number with country code, or a JID")
]

USER = "s.whatsapp.net"
LID = "lid"
GROUP = "g.us"
BROADCAST = "broadcast"
NEWSLETTER = "newsletter"

_PUNCTUATION = re.compile(r"[\s().\-\u2010-\u2015]")
_LONGEST_NUMBER = 15  # digits, E.164
_PATTERNS = {
    USER: re.compile(r"[1-9][0-9]{0,14}"),
    LID: re.compile(r"[0-9]{1,20}"),
    GROUP: re.compile(r"[0-9]{5,20}(-[0-9]{5,20})?|[0-9]{16,25}"),
    NEWSLETTER: re.compile(r"[0-9]{5,25}"),
    BROADCAST: re.compile(r"status|[0-9]{5,20}"),
}


def to_jid(text: str, field: str = "phone") -> str:
    """The JID (without a device part) that a caller means.

    Accepts `628…`, `+62 8…`, `(62) 8-…`, a group id, and `user@server` with or without a device part.
    Raises 400 `VALIDATION_ERROR` that names `field`.
    """
    value = text.strip()
    if "@" in value:
        user, _, server = value.partition("@")
        server = server.lower()
        server = USER if server == "c.us" else server
        user = user.lstrip("+").split(":")[0].split(".")[0] if server in (USER, LID) else user
    else:
        user, server = _guess(value)
    pattern = _PATTERNS.get(server)
    if pattern is None or not pattern.fullmatch(user):
        if server in (GROUP, NEWSLETTER, LID, BROADCAST):
            raise invalid(field, f"is no JID that ends @{server}")
        raise invalid(field, "must be a phone number with country code and no leading 0, or a WhatsApp JID")
    return f"{user}@{server}"


def _guess(value: str) -> tuple[str, str]:
    if re.fullmatch(r"[0-9]{5,20}-[0-9]{10}", value):
        return value, GROUP  # groups of the old form: creator-timestamp
    number = _PUNCTUATION.sub("", value.removeprefix("+"))
    return number, USER if len(number) <= _LONGEST_NUMBER else GROUP


def is_group(jid: str) -> bool:
    """Whether messages to this JID go to a group."""
    return jid.endswith("@" + GROUP)


def is_newsletter(jid: str) -> bool:
    """Whether it is a newsletter."""
    return jid.endswith("@" + NEWSLETTER)


def is_person(jid: str) -> bool:
    """Whether it is a phone JID or a LID."""
    return is_phone(jid) or is_lid(jid)


def is_phone(jid: str) -> bool:
    """Whether it tells the phone number."""
    return jid.endswith("@" + USER)


def is_lid(jid: str) -> bool:
    """Whether it is a LID, which stands for a person without telling the phone number."""
    return jid.endswith("@" + LID)


def user_of(jid: str) -> str:
    """What stands before the @: what somebody is called while no name is known."""
    return jid.partition("@")[0]


def digits(jid: str) -> str:
    """The phone number of a phone JID, "" of any other: the digits of a LID are no number."""
    return user_of(jid) if is_phone(jid) else ""
