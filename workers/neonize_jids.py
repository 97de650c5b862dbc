"""JIDs as neonize has them, and as the rest of us does."""

from collections.abc import Callable

from neonize.proto import Neonize_pb2 as pb  # type: ignore[import-untyped, unused-ignore]

from wagateway.phone import LID, USER

PhoneOf = Callable[[str], str]
"""The phone JID of a LID, "" when it is not known."""

Who = Callable[[pb.JID, pb.JID | None], tuple[str, str]]
"""Somebody's JID, by phone where that is known, and LID, from one of their JIDs and maybe another."""


def jid_of(text: str) -> pb.JID:
    """The JID in that text, which has no device part."""
    user, _, server = text.partition("@")
    # Every field is required, also where it says nothing.
    return pb.JID(User=user, Server=server, RawAgent=0, Device=0, Integrator=0, IsEmpty=False)


def text_of(jid: pb.JID) -> str:
    """A JID as text without its device part; "" for an empty one."""
    return f"{jid.User}@{jid.Server}" if jid.User else ""


def device_text_of(jid: pb.JID) -> str:
    """A JID as text with its device part, which the phone itself (0) has not."""
    return f"{jid.User}:{jid.Device}@{jid.Server}" if jid.Device else text_of(jid)


def both_of(jid: pb.JID, alternative: pb.JID | None, phone_of: PhoneOf) -> tuple[str, str]:
    """The JID to use, by phone where it can be known, and the LID."""
    known = {one.Server: text_of(one) for one in (alternative, jid) if one is not None and one.User}
    if jid.Server not in (USER, LID):
        return text_of(jid), ""
    lid = known.get(LID, "")
    return known.get(USER) or phone_of(lid) or lid, lid


def parties(source: pb.MessageSource, phone_of: PhoneOf) -> tuple[str, str, str, str]:
    """Where and from whom: the chat's JID and LID, and the sender's."""
    other = source.RecipientAlt if source.IsFromMe else source.SenderAlt
    chat = both_of(source.Chat, None if source.IsGroup else other, phone_of)
    return *chat, *both_of(source.Sender, source.SenderAlt, phone_of)
