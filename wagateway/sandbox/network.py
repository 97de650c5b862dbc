"""The simulated WhatsApp network: who is on it, and what waits for whom."""

import asyncio
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator
from typing import Protocol

import msgspec
import structlog

from wagateway.sandbox.bell import Bell
from wagateway.sandbox.disk import Disk
from wagateway.sandbox.faults import Faults
from wagateway.sandbox.state import (
    LID,
    MAX_DEVICE,
    USER,
    Account,
    Call,
    Companion,
    Endpoint,
    Group,
    Newsletter,
    Post,
    Presences,
)
from wagateway.whatsapp.signal import Bundle
from wagateway.whatsapp.stanza import Jid, Node, encode

_DISK_SECONDS = 0.5  # between tries to write to a disk that is full

log = structlog.get_logger()


class Online(Protocol):
    """The connection of a logged-in companion."""

    def push(self, stanza: bytes) -> None:
        """Send an encoded stanza at the end of this turn."""

    def flush(self) -> None:
        """Write what was pushed."""

    def fail(self, stanza: Node) -> None:
        """Send a last stanza, and close once the client has had the time to read it."""

    def drop(self) -> None:
        """Close without a word."""


class Primary(Protocol):
    """A virtual phone: device 0 of an account, which lives in this process and is always there."""

    def receive(self, stanza: Node) -> None:
        """Take what is addressed to the phone."""

    def bundle(self) -> Bundle:
        """Keys for one more device to begin a session with the phone."""


class Waiting(msgspec.Struct, frozen=True):
    """A stanza that a companion has not acknowledged; `number` is its place in the queue."""

    number: int
    stanza: bytes


