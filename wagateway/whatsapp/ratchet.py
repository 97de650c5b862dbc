"""One Signal session: the double ratchet that two devices turn with every message."""

import hmac

import msgspec

from wagateway.whatsapp.cbc import cbc_decrypt, cbc_encrypt
from wagateway.whatsapp.errors import DuplicateMessage, ProtocolError
from wagateway.whatsapp.fields import KEY_TYPE, VERSION, Fields, versioned, write_fields
from wagateway.whatsapp.keys import KeyPair, hkdf

MAX_SKIPPED = 2000
"""How far a message may run ahead of its chain, and how many unused keys a chain keeps."""
MAX_CHAINS = 5
_MAC_SIZE = 8


class ReceivingChain(msgspec.Struct, frozen=True):
    """The keys of what they send under one ratchet key; `skipped` are seeds of messages not seen yet."""

    ratchet: bytes
    key: bytes
    index: int = 0
    skipped: dict[int, bytes] = {}


class Pending(msgspec.Struct, frozen=True):
    """Which of their prekeys our first messages name, until they answer."""

    one_time_id: int | None
    signed_id: int


class Session(msgspec.Struct, frozen=True):
    """All of one session; every message makes a new one, so a failed decryption changes nothing.

    `base` is the key that the session began with, by which a repeated first message is recognised.
    """

    their_identity: bytes
    base: bytes
    root: bytes
    ratchet: KeyPair
    key: bytes
    index: int = 0
    previous: int = 0
    receiving: tuple[ReceivingChain, ...] = ()
    pending: Pending | None = None


def seal(session: Session, identity: KeyPair, plaintext: bytes) -> tuple[bytes, Session]:
    """Encrypt one message under `session`, as the owner of `identity`."""
    seed, next_key = chain_step(session.key)
    cipher_key, mac_key, iv = _message_keys(seed)
    message = VERSION + write_fields(
        (1, KEY_TYPE + session.ratchet.public),
        (2, session.index),
        (3, session.previous),
        (4, cbc_encrypt(cipher_key, iv, plaintext)),
    )
    message += _mac(mac_key, identity.public, session.their_identity, message)
    return message, msgspec.structs.replace(session, key=next_key, index=session.index + 1)


def unseal(session: Session, identity: KeyPair, message: bytes) -> tuple[bytes, Session]:
    """Decrypt one message; `ProtocolError` when it is not of this session or was altered."""
    body, mac = message[:-_MAC_SIZE], message[-_MAC_SIZE:]
    fields = Fields(versioned(body))
    ratchet, counter, ciphertext = fields.key(1), fields.number(2), fields.data(4)
    chain = next((chain for chain in session.receiving if chain.ratchet == ratchet), None)
    root = session.root
    if turned := chain is None:
        root, key = root_step(root, session.ratchet.dh(ratchet))
        chain = ReceivingChain(ratchet, key)
    seed, advanced = _seed_at(chain, counter)
    cipher_key, mac_key, iv = _message_keys(seed)
    if not hmac.compare_digest(_mac(mac_key, session.their_identity, identity.public, body), mac):
        raise ProtocolError("a message's MAC does not fit")
    plaintext = cbc_decrypt(cipher_key, iv, ciphertext)
    if turned:
        return plaintext, _turn(session, root, advanced)
    chains = tuple(advanced if old is chain else old for old in session.receiving)
    return plaintext, msgspec.structs.replace(session, receiving=chains, pending=None)


def chain_step(key: bytes) -> tuple[bytes, bytes]:
    """The message seed of a chain key, and the next chain key."""
    return hmac.digest(key, b"\x01", "sha256"), hmac.digest(key, b"\x02", "sha256")


def root_step(root: bytes, secret: bytes) -> tuple[bytes, bytes]:
    """The next root key and a new chain key."""
    both = hkdf(secret, 64, salt=root, info=b"WhisperRatchet")
    return both[:32], both[32:]


def walk(
    key: bytes, index: int, target: int, skipped: dict[int, bytes]
) -> tuple[bytes, bytes, dict[int, bytes]]:
    """Step a chain at `index` to `target`: that message's seed, the chain key after it, what was skipped.

    `ProtocolError` when `target` is more than `MAX_SKIPPED` ahead.
    """
    if target - index > MAX_SKIPPED:
        raise ProtocolError("a message runs too far ahead of its chain")
    if target > index:
        skipped = dict(skipped)
    while index < target:
        skipped[index], key = chain_step(key)
        index += 1
    for oldest in list(skipped)[: max(0, len(skipped) - MAX_SKIPPED)]:
        del skipped[oldest]
    seed, key = chain_step(key)
    return seed, key, skipped


def _seed_at(chain: ReceivingChain, counter: int) -> tuple[bytes, ReceivingChain]:
    if counter >= chain.index:
        seed, key, skipped = walk(chain.key, chain.index, counter, chain.skipped)
        return seed, ReceivingChain(chain.ratchet, key, counter + 1, skipped)
    if counter not in chain.skipped:
        raise DuplicateMessage("a message's key was used before")
    skipped = dict(chain.skipped)
    seed = skipped.pop(counter)
    return seed, msgspec.structs.replace(chain, skipped=skipped)


def _turn(session: Session, root: bytes, chain: ReceivingChain) -> Session:
    ours = KeyPair.generate()
    root, key = root_step(root, ours.dh(chain.ratchet))
    return msgspec.structs.replace(
        session,
        root=root,
        ratchet=ours,
        key=key,
        index=0,
        previous=max(session.index - 1, 0),
        receiving=(chain, *session.receiving)[:MAX_CHAINS],
        pending=None,
    )


def _message_keys(seed: bytes) -> tuple[bytes, bytes, bytes]:
    keys = hkdf(seed, 80, info=b"WhisperMessageKeys")
    return keys[:32], keys[32:64], keys[64:]


def _mac(key: bytes, sender: bytes, receiver: bytes, message: bytes) -> bytes:
    return hmac.digest(key, KEY_TYPE + sender + KEY_TYPE + receiver + message, "sha256")[:_MAC_SIZE]
