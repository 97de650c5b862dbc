"""Curve25519 key pairs as WhatsApp uses them: Diffie-Hellman, XEdDSA signatures and HKDF."""

import hashlib
import hmac
import os
from functools import lru_cache

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from wagateway.whatsapp.errors import ProtocolError

_P = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
# Keeps the nonce's hash apart from every other hash of the private key, as the XEdDSA paper asks.
_NONCE_PREFIX = (2**256 - 2).to_bytes(32, "little")


class KeyPair(msgspec.Struct, frozen=True):
    """A Curve25519 key pair; both halves are 32 bytes."""

    private: bytes
    public: bytes

    def __repr__(self) -> str:
        return f"KeyPair(public={self.public.hex()})"

    @classmethod
    def generate(cls) -> "KeyPair":
        """A new random key pair."""
        return cls.from_private(os.urandom(32))

    @classmethod
    def from_private(cls, private: bytes) -> "KeyPair":
        """The key pair of this private key (32 bytes, clamped here)."""
        private = _clamp(private)
        return cls(private, X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw())

    def dh(self, their_public: bytes) -> bytes:
        """The 32-byte secret shared with the owner of `their_public`; `ProtocolError` for a bad key."""
        try:
            theirs = X25519PublicKey.from_public_bytes(their_public)
            return X25519PrivateKey.from_private_bytes(self.private).exchange(theirs)
        except ValueError as error:
            raise ProtocolError("not a usable Curve25519 public key") from error

    def sign(self, message: bytes) -> bytes:
        """The 64-byte XEdDSA signature of `message`; its sign bit is always 0."""
        return _sign(_signing_scalar(self.private), self.private, self.public, message)


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the 64-byte `signature` of `message` was made with the key of `public` (32 bytes)."""
    if len(public) != 32 or len(signature) != 64:
        return False
    # libsignal keeps the sign of the signer's Edwards point in the last bit of the signature.
    edwards = bytearray(_edwards(public))
    edwards[31] |= signature[63] & 0x80
    try:
        Ed25519PublicKey.from_public_bytes(bytes(edwards)).verify(
            signature[:63] + bytes([signature[63] & 0x7F]), message
        )
    except (InvalidSignature, ValueError):
        return False
    return True


def hkdf(secret: bytes, length: int, salt: bytes = b"", info: bytes = b"") -> bytes:
    """HKDF-SHA256 of `secret`, `length` bytes long."""
    key = hmac.digest(salt or bytes(32), secret, "sha256")
    block, out = b"", b""
    counter = 1
    while len(out) < length:
        block = hmac.digest(key, block + info + bytes([counter]), "sha256")
        out += block
        counter += 1
    return out[:length]


def _clamp(scalar: bytes) -> bytes:
    clamped = bytearray(scalar)
    clamped[0] &= 248
    clamped[31] = clamped[31] & 127 | 64
    return bytes(clamped)


def _edwards(public: bytes) -> bytes:
    """The y coordinate of the Edwards point of a Curve25519 public key, sign bit 0."""
    u = (int.from_bytes(public, "little") & (2**255 - 1)) % _P
    # u = -1 has no Edwards point; y = 0 then, which no signature fits.
    y = (u - 1) * pow(u + 1, -1, _P) % _P if u != _P - 1 else 0
    return y.to_bytes(32, "little")


@lru_cache(maxsize=256)
def _signing_scalar(private: bytes) -> int:
    """The private scalar, or its negative: the one whose Edwards point has sign bit 0.

    Which of the two it is cannot be asked of the library, so one signature is made and checked.
    """
    pair = KeyPair.from_private(private)
    scalar = int.from_bytes(pair.private, "little") % _ORDER
    probe = _sign(scalar, private, pair.public, b"")
    return scalar if verify(pair.public, b"", probe) else _ORDER - scalar


def _sign(scalar: int, private: bytes, public: bytes, message: bytes) -> bytes:
    seed = hashlib.sha512(_NONCE_PREFIX + private + message + os.urandom(64)).digest()
    nonce, point = _nonce(seed)
    edwards = _edwards(public)
    challenge = int.from_bytes(hashlib.sha512(point + edwards + message).digest(), "little")
    return point + ((nonce + challenge * scalar) % _ORDER).to_bytes(32, "little")


def _nonce(seed: bytes) -> tuple[int, bytes]:
    """A random scalar with its Edwards point.

    An Ed25519 key pair is such a pair, made in C; its clamped scalar covers half of all values, and
    taking its negative every second time covers the other half.
    """
    nonce = int.from_bytes(_clamp(hashlib.sha512(seed[:32]).digest()[:32]), "little") % _ORDER
    point = bytearray(Ed25519PrivateKey.from_private_bytes(seed[:32]).public_key().public_bytes_raw())
    if seed[32] & 1:
        nonce = _ORDER - nonce
        point[31] ^= 0x80
    return nonce, bytes(point)
