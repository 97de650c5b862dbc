"""The server's end of WhatsApp's encrypted connection: Noise XX handshake, frames and certificates."""

import hashlib

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from google.protobuf.message import DecodeError

from wagateway.whatsapp.errors import ProtocolError
from wagateway.whatsapp.keys import KeyPair, hkdf
from wagateway.whatsapp.protos import WA6, Cert
from wagateway.whatsapp.tokens import DICTIONARY_VERSION

HEADER = b"WA\x06" + bytes([DICTIONARY_VERSION])
"""What a client sends once, before its first frame."""

MAX_FRAME = (1 << 24) - 1
"""The most bytes that a frame's 3-byte length can announce."""

_PATTERN = b"Noise_XX_25519_AESGCM_SHA256".ljust(32, b"\0")
# Fixed far-apart dates: the chain is made in memory at each start, so nothing is gained by renewing it.
_NOT_BEFORE = 1_577_836_800
_NOT_AFTER = 4_102_444_800


class SymmetricState:
    """What both ends of a handshake keep in step: the transcript hash, the salt and the current key."""

    def __init__(self, header: bytes = HEADER) -> None:
        self._hash = self._salt = _PATTERN
        self._cipher = AESGCM(_PATTERN)
        self._counter = 0
        self.authenticate(header)

    def authenticate(self, data: bytes) -> None:
        """Take `data` into the transcript."""
        self._hash = hashlib.sha256(self._hash + data).digest()

    def encrypt(self, plaintext: bytes) -> bytes:
        """Encrypt under the current key and take the result into the transcript."""
        ciphertext = self._cipher.encrypt(_nonce(self._counter), plaintext, self._hash)
        self._counter += 1
        self.authenticate(ciphertext)
        return ciphertext

    def decrypt(self, ciphertext: bytes) -> bytes:
        """Undo `encrypt`; `ProtocolError` when the two ends are not in step."""
        try:
            plaintext = self._cipher.decrypt(_nonce(self._counter), ciphertext, self._hash)
        except (InvalidTag, ValueError) as error:
            raise ProtocolError("a handshake message does not decrypt") from error
        self._counter += 1
        self.authenticate(ciphertext)
        return plaintext

    def mix(self, secret: bytes) -> None:
        """Derive the next key from a shared secret."""
        self._salt, key = self._expand(secret)
        self._cipher = AESGCM(key)
        self._counter = 0

    def split(self) -> tuple[bytes, bytes]:
        """The two transport keys: client to server, server to client."""
        return self._expand(b"")

    def _expand(self, secret: bytes) -> tuple[bytes, bytes]:
        both = hkdf(secret, 64, salt=self._salt)
        return both[:32], both[32:]


class Transport:
    """An encrypted connection after its handshake; frames must be used in the order they travel."""

    def __init__(self, write_key: bytes, read_key: bytes) -> None:
        self._write = AESGCM(write_key)
        self._read = AESGCM(read_key)
        self._written = self._seen = 0

    def encrypt(self, plaintext: bytes) -> bytes:
        """The payload of the next frame to send."""
        nonce = _nonce(self._written)
        self._written += 1
        return self._write.encrypt(nonce, plaintext, None)

    def decrypt(self, payload: bytes) -> bytes:
        """The plaintext of the next frame received; `ProtocolError` when it was altered."""
        try:
            plaintext = self._read.decrypt(_nonce(self._seen), payload, None)
        except (InvalidTag, ValueError) as error:
            raise ProtocolError("a frame does not decrypt") from error
        self._seen += 1
        return plaintext


