"""Opening what is encrypted under the secret of another message: votes in polls, edits."""

import hashlib
from collections.abc import Iterable, Sequence

import msgspec

from wagateway.whatsapp.errors import ProtocolError
from wagateway.whatsapp.polls import open_edit, open_vote
from wagateway.whatsapp.protos import E2E
from workers.content.reading import interpret
from workers.content.shapes import EDIT, Content, Sealed
from workers.content.wrappers import unwrap


def poll_secret(message: E2E.Message) -> bytes:
    """The secret of a stored message, under which votes and edits of it are encrypted; b"" without one."""
    inner, _ = unwrap(message)
    return bytes(message.messageContextInfo.messageSecret or inner.messageContextInfo.messageSecret)


def option_texts(poll: E2E.Message, hashes: Iterable[bytes]) -> list[str]:
    """The texts of the options that a vote names, in the poll's order.

    What is not an option of this poll is left out.
    """
    read = interpret(poll)
    if read is None or read.poll is None:
        return []
    chosen = set(hashes)
    return [text for text in read.poll.options if hashlib.sha256(text.encode()).digest() in chosen]


def unseal(
    read: Content, original: E2E.Message, authors: Sequence[str], senders: Sequence[str]
) -> Content | None:
    """A sealed vote or edit as it reads when opened; None when no pair of identities opens it.

    `original` is the stored message `read.target_id`, `authors` are the JIDs (phone and LID) of its author,
    `senders` those of whoever sent the vote or edit; "" among them is ignored.
    """
    secret = poll_secret(original)
    if read.sealed is None or not secret:
        return None
    # Which of its two identities each side meant is not told.
    for author in filter(None, authors):
        for sender in filter(None, senders):
            try:
                return _opened(read, read.sealed, original, secret, (author, sender))
            except ProtocolError:
                continue
    return None


def _opened(
    read: Content, sealed: Sealed, original: E2E.Message, secret: bytes, pair: tuple[str, str]
) -> Content:
    if sealed.use == "vote":
        hashes = open_vote(secret, read.target_id, *pair, sealed.payload, sealed.iv)
        texts = tuple(option_texts(original, hashes))
        return msgspec.structs.replace(read, text="\n".join(texts), choices=texts, sealed=None)
    edited = open_edit(secret, read.target_id, *pair, sealed.payload, sealed.iv)
    after = interpret(edited, edit=True) or Content(kind=EDIT)
    # The secret belongs to the target named outside: what is named inside could be any message.
    return msgspec.structs.replace(
        read, text=after.text, caption=after.caption, mentions=after.mentions, sealed=None
    )
