"""Certificates are checked, and https does not lead to http."""

import asyncio
import datetime as dt
import ssl
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.workers.egress.conftest import Site, answer, egress, get, moved, refused, site


def contexts(folder: Path, address: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context with a certificate for this address, and a client's that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + private)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(pem)
    return serving, ssl.create_default_context(cafile=str(pem))


@pytest.fixture
def make_contexts(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Any]:
    return lambda address: contexts(tmp_path_factory.mktemp("tls"), address)


async def test_a_trusted_certificate_is_taken(make_contexts: Callable[[str], Any], into: Path) -> None:
    serving, trusting = make_contexts("127.0.0.1")
    async with site(serving) as server, egress(server, tls=trusting) as reach:
        server.answers["/"] = answer(b"x")
        assert 1 == (await get(reach, server.url(), into)).size


async def test_a_certificate_that_nobody_vouches_for_is_refused(
    make_contexts: Callable[[str], Any], into: Path
) -> None:
    serving, _ = make_contexts("127.0.0.1")
    async with site(serving) as server, egress(server) as reach:
        with refused("URL_FETCH_FAILED", "no valid certificate", into):
            await get(reach, server.url(), into)
    assert [] == server.asked


async def test_a_certificate_for_another_host_is_refused(
    make_contexts: Callable[[str], Any], into: Path
) -> None:
    serving, trusting = make_contexts("127.0.0.2")
    async with site(serving) as server, egress(server, tls=trusting) as reach:
        with refused("URL_FETCH_FAILED", "no valid certificate", into):
            await get(reach, server.url(), into)


async def test_a_server_without_tls_is_refused_as_https(into: Path) -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(plain, "127.0.0.1", 0) as listener:
        there = Site("https")
        there.port = listener.sockets[0].getsockname()[1]
        async with egress(there) as reach:
            with refused("URL_FETCH_FAILED", "does not speak TLS", into):
                await get(reach, there.url(), into)


async def test_a_redirect_from_https_to_http_is_refused(
    server: Site, make_contexts: Callable[[str], Any], into: Path
) -> None:
    serving, trusting = make_contexts("127.0.0.1")
    async with site(serving) as secure, egress(secure, server, tls=trusting) as reach:
        secure.answers["/"] = moved(server.url())
        with refused("URL_NOT_ALLOWED", "from https to http", into):
            await get(reach, secure.url(), into)
    assert [] == server.asked
