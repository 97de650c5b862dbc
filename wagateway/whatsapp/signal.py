"""A device's end of Signal encryption: its keys, its sessions with other devices and its sender keys."""

import secrets
from typing import Literal

import msgspec

from wagateway.whatsapp.errors import DuplicateMessage, ProtocolError
from wagateway.whatsapp.fields import KEY_TYPE, VERSION, Fields, versioned, write_fields
from wagateway.whatsapp.keys import KeyPair, hkdf, verify
from wagateway.whatsapp.ratchet import Pending, ReceivingChain, Session, root_step, seal, unseal
from wagateway.whatsapp.senderkeys import (
    SenderKey,
    distribution,
    group_seal,
    group_unseal,
    message_key_id,
    new_sender_key,
    read_distribution,
)

Kind = Literal["pkmsg", "msg"]
"""A message that may begin a session, and one within a session that both sides know."""

MAX_SESSIONS = 10
"""How many sessions an address keeps; both sides may begin one at once, and old messages may be late."""
MAX_SENDER_KEYS = 5
_MAX_PADDING = 15


class Bundle(msgspec.Struct, frozen=True):
    """The public keys with which another device begins a session; keys are 32 bytes, ids 3."""

    registration_id: int
    identity: bytes
    signed_id: int
    signed_public: bytes
    signed_signature: bytes
    one_time_id: int | None = None
    one_time_public: bytes | None = None


class SignedPrekey(msgspec.Struct, frozen=True):
    """The prekey that every bundle contains, signed with the identity."""

    id: int
    pair: KeyPair
    signature: bytes


