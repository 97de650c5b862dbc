"""Linking a device: by QR code or pairing code, up to the account's signature under its identity."""

import asyncio
import base64
import hashlib
import hmac
import secrets
from typing import Protocol

import msgspec
import structlog
from cryptography.exceptions import InvalidTag

from wagateway.contract import Problem
from wagateway.problems import invalid
from wagateway.sandbox import codes, relay
from wagateway.sandbox.network import Network, now
from wagateway.sandbox.state import LID, SERVER, USER, Account, Companion, Endpoint
from wagateway.whatsapp.errors import ProtocolError
from wagateway.whatsapp.keys import KeyPair, hkdf, verify
from wagateway.whatsapp.protos import WA6, Adv, CompanionReg
from wagateway.whatsapp.stanza import Node

log = structlog.get_logger()

_REFS = 6
_LINK_SECONDS = 15.0
_ACCOUNT_PREFIX = b"\x06\x00"
_DEVICE_PREFIX = b"\x06\x01"


class Line(Protocol):
    """The connection of a client that wants to be linked."""

    def send(self, stanza: Node) -> None:
        """Send a stanza at the end of this turn."""

    def fail(self, stanza: Node) -> None:
        """Send a last stanza, and close."""


class _Code(msgspec.Struct):
    """A pairing code under way: `wrapped` hides the companion's ephemeral key under the code."""

    number: str
    wrapped: bytes
    ref: bytes
    account: Account | None = None
    ephemeral: KeyPair | None = None
    theirs: bytes = b""


class _Link(msgspec.Struct):
    """A link that the client has been told of and must sign."""

    account: Account
    device: int
    identity: bytes
    signed: Adv.ADVSignedDeviceIdentity
    iq: str


