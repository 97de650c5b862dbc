"""AES-256-CBC with PKCS #7 padding, the cipher of messages, media and app state."""

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from wagateway.whatsapp.errors import ProtocolError


def cbc_encrypt(key: bytes, iv: bytes, plaintext: bytes) -> bytes:
    """`plaintext`, padded and encrypted under a 32-byte key and a 16-byte IV."""
    padding = 16 - len(plaintext) % 16
    encryptor = Cipher(AES(key), CBC(iv)).encryptor()
    return encryptor.update(plaintext + bytes([padding]) * padding) + encryptor.finalize()


def cbc_decrypt(key: bytes, iv: bytes, ciphertext: bytes) -> bytes:
    """Undo `cbc_encrypt`; `ProtocolError` when length or padding are impossible."""
    if not ciphertext or len(ciphertext) % 16:
        raise ProtocolError("a ciphertext is not made of whole blocks")
    decryptor = Cipher(AES(key), CBC(iv)).decryptor()
    padded = decryptor.update(ciphertext) + decryptor.finalize()
    padding = padded[-1]
    if not 1 <= padding <= 16 or padded[-padding:] != bytes([padding]) * padding:
        raise ProtocolError("a ciphertext is padded wrongly")
    return padded[:-padding]
