import pytest

from wagateway.whatsapp.errors import ProtocolError
from wagateway.whatsapp.keys import KeyPair, verify
from wagateway.whatsapp.noise import (
    HEADER,
    MAX_FRAME,
    FrameReader,
    ServerHandshake,
    SymmetricState,
    Transport,
    certificate_chain,
    frame,
)
from wagateway.whatsapp.protos import WA6, Cert

ROOT = KeyPair.generate()


class Client:
    """The client's half of the handshake, as whatsmeow does it."""

    def __init__(self):
        self.state = SymmetricState(HEADER)
        self.ephemeral, self.static = KeyPair.generate(), KeyPair.generate()

    def hello(self):
        self.state.authenticate(self.ephemeral.public)
        message = WA6.HandshakeMessage()
        message.clientHello.ephemeral = self.ephemeral.public
        return message.SerializeToString()

    def finish(self, reply, payload):
        hello = WA6.HandshakeMessage.FromString(reply).serverHello
        self.state.authenticate(hello.ephemeral)
        self.state.mix(self.ephemeral.dh(hello.ephemeral))
        server_static = self.state.decrypt(hello.static)
        self.state.mix(self.ephemeral.dh(server_static))
        check_chain(self.state.decrypt(hello.payload), server_static)
        message = WA6.HandshakeMessage()
        message.clientFinish.static = self.state.encrypt(self.static.public)
        self.state.mix(self.static.dh(hello.ephemeral))
        message.clientFinish.payload = self.state.encrypt(payload)
        return message.SerializeToString(), Transport(*self.state.split())


def check_chain(encoded, server_static):
    chain = Cert.CertChain.FromString(encoded)
    intermediate = Cert.CertChain.NoiseCertificate.Details.FromString(chain.intermediate.details)
    leaf = Cert.CertChain.NoiseCertificate.Details.FromString(chain.leaf.details)
    assert verify(ROOT.public, chain.intermediate.details, chain.intermediate.signature)
    assert verify(intermediate.key, chain.leaf.details, chain.leaf.signature)
    assert (1, 0) == (intermediate.serial, intermediate.issuerSerial)
    assert (2, 1) == (leaf.serial, leaf.issuerSerial)
    assert server_static == leaf.key


@pytest.fixture
def server():
    static = KeyPair.generate()
    return ServerHandshake(static, certificate_chain(ROOT, static.public))


def connect(server):
    client = Client()
    finish, theirs = client.finish(server.client_hello(client.hello()), b"payload")
    return client, theirs, *server.client_finish(finish)


def test_a_handshake_hands_over_the_payload_and_the_client_key(server):
    client, _, payload, static, _ = connect(server)
    assert b"payload" == payload
    assert client.static.public == static


def test_both_ends_read_what_the_other_writes(server):
    _, theirs, _, _, ours = connect(server)
    for text in (b"one", b"", bytes(70000)):
        assert text == ours.decrypt(theirs.encrypt(text))
        assert text == theirs.decrypt(ours.encrypt(text))


def test_an_altered_or_repeated_frame_is_refused_and_the_next_good_one_read(server):
    _, theirs, _, _, ours = connect(server)
    sealed = theirs.encrypt(b"one")
    with pytest.raises(ProtocolError):
        ours.decrypt(sealed[:-1] + bytes([sealed[-1] ^ 1]))
    assert b"one" == ours.decrypt(sealed)
    with pytest.raises(ProtocolError):
        ours.decrypt(sealed)


@pytest.mark.parametrize("hello", [b"", b"\xff\xff", b"\x12\x02\x0a\x00", bytes(40)])
def test_a_bad_hello_is_a_protocol_error(server, hello):
    with pytest.raises(ProtocolError):
        server.client_hello(hello)


@pytest.mark.parametrize("finish", [b"", b"\xff\xff", b"\x22\x04\x0a\x02ab", bytes(40)])
def test_a_bad_finish_is_a_protocol_error(server, finish):
    server.client_hello(Client().hello())
    with pytest.raises(ProtocolError):
        server.client_finish(finish)


def test_frames_are_cut_wherever_the_stream_is_split():
    payloads = [b"", b"a", bytes(300), b"end"]
    stream = HEADER + b"".join(map(frame, payloads))
    for step in (1, 2, 3, 7, len(stream)):
        reader, seen = FrameReader(), []
        for start in range(0, len(stream), step):
            seen += reader.feed(stream[start : start + step])
        assert payloads == seen


def test_a_stream_without_header_is_refused_at_its_first_wrong_byte():
    reader = FrameReader()
    assert [] == reader.feed(b"W")
    with pytest.raises(ProtocolError):
        reader.feed(b"B")


def test_a_reader_without_header_begins_with_a_frame():
    assert [b"x"] == FrameReader(header=b"").feed(frame(b"x"))


def test_a_payload_too_long_for_its_length_is_refused():
    with pytest.raises(ProtocolError):
        frame(bytes(MAX_FRAME + 1))