class SignalStore(msgspec.Struct):
    """All Signal state of one device. Addresses and groups are names that the caller chooses.

    A method that raises has changed nothing.
    """

    identity: KeyPair
    registration_id: int
    signed_prekey: SignedPrekey
    prekeys: dict[int, KeyPair]
    offered: int = 0
    sessions: dict[str, tuple[Session, ...]] = {}
    sender_keys: dict[str, dict[str, tuple[SenderKey, ...]]] = {}

    @classmethod
    def create(cls, identity: KeyPair | None = None, prekeys: int = 100) -> "SignalStore":
        """A new device with this identity (or a random one) and so many one-time prekeys."""
        identity = identity or KeyPair.generate()
        pair = KeyPair.generate()
        signed = SignedPrekey(1, pair, identity.sign(KEY_TYPE + pair.public))
        one_time = {number: KeyPair.generate() for number in range(1, prekeys + 1)}
        return cls(identity, secrets.randbelow(16380) + 1, signed, one_time)

    @classmethod
    def load(cls, data: bytes) -> "SignalStore":
        """Read what `dump` wrote."""
        return msgspec.msgpack.decode(data, type=cls)

    def dump(self) -> bytes:
        """The whole state; it contains private keys."""
        return msgspec.msgpack.encode(self)

    def bundle(self) -> Bundle:
        """Keys for one more device to begin a session with; without a one-time key when they ran out."""
        number = next((number for number in self.prekeys if number > self.offered), None)
        if number is not None:
            self.offered = number
        signed = self.signed_prekey
        return Bundle(
            self.registration_id,
            self.identity.public,
            signed.id,
            signed.pair.public,
            signed.signature,
            number,
            self.prekeys[number].public if number is not None else None,
        )

    def has_session(self, address: str) -> bool:
        """Whether `encrypt` needs no bundle."""
        return bool(self.sessions.get(address))

    def start_session(self, address: str, bundle: Bundle) -> None:
        """Begin a session from a device's bundle; `ProtocolError` when its signature is wrong."""
        if not verify(bundle.identity, KEY_TYPE + bundle.signed_public, bundle.signed_signature):
            raise ProtocolError("a bundle's prekey is not signed by its identity")
        base, ratchet = KeyPair.generate(), KeyPair.generate()
        secret = self.identity.dh(bundle.signed_public)
        secret += base.dh(bundle.identity) + base.dh(bundle.signed_public)
        if bundle.one_time_public is not None:
            secret += base.dh(bundle.one_time_public)
        root, first = _first_keys(secret)
        root, key = root_step(root, ratchet.dh(bundle.signed_public))
        session = Session(
            bundle.identity,
            base.public,
            root,
            ratchet,
            key,
            receiving=(ReceivingChain(bundle.signed_public, first),),
            pending=Pending(bundle.one_time_id, bundle.signed_id),
        )
        self._put_first(address, session)

    def encrypt(self, address: str, plaintext: bytes) -> tuple[Kind, bytes]:
        """Encrypt for one device; `ProtocolError` when there is no session with it."""
        sessions = self.sessions.get(address)
        if not sessions:
            raise ProtocolError("there is no session with this device")
        message, session = seal(sessions[0], self.identity, plaintext)
        self.sessions[address] = (session, *sessions[1:])
        pending = session.pending
        if pending is None:
            return "msg", message
        fields: list[tuple[int, int | bytes]] = []
        if pending.one_time_id is not None:
            fields.append((1, pending.one_time_id))
        fields += [
            (2, KEY_TYPE + session.base),
            (3, KEY_TYPE + self.identity.public),
            (4, message),
            (5, self.registration_id),
            (6, pending.signed_id),
        ]
        return "pkmsg", VERSION + write_fields(*fields)

    def decrypt(self, address: str, kind: str, message: bytes) -> bytes:
        """Decrypt what a device sent; `DuplicateMessage` for a repeat, else `ProtocolError`."""
        if kind == "msg":
            return self._decrypt_in_session(address, message)
        if kind != "pkmsg":
            raise ProtocolError("an unknown kind of encrypted message")
        fields = Fields(versioned(message))
        base, inner = fields.key(2), fields.data(4)
        if any(session.base == base for session in self.sessions.get(address, ())):
            return self._decrypt_in_session(address, inner)
        one_time_id = fields.optional_number(1)
        session = self._answer(fields.key(3), base, fields.number(6), one_time_id)
        plaintext, session = unseal(session, self.identity, inner)
        self._put_first(address, session)
        if one_time_id is not None:
            del self.prekeys[one_time_id]
        return plaintext

    def sender_key_distribution(self, group: str, me: str) -> bytes:
        """What group members need to read our next messages; begins our chain when there is none."""
        return distribution(self._own_sender_key(group, me))

    def process_distribution(self, group: str, sender: str, message: bytes) -> None:
        """Learn a sender's chain; one that is known already stays where it is."""
        new = read_distribution(message)
        known = self.sender_keys.get(group, {}).get(sender, ())
        if any((old.id, old.public) == (new.id, new.public) for old in known):
            return
        self.sender_keys.setdefault(group, {})[sender] = (new, *known)[:MAX_SENDER_KEYS]

    def group_encrypt(self, group: str, me: str, plaintext: bytes) -> bytes:
        """Encrypt for all of a group."""
        message, advanced = group_seal(self._own_sender_key(group, me), plaintext)
        self.sender_keys[group][me] = (advanced,)
        return message

    def group_decrypt(self, group: str, sender: str, message: bytes) -> bytes:
        """Decrypt a group message; `DuplicateMessage` for a repeat, else `ProtocolError`."""
        number = message_key_id(message)
        known = self.sender_keys.get(group, {}).get(sender, ())
        for position, sender_key in enumerate(known):
            if sender_key.id == number:
                plaintext, advanced = group_unseal(sender_key, message)
                self.sender_keys[group][sender] = (*known[:position], advanced, *known[position + 1 :])
                return plaintext
        raise ProtocolError("the sender's key is not known")

    def _decrypt_in_session(self, address: str, message: bytes) -> bytes:
        sessions = self.sessions.get(address, ())
        for session in sessions:
            try:
                plaintext, advanced = unseal(session, self.identity, message)
            except DuplicateMessage:
                raise
            except ProtocolError:
                continue
            others = (other for other in sessions if other is not session)
            self.sessions[address] = (advanced, *others)
            return plaintext
        raise ProtocolError("no session with this device fits the message")

    def _answer(self, their_identity: bytes, base: bytes, signed_id: int, one_time_id: int | None) -> Session:
        signed = self.signed_prekey
        if signed_id != signed.id:
            raise ProtocolError("a first message names an unknown signed prekey")
        secret = signed.pair.dh(their_identity) + self.identity.dh(base) + signed.pair.dh(base)
        if one_time_id is not None:
            if one_time_id not in self.prekeys:
                raise ProtocolError("a first message names a one-time prekey that is used or unknown")
            secret += self.prekeys[one_time_id].dh(base)
        root, key = _first_keys(secret)
        return Session(their_identity, base, root, signed.pair, key)

    def _put_first(self, address: str, session: Session) -> None:
        self.sessions[address] = (session, *self.sessions.get(address, ()))[:MAX_SESSIONS]

    def _own_sender_key(self, group: str, me: str) -> SenderKey:
        senders = self.sender_keys.setdefault(group, {})
        if me not in senders:
            senders[me] = (new_sender_key(),)
        return senders[me][0]


def pad(plaintext: bytes) -> bytes:
    """Append 1 to 15 bytes that say how many they are."""
    padding = secrets.randbelow(_MAX_PADDING) + 1
    return plaintext + bytes([padding]) * padding


def unpad(padded: bytes) -> bytes:
    """Undo `pad`; `ProtocolError` when the padding is not one."""
    padding = padded[-1] if padded else 0
    if not padding or padded[-padding:] != bytes([padding]) * padding:
        raise ProtocolError("a plaintext is padded wrongly")
    return padded[:-padding]


def _first_keys(secret: bytes) -> tuple[bytes, bytes]:
    both = hkdf(b"\xff" * 32 + secret, 64, info=b"WhisperText")
    return both[:32], both[32:]
