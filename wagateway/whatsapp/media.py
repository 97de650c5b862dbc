"""Media files as WhatsApp stores them: encrypted and authenticated under a key of their own."""

import hashlib
import hmac
import secrets
from typing import Literal

import msgspec
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from wagateway.whatsapp.cbc import cbc_encrypt
from wagateway.whatsapp.errors import ProtocolError
from wagateway.whatsapp.keys import hkdf

MediaKind = Literal[
    "Image", "Video", "Audio", "Document", "History", "App State", "Link Thumbnail", "Sticker Pack"
]
"""What a media key is for; stickers count as images and voice notes as audio."""

_MAC_SIZE = 10
_CIPHER_BLOCK = 16


class EncryptedMedia(msgspec.Struct, frozen=True):
    """An encrypted file with what a message about it must contain; key and digests are 32 bytes."""

    media_key: bytes
    file_sha256: bytes
    file_enc_sha256: bytes
    ciphertext: bytes


def encrypt_media(plaintext: bytes, kind: MediaKind) -> EncryptedMedia:
    """Encrypt a file under a new random key."""
    media_key = secrets.token_bytes(32)
    iv, cipher_key, mac_key = _media_keys(media_key, kind)
    body = cbc_encrypt(cipher_key, iv, plaintext)
    ciphertext = body + _mac(mac_key, iv, body)
    return EncryptedMedia(
        media_key, hashlib.sha256(plaintext).digest(), hashlib.sha256(ciphertext).digest(), ciphertext
    )


class MediaDecryptor:
    """Undoes `encrypt_media` for a file that comes in blocks of any size.

    What `update` returns may be used only once `finish` has found that it is authentic.
    """

    def __init__(self, media_key: bytes, kind: MediaKind) -> None:
        iv, cipher_key, mac_key = _media_keys(media_key, kind)
        self._cipher = Cipher(AES(cipher_key), CBC(iv)).decryptor()
        self._hmac = hmac.new(mac_key, iv, "sha256")
        self._ahead = b""  # the end of what came: a part of a cipher block, and perhaps the MAC
        self._held = b""  # the end of the plaintext: perhaps the padding

    def update(self, block: bytes) -> bytes:
        """More of the plaintext."""
        data = self._ahead + block
        whole = max(len(data) - _MAC_SIZE, 0) // _CIPHER_BLOCK * _CIPHER_BLOCK
        body, self._ahead = data[:whole], data[whole:]
        self._hmac.update(body)
        plaintext = self._held + self._cipher.update(body)
        self._held = plaintext[-_CIPHER_BLOCK:]
        return plaintext[:-_CIPHER_BLOCK]

    def finish(self) -> bytes:
        """The rest of the plaintext; `ProtocolError` when file, key and kind do not belong together."""
        if not hmac.compare_digest(self._hmac.digest()[:_MAC_SIZE], self._ahead):
            raise ProtocolError("a media file's MAC does not fit")
        padding = self._held[-1] if self._held else 0
        if not 1 <= padding <= _CIPHER_BLOCK or self._held[-padding:] != bytes([padding]) * padding:
            raise ProtocolError("a media file is padded wrongly")
        return self._held[:-padding]


def _media_keys(media_key: bytes, kind: MediaKind) -> tuple[bytes, bytes, bytes]:
    keys = hkdf(media_key, 112, info=f"WhatsApp {kind} Keys".encode())
    return keys[:16], keys[16:48], keys[48:80]


def _mac(key: bytes, iv: bytes, body: bytes) -> bytes:
    return hmac.digest(key, iv + body, "sha256")[:_MAC_SIZE]