class Network:
    """All state, and the turn: what one stanza changes is on disk before any answer to it is written."""

    def __init__(self, disk: Disk) -> None:
        self.disk = disk
        self.accounts: dict[str, Account] = {}
        self.groups: dict[str, Group] = {}
        self.newsletters: dict[str, Newsletter] = {}
        self.posts: dict[str, list[Post]] = {}
        self.calls: dict[str, Call] = {}
        self.ringing = Bell()
        self.live: dict[str, set[tuple[str, int]]] = {}
        self.phones: dict[str, Primary] = {}
        self.online: dict[tuple[str, int], Online] = {}
        self.faults = Faults()
        self.presences = Presences()
        self._by_lid: dict[str, Account] = {}
        self._queues: dict[tuple[str, int], dict[str, Waiting]] = {}
        self._number = 0
        self._talking: set[Online] = set()
        self._after: list[Callable[[], None]] = []
        self._turn_due = False
        self._load()

    def _load(self) -> None:
        for _, raw in self.disk.under("account/"):
            self._index(msgspec.msgpack.decode(raw, type=Account))
        for _, raw in self.disk.under("group/"):
            group = msgspec.msgpack.decode(raw, type=Group)
            self.groups[group.id] = group
        for _, raw in self.disk.under("newsletter/"):
            newsletter = msgspec.msgpack.decode(raw, type=Newsletter)
            self.newsletters[newsletter.id] = newsletter
        for name, raw in self.disk.under("post/"):
            post = msgspec.msgpack.decode(raw, type=Post)
            self.posts.setdefault(name.partition("/")[0], []).append(post)
        for name, raw in self.disk.under("call/"):
            self.calls[name] = msgspec.msgpack.decode(raw, type=Call)
        for name, stanza in self.disk.under("queue/"):
            number, device, place, key = name.split("/", 3)
            self._queue((number, int(device)))[key] = Waiting(int(place), stanza)
            self._number = max(self._number, int(place))
        for receiver, queue in self._queues.items():
            self._queues[receiver] = dict(sorted(queue.items(), key=lambda item: item[1].number))

    def _index(self, account: Account) -> None:
        self.accounts[account.number] = account
        self._by_lid[account.lid] = account

    def _queue(self, key: tuple[str, int]) -> dict[str, Waiting]:
        return self._queues.setdefault(key, {})

    # -- who is there

    def account(self, jid: Jid) -> Account | None:
        """The account with this address, whichever of the two it is."""
        if jid.server == LID:
            return self._by_lid.get(jid.user)
        return self.accounts.get(jid.user) if jid.server in (USER, "c.us") else None

    def add_account(self, number: str, name: str) -> Account:
        """A new account on this phone number."""
        account = Account(number, name, lid=str(10**14 + secrets.randbelow(9 * 10**14)))
        account.state_key_id = secrets.token_bytes(6)
        account.state_key = secrets.token_bytes(32)
        self._index(account)
        self.save(account)
        return account

    def endpoint(self, jid: Jid) -> Endpoint | None:
        """The device with this address."""
        account = self.account(jid)
        if account is None or (jid.device and jid.device not in account.companions):
            return None
        return Endpoint(account, jid.device)

    def others(self, sender: Endpoint) -> Iterator[Endpoint]:
        """The other devices of the sender's account."""
        for device in sender.account.devices():
            if device != sender.device:
                yield Endpoint(sender.account, device)

    def bundle(self, endpoint: Endpoint) -> Bundle | None:
        """Keys to begin a session with a device; a one-time key is given away. None: it has no keys yet."""
        if not endpoint.device:
            return self.phones[endpoint.account.number].bundle()
        companion = endpoint.companion
        if not companion.uploaded:
            return None
        one_time: tuple[int | None, bytes | None] = (None, None)
        if companion.one_time:
            one_time = companion.one_time.pop(0)
            self.save(endpoint.account)
        return Bundle(
            companion.registration,
            companion.identity,
            companion.signed_id,
            companion.signed_public,
            companion.signed_signature,
            *one_time,
        )

    # -- what changes

    def save(self, account: Account) -> None:
        """Keep a changed account."""
        self.disk.put(f"account/{account.number}", lambda: msgspec.msgpack.encode(account))
        self.turn()

    def save_group(self, group: Group) -> None:
        """Keep a new or changed group."""
        self.groups[group.id] = group
        self.disk.put(f"group/{group.id}", lambda: msgspec.msgpack.encode(group))
        self.turn()

    def save_newsletter(self, newsletter: Newsletter) -> None:
        """Keep a new or changed newsletter."""
        self.newsletters[newsletter.id] = newsletter
        self.disk.put(f"newsletter/{newsletter.id}", lambda: msgspec.msgpack.encode(newsletter))
        self.turn()

    def save_post(self, newsletter: Newsletter, post: Post) -> None:
        """Keep a changed post of a newsletter."""
        self.disk.put(f"post/{newsletter.id}/{post.number:09}", lambda: msgspec.msgpack.encode(post))
        self.turn()

    def save_call(self, call: Call) -> None:
        """Keep a new or changed call, and tell those who wait for that."""
        self.calls[call.id] = call
        self.disk.put(f"call/{call.id}", lambda: msgspec.msgpack.encode(call))
        self.after(self.ringing.ring)

    def new_device(self, account: Account) -> int:
        """A number for one more companion; numbers come back only when all were used."""
        number = account.next_device
        while number in account.companions:
            number = number % MAX_DEVICE + 1
        account.next_device = number % MAX_DEVICE + 1
        self.save(account)
        return number

    def forget(self, endpoint: Endpoint) -> Companion:
        """Remove a companion and all that waits for it."""
        companion = endpoint.account.companions.pop(endpoint.device)
        for key, waiting in self._queues.pop(endpoint.key, {}).items():
            self.disk.drop(_name(endpoint, waiting, key))
        self.save(endpoint.account)
        return companion

    def next_id(self) -> str:
        """An id for a stanza of the server's own."""
        self._number += 1
        return f"{time.time_ns() // 1_000_000}-{self._number}"

    # -- stanzas on their way

    def deliver(self, receiver: Endpoint, stanza: Node) -> None:
        """Hand a stanza to a device; a companion gets it again at each login until it acknowledges."""
        if not receiver.device:
            self.phones[receiver.account.number].receive(stanza)
            return
        self._number += 1
        waiting = Waiting(self._number, encode(stanza))
        key = waiting_key(stanza.tag, stanza.attr("id"), stanza.attrs.get("from"), stanza)
        queue = self._queue(receiver.key)
        if older := queue.pop(key, None):
            self.disk.drop(_name(receiver, older, key))
        queue[key] = waiting
        self.disk.put(_name(receiver, waiting, key), lambda: waiting.stanza)
        if online := self.online.get(receiver.key):
            online.push(waiting.stanza)
        self.turn()

    def mention(self, receiver: Endpoint, stanza: Node) -> None:
        """Send a stanza that is worth nothing later: only if the companion is connected now."""
        if online := self.online.get(receiver.key):
            online.push(encode(stanza))

    def acknowledged(self, receiver: Endpoint, key: str) -> None:
        """A companion has taken the stanza of this key."""
        if waiting := self._queue(receiver.key).pop(key, None):
            self.disk.drop(_name(receiver, waiting, key))
            self.turn()

    def waiting(self, receiver: Endpoint) -> list[bytes]:
        """The encoded stanzas that wait for a companion, in order."""
        return [waiting.stanza for waiting in self._queue(receiver.key).values()]

    # -- turns

    def talking(self, online: Online) -> None:
        """Have this connection flushed at the end of the turn."""
        self._talking.add(online)
        self.turn()

    def after(self, action: Callable[[], None]) -> None:
        """Do something once this turn is on disk."""
        self._after.append(action)
        self.turn()

    def turn(self) -> None:
        """End the turn when everything that the event loop has ready was handled."""
        if not self._turn_due:
            self._turn_due = True
            asyncio.get_running_loop().call_soon(self._end_turn)

    def close(self) -> None:
        """Cut every connection and write everything; nothing changes after that."""
        self._end_turn()
        self._turn_due = True
        for online in list(self.online.values()):
            online.drop()
        self.disk.close()

    def _end_turn(self) -> None:
        try:
            self.disk.flush()
        except sqlite3.Error as error:
            # Nothing of this turn has been answered yet, so nobody is lied to while the disk is full.
            log.error("disk.failed", error=str(error))  # noqa: TRY400  the sentence says it all
            asyncio.get_running_loop().call_later(_DISK_SECONDS, self._end_turn)
            return
        self._turn_due = False
        talking, self._talking = self._talking, set()
        after, self._after = self._after, []
        for online in talking:
            online.flush()
        for action in after:
            action()


def waiting_key(tag: str, id_: str, peer: Jid | str | None, stanza: Node) -> str:
    """What an acknowledgement and the stanza it is for have in common."""
    kind = "" if tag == "message" else stanza.attr("type")
    return f"{tag}|{id_}|{peer or ''}|{stanza.attr('participant')}|{kind}"


def now() -> int:
    """Unix time in seconds, as stanzas carry it."""
    return int(time.time())


def _name(receiver: Endpoint, waiting: Waiting, key: str) -> str:
    return f"queue/{receiver.account.number}/{receiver.device}/{waiting.number:012}/{key}"