class ServerHandshake:
    """One handshake, answered with the static key `static` and its `certificate_chain`.

    Call `client_hello`, send its result as a frame, then call `client_finish`.
    """

    def __init__(self, static: KeyPair, certificate: bytes) -> None:
        self._static = static
        self._certificate = certificate
        self._ephemeral = KeyPair.generate()
        self._state = SymmetricState()

    def client_hello(self, frame: bytes) -> bytes:
        """Answer the client's first frame payload with ours."""
        theirs: bytes = _handshake_message(frame).clientHello.ephemeral
        if len(theirs) != 32:
            raise ProtocolError("the client's hello has no ephemeral key")
        state, ours = self._state, self._ephemeral
        state.authenticate(theirs)
        state.authenticate(ours.public)
        state.mix(ours.dh(theirs))
        reply = WA6.HandshakeMessage()
        reply.serverHello.ephemeral = ours.public
        reply.serverHello.static = state.encrypt(self._static.public)
        state.mix(self._static.dh(theirs))
        reply.serverHello.payload = state.encrypt(self._certificate)
        answer: bytes = reply.SerializeToString()
        return answer

    def client_finish(self, frame: bytes) -> tuple[bytes, bytes, Transport]:
        """The client's second frame payload: its `ClientPayload`, its static key and the transport."""
        finish = _handshake_message(frame).clientFinish
        state = self._state
        static = state.decrypt(finish.static)
        if len(static) != 32:
            raise ProtocolError("the client's static key is not 32 bytes")
        state.mix(self._ephemeral.dh(static))
        payload = state.decrypt(finish.payload)
        read_key, write_key = state.split()
        return payload, static, Transport(write_key, read_key)


class FrameReader:
    """Cuts a byte stream into frame payloads; the stream begins with `header`, which is taken off."""

    def __init__(self, header: bytes = HEADER) -> None:
        self._header = header
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """The payloads that `data` completes; `ProtocolError` when the stream begins otherwise."""
        buffer = self._buffer
        buffer += data
        if self._header and not self._take_header():
            return []
        frames = []
        start, end = 0, len(buffer)
        while end - start >= 3:
            stop = start + 3 + int.from_bytes(buffer[start : start + 3], "big")
            if stop > end:
                break
            frames.append(bytes(buffer[start + 3 : stop]))
            start = stop
        del buffer[:start]
        return frames

    def _take_header(self) -> bool:
        header, buffer = self._header, self._buffer
        if buffer[: len(header)] != header[: len(buffer)]:
            raise ProtocolError("the connection does not begin with WhatsApp's header")
        if len(buffer) < len(header):
            return False
        del buffer[: len(header)]
        self._header = b""
        return True


def frame(payload: bytes) -> bytes:
    """A payload behind its 3-byte length; `ProtocolError` from 16 MiB on."""
    if len(payload) > MAX_FRAME:
        raise ProtocolError(f"a frame cannot hold {len(payload)} bytes")
    return len(payload).to_bytes(3, "big") + payload


def certificate_chain(root: KeyPair, static_public: bytes) -> bytes:
    """A `CertChain`: `root` vouches for an intermediate key, which vouches for `static_public`."""
    intermediate = KeyPair.generate()
    chain = Cert.CertChain()
    _certify(chain.intermediate, root, intermediate.public, serial=1)
    _certify(chain.leaf, intermediate, static_public, serial=2)
    encoded: bytes = chain.SerializeToString()
    return encoded


def _certify(
    certificate: "Cert.CertChain.NoiseCertificate", issuer: KeyPair, key: bytes, serial: int
) -> None:
    details = Cert.CertChain.NoiseCertificate.Details(
        serial=serial, issuerSerial=serial - 1, key=key, notBefore=_NOT_BEFORE, notAfter=_NOT_AFTER
    )
    certificate.details = details.SerializeToString()
    certificate.signature = issuer.sign(certificate.details)


def _handshake_message(payload: bytes) -> "WA6.HandshakeMessage":
    try:
        return WA6.HandshakeMessage.FromString(payload)
    except DecodeError as error:
        raise ProtocolError("not a handshake message") from error


def _nonce(counter: int) -> bytes:
    if counter >= 1 << 32:
        raise ProtocolError("the connection has used up its nonces")
    return counter.to_bytes(12, "big")
