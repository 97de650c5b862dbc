"""What a field of a command names, checked to be of the kind that it is about."""

import re

from wagateway.phone import NEWSLETTER, is_group, is_newsletter, is_person, to_jid
from wagateway.problems import invalid

_HOST = r"(?:https?://)?(?:www\.)?"
_CODE = r"([A-Za-z0-9_-]{8,64})/?(?:[?#].*)?"
_GROUP_LINK = re.compile(rf"(?:{_HOST}chat\.whatsapp\.com/(?:invite/)?)?{_CODE}", re.IGNORECASE)
_CHANNEL_LINK = re.compile(rf"(?:{_HOST}whatsapp\.com/channel/)?{_CODE}", re.IGNORECASE)


def group_jid(text: str, field: str) -> str:
    """The JID of a group; raises 400 that names `field` for anything else."""
    jid = to_jid(text, field)
    if not is_group(jid):
        raise invalid(field, "must be a group")
    return jid


def person_jid(text: str, field: str) -> str:
    """The phone JID or LID of a person; raises 400 that names `field` for anything else."""
    jid = to_jid(text, field)
    if not is_person(jid):
        raise invalid(field, "must be a person")
    return jid


def newsletter_jid(text: str, field: str) -> str:
    """The JID of a newsletter; raises 400 that names `field` for anything else."""
    if not is_newsletter(text.strip()):
        raise invalid(field, f"must be a newsletter: …@{NEWSLETTER}")
    return to_jid(text, field)


def group_code(link: str, field: str) -> str:
    """The code in an invite link of a group, or the bare code; raises 400 that names `field`."""
    return _code(_GROUP_LINK, link, field, "https://chat.whatsapp.com/…")


def channel_code(link: str, field: str) -> str:
    """The code in an invite link of a newsletter, or the bare code; raises 400 that names `field`."""
    return _code(_CHANNEL_LINK, link, field, "https://whatsapp.com/channel/…")


def _code(pattern: re.Pattern[str], link: str, field: str, form: str) -> str:
    found = pattern.fullmatch(link.strip())
    if found is None:
        raise invalid(field, f"must be an invite link ({form}) or the code in it")
    return found[1]
