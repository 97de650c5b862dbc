import hashlib

import pytest

from wagateway.whatsapp.errors import ProtocolError
from wagateway.whatsapp.media import MediaDecryptor, MediaKind, encrypt_media


def decrypted(ciphertext: bytes, media_key: bytes, kind: MediaKind) -> bytes:
    decryptor = MediaDecryptor(media_key, kind)
    return decryptor.update(ciphertext) + decryptor.finish()


@pytest.mark.parametrize("size", [0, 1, 15, 16, 100_000])
def test_a_file_comes_back_as_it_was(size):
    plaintext = bytes(size)
    media = encrypt_media(plaintext, "Image")
    assert plaintext == decrypted(media.ciphertext, media.media_key, "Image")
    assert hashlib.sha256(plaintext).digest() == media.file_sha256
    assert hashlib.sha256(media.ciphertext).digest() == media.file_enc_sha256
    assert size // 16 * 16 + 26 == len(media.ciphertext)


def test_a_file_is_refused_when_altered_cut_or_of_another_kind():
    media = encrypt_media(b"text", "Document")
    for ciphertext in (media.ciphertext[:-1], b"", b"x" + media.ciphertext[1:]):
        with pytest.raises(ProtocolError):
            decrypted(ciphertext, media.media_key, "Document")
    with pytest.raises(ProtocolError):
        decrypted(media.ciphertext, media.media_key, "Video")
