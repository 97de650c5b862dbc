"""One client's connection: the Noise handshake, then stanzas both ways."""

import asyncio
from collections.abc import Callable
from typing import Protocol

import structlog
from google.protobuf.message import DecodeError

from wagateway.sandbox import calls, presence, relay
from wagateway.sandbox.identity import Identity
from wagateway.sandbox.network import Network, now, waiting_key
from wagateway.sandbox.pairing import Pairing, Pairings
from wagateway.sandbox.proxy import Pipe
from wagateway.sandbox.state import LID, SERVER, Endpoint
from wagateway.whatsapp.errors import ProtocolError
from wagateway.whatsapp.noise import FrameReader, ServerHandshake, Transport, frame
from wagateway.whatsapp.protos import WA6
from wagateway.whatsapp.stanza import Node, decode, encode

log = structlog.get_logger()

LAST_WORDS_SECONDS = 0.3
"""How long a client gets to read a last stanza: whatsmeow drops the unread when the socket goes."""


class Answers(Protocol):
    """What answers the `<iq>` of logged-in companions."""

    def __call__(self, client: Endpoint, iq: Node) -> Node:
        """The answer to one."""


class Connection:
    """A `Chat` of the proxy, and the way to a companion while it is logged in."""

    def __init__(
        self, network: Network, pairings: Pairings, identity: Identity, answers: Answers, pipe: Pipe
    ) -> None:
        self._network = network
        self._pairings = pairings
        self._answers = answers
        self._pipe = pipe
        self._frames = FrameReader()
        self._handshake = ServerHandshake(identity.static, identity.certificate)
        self._transport: Transport | None = None
        self._handle: Callable[[bytes], None] = self._hello
        self._out: list[bytes] = []
        self._closing: asyncio.TimerHandle | None = None
        self.client: Endpoint | None = None
        self._pairing: Pairing | None = None

    # -- from the socket

    def received(self, data: bytes) -> None:
        """A binary message came."""
        try:
            for payload in self._frames.feed(data):
                self._handle(payload)
        except (ProtocolError, DecodeError) as error:
            log.info("client.broke_protocol", why=str(error))
            self._pipe.abort()

    def lost(self) -> None:
        """The socket is gone."""
        if self._closing is not None:
            self._closing.cancel()
        if self._pairing is not None:
            self._pairings.gone(self._pairing)
        if self.client is not None and self._network.online.get(self.client.key) is self:
            del self._network.online[self.client.key]
            presence.disconnected(self._network, self.client)

    # -- to the socket

    def send(self, stanza: Node) -> None:
        """Send a stanza at the end of this turn."""
        self.push(encode(stanza))

    def push(self, stanza: bytes) -> None:
        """Send an encoded stanza at the end of this turn."""
        self._out.append(stanza)
        self._network.talking(self)

    def flush(self) -> None:
        """Write what was pushed."""
        out, self._out = self._out, []
        if self._transport is not None:
            self._pipe.send(b"".join(frame(self._transport.encrypt(stanza)) for stanza in out))

    def fail(self, stanza: Node) -> None:
        """Send a last stanza, and close once the client has had the time to read it."""
        self.send(stanza)
        self._handle = _ignore
        loop = asyncio.get_running_loop()
        self._closing = loop.call_later(LAST_WORDS_SECONDS, self._pipe.close)

    def drop(self) -> None:
        """Close without a word."""
        self._handle = _ignore
        self._pipe.abort()

    # -- before login

    def _hello(self, payload: bytes) -> None:
        self._pipe.send(frame(self._handshake.client_hello(payload)))
        self._handle = self._finish

    def _finish(self, payload: bytes) -> None:
        raw, noise, self._transport = self._handshake.client_finish(payload)
        client = WA6.ClientPayload.FromString(raw)
        if client.HasField("username"):
            self._log_in(str(client.username), client.device, noise)
        else:
            self._pairing = self._pairings.begin(self, noise, client.devicePairingData)
            self._handle = self._unlinked

    def _unlinked(self, payload: bytes) -> None:
        assert self._pairing is not None
        self._pairing.received(decode(self._decrypt(payload)))

    def _log_in(self, number: str, device: int, noise: bytes) -> None:
        network = self._network
        account = network.accounts.get(number)
        companion = account.companions.get(device) if account else None
        if network.faults.refuses(number):
            self.drop()
        elif (failure := network.faults.failing(number)) is not None:
            self.fail(failure)
        elif account is None or companion is None or companion.noise != noise:
            self.fail(Node("failure", {"reason": "401", "location": "sandbox"}))
        else:
            self._log_in_as(Endpoint(account, device))

    def _log_in_as(self, client: Endpoint) -> None:
        older = self._network.online.get(client.key)
        self.client = client
        self._network.online[client.key] = self
        if older is not None:
            older.fail(replaced())
        self._handle = self._stanza
        self.send(Node("success", {"lid": client.jid(LID), "t": str(now()), "location": "sandbox"}))
        waiting = self._network.waiting(client)
        for stanza in waiting:
            self.push(stanza)
        offline = Node("offline", {"count": str(len(waiting))})
        self.send(Node("ib", {"from": SERVER}, [offline]))
        log.info("client.logged_in", number=client.account.number, device=client.device, waiting=len(waiting))

    # -- after login

    def _decrypt(self, payload: bytes) -> bytes:
        assert self._transport is not None
        return self._transport.decrypt(payload)

    def _stanza(self, payload: bytes) -> None:
        stanza = decode(self._decrypt(payload))
        client, network = self.client, self._network
        assert client is not None
        if client.device not in client.account.companions:
            return  # unlinked a moment ago
        match stanza.tag:
            case "iq":
                if stanza.attr("type") in ("get", "set"):
                    self.send(self._answers(client, stanza))
            case "message":
                self._message(client, stanza)
            case "receipt":
                relay.receipt(network, client, stanza)
            case "ack":
                key = waiting_key(stanza.attr("class"), stanza.attr("id"), stanza.attrs.get("to"), stanza)
                network.acknowledged(client, key)
            case "call":
                self.send(calls.received(network, client, stanza))
            case "presence":
                presence.received(network, client, stanza)
            case "chatstate":
                presence.typing(network, client, stanza)

    def _message(self, client: Endpoint, stanza: Node) -> None:
        faults, number = self._network.faults, client.account.number
        error = faults.rejected(number)
        outcome = {"error": str(error)} if error else relay.message(self._network, client, stanza)
        attrs: relay.Attrs = {
            "class": "message",
            "id": stanza.attr("id"),
            "from": stanza.jid("to"),
            "t": str(now()),
            **outcome,
        }
        ack = Node("ack", attrs)
        delay = 0.0 if "error" in outcome else faults.ack_delay(number)
        if delay == 0.0:
            self.send(ack)
            return
        faults.hold(number, 1)
        if delay is not None:
            asyncio.get_running_loop().call_later(delay, self._send_held, ack)

    def _send_held(self, ack: Node) -> None:
        assert self.client is not None
        self._network.faults.hold(self.client.account.number, -1)
        self.send(ack)


def _ignore(payload: bytes) -> None:
    """What a client says after its last words were sent."""


def replaced() -> Node:
    """The stream error for a client whose session another one took over."""
    return Node("stream:error", {"code": "409"}, [Node("conflict", {"type": "replaced"})])


def removed() -> Node:
    """The stream error for a companion that was unlinked."""
    return Node("stream:error", {"code": "401"}, [Node("conflict", {"type": "device_removed"})])
