"""A file that comes in pieces is decrypted as if it came whole."""

import pytest

from wagateway.whatsapp.errors import ProtocolError
from wagateway.whatsapp.media import MediaDecryptor, encrypt_media


def decrypt(data: bytes, key: bytes, step: int) -> bytes:
    decryptor = MediaDecryptor(key, "Video")
    pieces = [decryptor.update(data[at : at + step]) for at in range(0, len(data), step)]
    return b"".join(pieces) + decryptor.finish()


@pytest.mark.parametrize("step", [1, 7, 16, 26, 1000])
@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 500])
def test_pieces_of_any_size_make_the_file(size: int, step: int) -> None:
    data = bytes(range(256)) * 2
    made = encrypt_media(data[:size], "Video")
    assert data[:size] == decrypt(made.ciphertext, made.media_key, step)


@pytest.mark.parametrize("change", ["cut", "flipped", "mac", "empty", "short"])
def test_what_is_not_authentic_is_refused(change: str) -> None:
    made = encrypt_media(b"x" * 100, "Video")
    good = made.ciphertext
    bad = {
        "cut": good[:-1],
        "flipped": bytes([good[0] ^ 1]) + good[1:],
        "mac": good[:-1] + bytes([good[-1] ^ 1]),
        "empty": b"",
        "short": good[-10:],
    }[change]
    with pytest.raises(ProtocolError):
        decrypt(bad, made.media_key, 16)
