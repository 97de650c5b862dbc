import hashlib

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from wagateway.whatsapp.errors import ProtocolError
from wagateway.whatsapp.keys import KeyPair, hkdf, verify


def test_both_ends_of_a_diffie_hellman_get_one_secret():
    a, b = KeyPair.generate(), KeyPair.generate()
    assert a.dh(b.public) == b.dh(a.public)


@pytest.mark.parametrize("round_", range(8))
def test_a_signature_verifies_for_either_sign_of_the_key(round_):
    pair = KeyPair.from_private(hashlib.sha256(bytes([round_])).digest())
    for message in (b"", b"hello", bytes(1000)):
        signature = pair.sign(message)
        assert 0 == signature[63] & 0x80
        assert verify(pair.public, message, signature)


def test_a_signature_by_libsignal_with_its_sign_bit_set_verifies():
    public = KeyPair.from_private(bytes([3]) * 32).public
    signature = bytes.fromhex(
        "fa60825e3fedda24fcf08cd0a8c2ff389fa7b3102bacf127d509356c882ab3e2"
        "d08e0524aec5ba71d2ccd9dfba61ad71c67cd659740c2fcb7de0a4cbbb9d828f"
    )
    assert "5dfedd3b6bd47f6fa28ee15d969d5bb0ea53774d488bdaf9df1c6e0124b3ef22" == public.hex()
    assert verify(public, b"hello", signature)
    assert not verify(public, b"hello", signature[:63] + bytes([signature[63] ^ 0x80]))


def test_an_altered_signature_message_or_key_does_not_verify():
    pair = KeyPair.generate()
    signature = pair.sign(b"hello")
    assert not verify(pair.public, b"hellp", signature)
    assert not verify(KeyPair.generate().public, b"hello", signature)
    for position in (0, 31, 32, 62, 63):
        altered = bytearray(signature)
        altered[position] ^= 1
        assert not verify(pair.public, b"hello", bytes(altered))


@pytest.mark.parametrize(
    ("public", "signature"), [(b"", bytes(64)), (bytes(32), b""), (b"\xff" * 32, b"\xff" * 64)]
)
def test_malformed_keys_and_signatures_do_not_verify(public, signature):
    assert not verify(public, b"hello", signature)


@pytest.mark.parametrize("public", [b"", bytes(31), bytes(32)])
def test_a_bad_public_key_is_a_protocol_error(public):
    with pytest.raises(ProtocolError):
        KeyPair.generate().dh(public)


@pytest.mark.parametrize("length", [1, 32, 80, 160])
def test_hkdf_agrees_with_cryptography(length):
    theirs = HKDF(hashes.SHA256(), length, b"salt", b"info").derive(b"secret")
    assert theirs == hkdf(b"secret", length, b"salt", b"info")
    assert HKDF(hashes.SHA256(), length, None, b"").derive(b"") == hkdf(b"", length)


def test_a_key_pair_does_not_print_its_private_half():
    pair = KeyPair.generate()
    assert pair.private.hex() not in repr(pair)
