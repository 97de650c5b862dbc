"""The cryptography of pairing codes: a short code hides the keys that two devices exchange."""

import hashlib
import os

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from wagateway.whatsapp.keys import hkdf

_ROUNDS = 131_072


def wrap(code: bytes, public: bytes) -> bytes:
    """A public key (32 bytes) hidden under a code without its dash: 80 bytes."""
    salt, iv = os.urandom(32), os.urandom(16)
    return salt + iv + _cipher(code, salt, iv, public)


def unwrap(code: bytes, wrapped: bytes) -> bytes:
    """The public key in what `wrap` made; another code gives another key and no error."""
    return _cipher(code, wrapped[:32], wrapped[32:48], wrapped[48:80])


def open_bundle(shared: bytes, bundle: bytes) -> bytes:
    """Both identities and 32 random bytes; raises `InvalidTag` when the codes were not the same."""
    key = hkdf(shared, 32, salt=bundle[:32], info=b"link_code_pairing_key_bundle_encryption_key")
    return AESGCM(key).decrypt(bundle[32:44], bundle[44:], None)


def _cipher(code: bytes, salt: bytes, iv: bytes, data: bytes) -> bytes:
    key = hashlib.pbkdf2_hmac("sha256", code, salt, _ROUNDS, 32)
    cipher = Cipher(algorithms.AES(key), modes.CTR(iv)).encryptor()
    return cipher.update(data) + cipher.finalize()
