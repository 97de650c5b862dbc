"""Poll votes and edits that are encrypted under the secret of the message they are about."""

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from typing import Literal

from google.protobuf.message import DecodeError

from wagateway.whatsapp.errors import ProtocolError
from wagateway.whatsapp.protos import E2E
from wagateway.whatsapp.stanza import Jid

_Use = Literal["Poll Vote", "Message Edit"]

_VOTE: _Use = "Poll Vote"
_EDIT: _Use = "Message Edit"
_IV_SIZE = 12


def vote_hashes(options: Iterable[str]) -> list[bytes]:
    """How a vote names these options: the SHA-256 of each text."""
    return [hashlib.sha256(option.encode()).digest() for option in options]


def seal_vote(
    secret: bytes, poll_id: str, asker: str, voter: str, options: Iterable[str]
) -> tuple[bytes, bytes]:
    """The encrypted vote for these option texts (none: withdrawn) and its 12-byte IV.

    `secret` is the poll's messageSecret (32 bytes). `asker` and `voter` are JIDs, both in the namespace of
    the chat; a device part does not matter.
    """
    vote = E2E.PollVoteMessage(selectedOptions=vote_hashes(options)).SerializeToString()
    return _seal(secret, poll_id, asker, voter, vote, _VOTE)


def open_vote(secret: bytes, poll_id: str, asker: str, voter: str, payload: bytes, iv: bytes) -> list[bytes]:
    """The hashes of the options that a vote is for; `ProtocolError` when anything does not fit."""
    plaintext = _open(secret, poll_id, asker, voter, payload, iv, _VOTE)
    try:
        return list(E2E.PollVoteMessage.FromString(plaintext).selectedOptions)
    except DecodeError:
        raise ProtocolError("a poll vote is not what it should be inside") from None


def seal_edit(
    secret: bytes, message_id: str, author: str, editor: str, message: E2E.Message
) -> tuple[bytes, bytes]:
    """The encrypted new version of a message and its IV, for a secretEncryptedMessage."""
    return _seal(secret, message_id, author, editor, message.SerializeToString(), _EDIT)


def open_edit(
    secret: bytes, message_id: str, author: str, editor: str, payload: bytes, iv: bytes
) -> E2E.Message:
    """What a secretEncryptedMessage makes of a message: an `E2E.Message`; `ProtocolError` as `open_vote`."""
    plaintext = _open(secret, message_id, author, editor, payload, iv, _EDIT)
    try:
        return E2E.Message.FromString(plaintext)
    except DecodeError:
        raise ProtocolError("an encrypted edit is not what it should be inside") from None


def _seal(
    secret: bytes,
    id_: str,
    author: str,
    actor: str,
    plaintext: bytes,
    use: _Use,
) -> tuple[bytes, bytes]:
    # Most workers never meet a vote, so only those that do pay for the library.
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    key, about = _key(secret, id_, author, actor, use)
    iv = secrets.token_bytes(_IV_SIZE)
    return AESGCM(key).encrypt(iv, plaintext, about), iv


def _open(
    secret: bytes,
    id_: str,
    author: str,
    actor: str,
    payload: bytes,
    iv: bytes,
    use: _Use,
) -> bytes:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    key, about = _key(secret, id_, author, actor, use)
    try:
        return AESGCM(key).decrypt(iv, payload, about)
    except (InvalidTag, ValueError):  # the latter for an IV of no possible length
        raise ProtocolError("an encrypted vote or edit does not fit the secret it should") from None


def _key(secret: bytes, id_: str, author: str, actor: str, use: _Use) -> tuple[bytes, bytes | None]:
    actor = _bare(actor)
    info = f"{id_}{_bare(author)}{actor}{use}".encode()
    # HKDF-SHA256 of one block, by hand because keys.py needs the library.
    key = hmac.digest(hmac.digest(bytes(32), secret, "sha256"), info + b"\x01", "sha256")
    return key, f"{id_}\x00{actor}".encode() if use == _VOTE else None


def _bare(jid: str) -> str:
    return str(Jid.parse(jid).bare())
