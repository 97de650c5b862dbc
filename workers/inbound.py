"""What arrives: each message or change becomes rows and events, committed before the engine goes on."""

import base64
import sqlite3
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import TypeVar

import msgspec
import structlog

from wagateway.contract import Problem
from wagateway.events import rfc3339
from wagateway.events.catalogue import UNREAD
from wagateway.events.messages import UnreadPayload
from workers import arrivals, calls, groupchanges, newsletterchanges
from workers.arrivals import Arrived, Called, Kept
from workers.chatpresence import keep_presence
from workers.engine import (
    ChatPresence,
    GroupChange,
    GroupJoined,
    IncomingCall,
    IncomingMessage,
    IncomingReceipt,
    NewsletterChange,
    Undecryptable,
)
from workers.identities import Own
from workers.patience import Stopped, patiently
from workers.shard import Shard
from workers.shard import log as event_log
from workers.shard.writer import STORAGE
from workers.undecryptable import keep_undecryptable

_MOST_UNSETTLED = 128  # receipts whose commit nobody has seen yet
_MOST_TYPING = 128  # the same of those who type
_UNDECRYPTABLE_REMEMBERED = 256

T = TypeVar("T")

log = structlog.get_logger()


class Inbound:
    """The data part of `EngineEvents`: call it on any thread but the loop's; it returns after the commit.

    `committed(seq)` is called on the same thread after each event, then `media_wanted()` when a file is to
    be fetched, which `auto_download` allows, `arrived` for a new message of somebody else that is about no
    other, and with `auto_reject_call` `called` for each call. None of them may block.

    While the disk fails, calls wait and hold the engine back, until `stop()`: then they raise `Stopped`.
    """

    def __init__(
        self,
        shard: Shard,
        own: Own,
        committed: Callable[[int], None],
        *,
        media_wanted: Callable[[], None] | None = None,
        auto_download: bool = True,
        arrived: Callable[[Arrived], None] | None = None,
        called: Callable[[Called], None] | None = None,
        auto_reject_call: bool = False,
    ) -> None:
        self._shard = shard
        self._own = own
        self._committed = committed
        self._media_wanted = media_wanted
        self._auto_download = auto_download
        self._arrived = arrived
        self._called = called
        self._auto_reject_call = auto_reject_call
        self._stopping = threading.Event()
        self._lost = False
        self._unsettled: deque[tuple[Future[int | None], IncomingReceipt]] = deque()
        self._typing = threading.Semaphore(_MOST_TYPING)
        self._undecryptable: OrderedDict[tuple[str, str, str], None] = OrderedDict()

    def stop(self) -> None:
        """Let go of calls that wait for the disk."""
        self._stopping.set()

    def message(self, message: IncomingMessage) -> None:
        """Store the message and log its event; a repeat of a stored one changes nothing."""
        self._settle(_MOST_UNSETTLED)

        def keep(connection: sqlite3.Connection) -> Kept:
            return arrivals.keep_message(connection, self._own, message, download=self._auto_download)

        try:
            kept = self._store(keep)
        except Stopped:
            raise
        except Exception:  # a bug in reading one message must not lose it, nor stop those behind it
            log.exception("inbound.unreadable", message_id=message.id)
            kept = Kept(self._log_unread(_unreadable(message), message.chat))
        self._done(kept)

    def call(self, call: IncomingCall) -> None:
        """Store the call as a message and log its event; a repeat of a stored one changes nothing."""
        self._settle(_MOST_UNSETTLED)

        def keep(connection: sqlite3.Connection) -> Kept:
            return calls.keep_call(connection, self._own, call, reject=self._auto_reject_call)

        self._done(self._store(keep))

    def group(self, change: GroupChange) -> None:
        """Keep a group's new name and timer, and log the events of its change."""
        self._told(groupchanges.keep_change, change, change.jid)

    def group_joined(self, joined: GroupJoined) -> None:
        """Keep the name and the timer of a group that the account has joined, and log the event."""
        self._told(groupchanges.keep_joined, joined, joined.jid)

    def newsletter(self, change: NewsletterChange) -> None:
        """Log the event of a newsletter's change."""
        self._told(newsletterchanges.keep_change, change, change.jid)

    def undecryptable(self, message: Undecryptable) -> None:
        """Log the event of a message that could not be decrypted, once however often WhatsApp sends it."""
        which = (message.chat, message.sender, message.id)
        if which in self._undecryptable:
            return
        self._told(keep_undecryptable, message, message.chat)
        self._undecryptable[which] = None
        if len(self._undecryptable) > _UNDECRYPTABLE_REMEMBERED:
            self._undecryptable.popitem(last=False)

    def chat_presence(self, presence: ChatPresence) -> None:
        """Log that somebody types; returns before it is committed.

        It is worth little and nothing later: when the disk fails, or cannot keep up, it is dropped.
        """
        if not self._typing.acquire(blocking=False):
            return
        try:
            keep = partial(keep_presence, own=self._own, presence=presence)
            future = self._shard.write(keep, lazy=True)
        except Problem:  # the device is stopping
            self._typing.release()
            return
        future.add_done_callback(self._presence_kept)

    def _presence_kept(self, future: Future[int | None]) -> None:
        self._typing.release()
        if future.cancelled():
            return
        if error := future.exception():
            log.warning("inbound.presence_dropped", error=str(error))
        else:
            self._done(Kept(future.result()))

    def _told(self, keep: Callable[[sqlite3.Connection, Own, T], int | None], told: T, chat: str) -> None:
        """Keep what was told, in one transaction."""
        self._settle(_MOST_UNSETTLED)
        try:
            seq = self._store(lambda connection: keep(connection, self._own, told))
        except Stopped:
            raise
        except Exception:  # as in `message`
            log.exception("inbound.unreadable_change")
            seq = self._log_unread(_raw(told), chat)
        self._done(Kept(seq))

    def receipt(self, receipt: IncomingReceipt) -> None:
        """Store who has got, read or played messages, move their status and log the event.

        Returns before that is committed, some 20 ms later: each sent message brings receipts, which would
        otherwise take the disk from the next one to send.
        """
        self._settle(_MOST_UNSETTLED)
        keep = partial(self._keep_receipt, receipt=receipt)
        future = self._patiently(lambda: self._shard.write(keep, lazy=True))
        self._unsettled.append((future, receipt))
        future.add_done_callback(self._receipt_kept)

    def _keep_receipt(self, connection: sqlite3.Connection, receipt: IncomingReceipt) -> int | None:
        return arrivals.keep_receipt(connection, self._own, receipt)

    def _receipt_kept(self, future: Future[int | None]) -> None:
        if not future.cancelled() and future.exception() is None:
            self._done(Kept(future.result()))

    def _settle(self, most: int) -> None:
        """See what became of the receipts; those that the disk refused are stored now, however long it takes.

        At most so many stay unsettled.
        """
        while self._unsettled and (len(self._unsettled) > most or self._unsettled[0][0].done()):
            future, receipt = self._unsettled.popleft()
            try:
                future.result()
            except Problem as problem:
                if not self._stopping.is_set():
                    log.warning("inbound.receipt_not_stored", code=problem.code)
                if problem.code in STORAGE:
                    self._done(Kept(self._store(partial(self._keep_receipt, receipt=receipt))))
            except Exception:  # as above
                log.exception("inbound.unreadable_receipt")
                self._done(Kept(self._log_unread(_raw(receipt), receipt.chat)))

    def unread(self, code: int, raw: bytes) -> None:
        """Log an engine event that could not be read, as it is."""
        payload = UnreadPayload(code=code, raw=base64.b64encode(raw).decode())
        self._done(Kept(self._log_unread(payload, "")))

    def _done(self, kept: Kept) -> None:
        if kept.seq is not None:
            self._committed(kept.seq)
        if kept.wanted and self._media_wanted is not None:
            self._media_wanted()
        if kept.arrived is not None and self._arrived is not None:
            self._arrived(kept.arrived)
        if kept.called is not None and self._called is not None:
            self._called(kept.called)

    def _log_unread(self, payload: UnreadPayload, chat: str) -> int:
        return self._store(lambda connection: event_log.append(connection, self._own, UNREAD, chat, payload))

    def _store(self, write: Callable[[sqlite3.Connection], T]) -> T:
        return self._patiently(lambda: self._shard.write(write).result())

    def _patiently(self, write: Callable[[], T]) -> T:
        try:
            return patiently(write, self._stopping, "inbound.waiting_for_disk")
        except Stopped as end:
            if not self._lost:
                self._lost = True  # the engine may have many more, and one line tells it all
                log.warning("inbound.not_stored", code=str(end))
            raise


def _raw(told: object) -> UnreadPayload:
    return UnreadPayload(raw=base64.b64encode(msgspec.json.encode(told)).decode())


def _unreadable(message: IncomingMessage) -> UnreadPayload:
    return UnreadPayload(
        raw=base64.b64encode(message.content).decode(),
        id=message.id,
        chat_id=message.chat,
        sender=message.sender,
        timestamp=rfc3339(message.timestamp),
        is_from_me=message.is_from_me,
    )
