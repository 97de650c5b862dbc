"""Sender keys: one chain per sender and group, so that a group message is encrypted once."""

import secrets

import msgspec

from wagateway.whatsapp.cbc import cbc_decrypt, cbc_encrypt
from wagateway.whatsapp.errors import DuplicateMessage, ProtocolError
from wagateway.whatsapp.fields import KEY_TYPE, VERSION, Fields, versioned, write_fields
from wagateway.whatsapp.keys import KeyPair, hkdf, verify
from wagateway.whatsapp.ratchet import chain_step, walk

_SIGNATURE_SIZE = 64


class SenderKey(msgspec.Struct, frozen=True):
    """A sender's chain in one group; `private` is the signing key, empty unless the chain is ours."""

    id: int
    key: bytes
    public: bytes
    private: bytes = b""
    iteration: int = 0
    skipped: dict[int, bytes] = {}


def new_sender_key() -> SenderKey:
    """A chain of our own."""
    pair = KeyPair.generate()
    return SenderKey(secrets.randbelow(1 << 31), secrets.token_bytes(32), pair.public, pair.private)


def distribution(sender_key: SenderKey) -> bytes:
    """What others need to follow the chain from its next message on."""
    return VERSION + write_fields(
        (1, sender_key.id),
        (2, sender_key.iteration),
        (3, sender_key.key),
        (4, KEY_TYPE + sender_key.public),
    )


def read_distribution(data: bytes) -> SenderKey:
    """The chain that a `distribution` hands over; `ProtocolError` when it is malformed."""
    fields = Fields(versioned(data))
    key = fields.data(3)
    if len(key) != 32:
        raise ProtocolError("a sender key's chain key is not 32 bytes")
    return SenderKey(fields.number(1), key, fields.key(4), iteration=fields.number(2))


def group_seal(sender_key: SenderKey, plaintext: bytes) -> tuple[bytes, SenderKey]:
    """Encrypt one message under a chain of our own."""
    seed, next_key = chain_step(sender_key.key)
    iv, cipher_key = _message_keys(seed)
    message = VERSION + write_fields(
        (1, sender_key.id), (2, sender_key.iteration), (3, cbc_encrypt(cipher_key, iv, plaintext))
    )
    message += KeyPair(sender_key.private, sender_key.public).sign(message)
    return message, msgspec.structs.replace(sender_key, key=next_key, iteration=sender_key.iteration + 1)


def message_key_id(message: bytes) -> int:
    """The id of the chain that a group message was encrypted under."""
    return Fields(versioned(message[:-_SIGNATURE_SIZE])).number(1)


def group_unseal(sender_key: SenderKey, message: bytes) -> tuple[bytes, SenderKey]:
    """Decrypt one group message; `ProtocolError` when it is not of this chain or was altered."""
    body, signature = message[:-_SIGNATURE_SIZE], message[-_SIGNATURE_SIZE:]
    if not verify(sender_key.public, body, signature):
        raise ProtocolError("a group message's signature does not fit")
    fields = Fields(versioned(body))
    seed, advanced = _seed_at(sender_key, fields.number(2))
    iv, cipher_key = _message_keys(seed)
    return cbc_decrypt(cipher_key, iv, fields.data(3)), advanced


def _seed_at(sender_key: SenderKey, iteration: int) -> tuple[bytes, SenderKey]:
    if iteration >= sender_key.iteration:
        seed, key, skipped = walk(sender_key.key, sender_key.iteration, iteration, sender_key.skipped)
        return seed, msgspec.structs.replace(sender_key, key=key, iteration=iteration + 1, skipped=skipped)
    if iteration not in sender_key.skipped:
        raise DuplicateMessage("a group message's key was used before")
    skipped = dict(sender_key.skipped)
    seed = skipped.pop(iteration)
    return seed, msgspec.structs.replace(sender_key, skipped=skipped)


def _message_keys(seed: bytes) -> tuple[bytes, bytes]:
    keys = hkdf(seed, 48, info=b"WhisperGroup")
    return keys[:16], keys[16:]