class Pairing:
    """One client that is connected and not linked yet."""

    def __init__(self, network: Network, line: Line, noise: bytes, data: "WA6.ClientPayload") -> None:
        self.noise = noise
        self.refs = ["2@" + secrets.token_urlsafe(48) for _ in range(_REFS)]
        self.code: _Code | None = None
        self._network = network
        self._line = line
        self._data = data
        self._link: _Link | None = None
        self._linked: asyncio.Future[Endpoint] | None = None
        children = [Node("ref", {}, ref.encode()) for ref in self.refs]
        self._set(Node("pair-device", {}, children))

    def _set(self, child: Node) -> str:
        id_ = self._network.next_id()
        attrs: relay.Attrs = {"from": SERVER, "id": id_, "type": "set", "xmlns": "md"}
        self._line.send(Node("iq", attrs, [child]))
        return id_

    def received(self, stanza: Node) -> None:
        """A stanza of a client that is not linked yet."""
        if stanza.tag != "iq":
            return
        link = self._link
        if link is not None and stanza.attr("id") == link.iq:
            self._signed(link, stanza)
        elif stanza.attr("type") in ("get", "set"):
            registration = stanza.child("link_code_companion_reg")
            stage = registration.attr("stage") if registration else ""
            if registration is not None and stage == "companion_hello":
                self._companion_hello(stanza, registration)
            elif registration is not None and stage == "companion_finish":
                self._companion_finish(stanza, registration)
            else:
                self._reply(stanza)

    def _reply(self, iq: Node, *children: Node) -> None:
        attrs: relay.Attrs = {"from": SERVER, "id": iq.attr("id"), "type": "result"}
        self._line.send(Node("iq", attrs, list(children) or None))

    def gone(self) -> None:
        """The client's connection is lost."""
        self._fail(Problem(502, "LINK_FAILED", "The device went away before it took the link"))

    def _fail(self, problem: Problem) -> None:
        if self._linked is not None and not self._linked.done():
            self._linked.set_exception(problem)

    # -- by pairing code

    def _companion_hello(self, iq: Node, registration: Node) -> None:
        wrapped = registration.child("link_code_pairing_wrapped_companion_ephemeral_pub")
        if wrapped is None or len(wrapped.body()) != 80:
            raise ProtocolError("a pairing code's key is not 80 bytes")
        self.code = _Code(registration.jid("jid").user, wrapped.body(), secrets.token_bytes(16))
        ref = Node("link_code_pairing_ref", {}, self.code.ref)
        self._reply(iq, Node("link_code_companion_reg", {"stage": "companion_hello"}, [ref]))

    async def enter_code(self, code: str, account: Account, identity: KeyPair) -> Endpoint:
        """Show the client that the account's owner typed its code, and link it; raises `Problem`."""
        pending = self.code
        assert pending is not None
        letters = code.replace("-", "").upper().encode()
        ephemeral = KeyPair.generate()
        pending.theirs = await asyncio.to_thread(codes.unwrap, letters, pending.wrapped)
        wrapped = await asyncio.to_thread(codes.wrap, letters, ephemeral.public)
        pending.account, pending.ephemeral = account, ephemeral
        self._linked = asyncio.get_running_loop().create_future()
        children = [
            Node("link_code_pairing_wrapped_primary_ephemeral_pub", {}, wrapped),
            Node("primary_identity_pub", {}, identity.public),
            Node("link_code_pairing_ref", {}, pending.ref),
        ]
        stage = Node("link_code_companion_reg", {"stage": "primary_hello"}, children)
        attrs: relay.Attrs = {
            "from": SERVER,
            "id": self._network.next_id(),
            "type": "link_code_companion_reg",
            "t": str(now()),
        }
        self._identity = identity
        self._line.send(Node("notification", attrs, [stage]))
        return await self._outcome()

    def _companion_finish(self, iq: Node, registration: Node) -> None:
        pending = self.code
        bundle = registration.child("link_code_pairing_wrapped_key_bundle")
        identity = registration.child("companion_identity_public")
        if pending is None or pending.ephemeral is None or bundle is None or identity is None:
            raise ProtocolError("a pairing code is finished that was not begun")
        assert pending.account is not None
        self._reply(iq)
        shared = pending.ephemeral.dh(pending.theirs)
        try:
            plain = codes.open_bundle(shared, bundle.body())
        except InvalidTag:
            self._fail(Problem(400, "WRONG_CODE", "The code is not the one that the device shows"))
            return
        theirs, random = plain[:32], plain[64:96]
        if theirs != identity.body():
            raise ProtocolError("a pairing code's bundle has another identity than its stanza")
        secret = hkdf(shared + self._identity.dh(theirs) + random, 32, info=b"adv_secret")
        self._offer(pending.account, self._identity, secret, theirs)

    # -- by QR code, and what both have in common

    async def scanned(
        self, account: Account, identity: KeyPair, secret: bytes, companion_identity: bytes
    ) -> Endpoint:
        """Link the client; `secret` and `companion_identity` are from the QR code. Raises `Problem`."""
        self._linked = asyncio.get_running_loop().create_future()
        self._offer(account, identity, secret, companion_identity)
        return await self._outcome()

    async def _outcome(self) -> Endpoint:
        assert self._linked is not None
        try:
            async with asyncio.timeout(_LINK_SECONDS):
                return await self._linked
        except TimeoutError:
            raise Problem(504, "LINK_FAILED", "The device did not take the link in time") from None

    def _offer(self, account: Account, identity: KeyPair, secret: bytes, companion_identity: bytes) -> None:
        device = self._network.new_device(account)
        details = Adv.ADVDeviceIdentity(
            rawID=secrets.randbelow(1 << 31), timestamp=now(), keyIndex=device
        ).SerializeToString()
        signed = Adv.ADVSignedDeviceIdentity(
            details=details,
            accountSignatureKey=identity.public,
            accountSignature=identity.sign(_ACCOUNT_PREFIX + details + companion_identity),
        )
        serialized = signed.SerializeToString()
        sealed = Adv.ADVSignedDeviceIdentityHMAC(
            details=serialized, HMAC=hmac.digest(secret, serialized, hashlib.sha256)
        )
        children = [
            Node("device-identity", {}, sealed.SerializeToString()),
            Node("device", {"jid": account.jid(USER, device), "lid": account.jid(LID, device)}),
            Node("platform", {"name": "android"}),
        ]
        iq = self._set(Node("pair-success", {}, children))
        self._link = _Link(account, device, companion_identity, signed, iq)

    def _signed(self, link: _Link, stanza: Node) -> None:
        sign = stanza.child("pair-device-sign")
        signed_identity = sign.child("device-identity") if sign else None
        if signed_identity is None:
            error = stanza.child("error")
            text = error.attr("text") if error else "it did not say why"
            self._fail(Problem(409, "LINK_REFUSED", f"The device refused the link: {text}"))
            return
        signature = Adv.ADVSignedDeviceIdentity.FromString(signed_identity.body()).deviceSignature
        covered = _DEVICE_PREFIX + link.signed.details + link.identity + link.signed.accountSignatureKey
        if not verify(link.identity, covered, signature):
            raise ProtocolError("a device's signature under its link does not fit")
        link.signed.deviceSignature = signature
        self._complete(link)

    def _complete(self, link: _Link) -> None:
        data, account = self._data, link.account
        relay.announce_devices(self._network, account)
        account.companions[link.device] = Companion(
            link.device,
            self.noise,
            link.identity,
            link.signed.SerializeToString(),
            CompanionReg.DeviceProps.FromString(data.deviceProps).os or "unknown",
            int.from_bytes(data.eRegid, "big"),
            int.from_bytes(data.eSkeyID, "big"),
            data.eSkeyVal,
            data.eSkeySig,
        )
        self._network.save(account)
        endpoint = Endpoint(account, link.device)
        self._line.fail(Node("stream:error", {"code": "515"}))
        log.info("companion.linked", number=account.number, companion=link.device)
        if self._linked is not None and not self._linked.done():
            self._linked.set_result(endpoint)


class Pairings:
    """The clients that wait to be linked."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._waiting: dict[bytes, Pairing] = {}

    def begin(self, line: Line, noise: bytes, data: "WA6.ClientPayload") -> Pairing:
        """A client connected that is not linked."""
        pairing = Pairing(self._network, line, noise, data)
        self._waiting[noise] = pairing
        return pairing

    def gone(self, pairing: Pairing) -> None:
        """A waiting client's connection is lost."""
        pairing.gone()
        if self._waiting.get(pairing.noise) is pairing:
            del self._waiting[pairing.noise]

    async def scan(self, qr: str, account: Account, identity: KeyPair) -> Endpoint:
        """Link the client that shows this QR code to the account; raises `Problem`."""
        try:
            ref, *parts = qr.strip().rpartition("#")[2].split(",")
            noise, companion_identity, secret = (base64.b64decode(part, validate=True) for part in parts[:3])
        except ValueError:
            raise invalid("qr", "is not a QR code for linking a device") from None
        pairing = self._waiting.get(noise)
        if pairing is None or ref not in pairing.refs:
            raise Problem(404, "QR_UNKNOWN", "No device shows this QR code now")
        return await pairing.scanned(account, identity, secret, companion_identity)

    async def enter_code(self, code: str, account: Account, identity: KeyPair) -> Endpoint:
        """Link the client that shows this pairing code for the account's number; raises `Problem`."""
        waiting = [
            each for each in self._waiting.values() if each.code and each.code.number == account.number
        ]
        if not waiting:
            raise Problem(404, "CODE_UNKNOWN", "No device waits for a pairing code of this number")
        return await waiting[-1].enter_code(code, account, identity)
