"""What makes clients believe that this is WhatsApp: the Noise root key and a TLS certificate."""

import datetime as dt
import ssl
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from wagateway.sandbox.disk import Disk
from wagateway.whatsapp.keys import KeyPair
from wagateway.whatsapp.noise import certificate_chain

MEDIA_HOST = "mmg.whatsapp.net"
_NAMES = [
    "*.whatsapp.com",
    "*.whatsapp.net",
    "*.cdn.whatsapp.net",
    "whatsapp.com",
    "whatsapp.net",
    "web.whatsapp.com",
    MEDIA_HOST,
]
_KEY = "identity"
_ALGORITHM = ec.SECP256R1()


class Stored(msgspec.Struct, frozen=True):
    """The keys as they are kept, so that clients still trust the network after a restart."""

    root: bytes
    static: bytes
    ca: bytes
    server: bytes


class Identity(msgspec.Struct, frozen=True):
    """The network's keys: `root` signs `certificate`, which vouches for the Noise key `static`.

    `ca` is the PEM that clients must trust, `server` the PEM of the TLS key and its certificate.
    """

    root: KeyPair
    static: KeyPair
    certificate: bytes
    ca: bytes
    server: bytes


def load(disk: Disk) -> Identity:
    """The identity in the file, made at the first start."""
    raw = disk.get(_KEY)
    if raw is None:
        ca, server = _make_tls()
        stored = Stored(KeyPair.generate().private, KeyPair.generate().private, ca, server)
        raw = msgspec.msgpack.encode(stored)
        kept = raw
        disk.put(_KEY, lambda: kept)
        disk.flush()
    stored = msgspec.msgpack.decode(raw, type=Stored)
    root, static = KeyPair.from_private(stored.root), KeyPair.from_private(stored.static)
    return Identity(root, static, certificate_chain(root, static.public), stored.ca, stored.server)


def tls_context(identity: Identity, folder: Path) -> ssl.SSLContext:
    """A server's TLS context; OpenSSL reads the key from a file only, so it lies in `folder` (0600)."""
    path = folder / "tls.pem"
    path.touch(0o600)
    path.write_bytes(identity.server)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def _make_tls() -> tuple[bytes, bytes]:
    ca_key = ec.generate_private_key(_ALGORITHM)
    ca_name = _name("wagateway sandbox CA")
    authority = (
        _builder(ca_name, ca_name, ca_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(ca_key, hashes.SHA256())
    )
    key = ec.generate_private_key(_ALGORITHM)
    names = x509.SubjectAlternativeName([x509.DNSName(name) for name in _NAMES])
    certificate = (
        _builder(_name("web.whatsapp.com in the wagateway sandbox"), ca_name, key.public_key())
        .add_extension(names, critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return authority.public_bytes(pem), private + certificate.public_bytes(pem)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=3650))
    )
