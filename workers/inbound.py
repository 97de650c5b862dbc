"""What arrives: each message becomes a row and an event, committed before the engine goes on."""

import base64
import sqlite3
import threading
from collections.abc import Callable
from typing import Protocol, TypeVar

import structlog

from wagateway.contract import Problem
from wagateway.events import MESSAGE, UNREAD, Event, MessagePayload, UnreadPayload, rfc3339
from wagateway.phone import is_group
from wagateway.whatsapp.protos import E2E
from workers import content
from workers.content import Content
from workers.engine import IncomingMessage
from workers.shard import Shard, messages
from workers.shard import log as event_log
from workers.shard.log import Numbered
from workers.shard.messages import MessageRow
from workers.shard.writer import STORAGE

_FIRST_PAUSE = 0.5  # seconds between tries to store while the disk is full
_LONGEST_PAUSE = 10.0

T = TypeVar("T")

log = structlog.get_logger()


class Own(Protocol):
    """What inbound asks of its device."""

    id: str
    jid: str


class Inbound:
    """The data part of `EngineEvents`: call it on any thread but the loop's; it returns after the commit.

    `committed(seq)` is called on the same thread after each event. While the disk fails, calls wait and
    hold the engine back, until `stop()`: then they raise the storage `Problem`.
    """

    def __init__(self, shard: Shard, own: Own, committed: Callable[[int], None]) -> None:
        self._shard = shard
        self._own = own
        self._committed = committed
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Let go of calls that wait for the disk."""
        self._stopping.set()

    def message(self, message: IncomingMessage) -> None:
        """Store the message and log its event; a repeat of a stored one changes nothing."""
        try:
            seq = self._store(lambda connection: self._keep(connection, message))
        except Problem:
            raise
        except Exception:  # a bug in reading one message must not lose it, nor stop those behind it
            log.exception("inbound.unreadable", message_id=message.id)
            seq = self._store(lambda connection: self._keep_unreadable(connection, message))
        if seq is not None:
            self._committed(seq)

    def unread(self, code: int, raw: bytes) -> None:
        """Log an engine event that could not be read, as it is."""
        payload = UnreadPayload(code=code, raw=base64.b64encode(raw).decode())
        seq = self._store(lambda connection: self._append(connection, UNREAD, "", payload))
        self._committed(seq)

    def _store(self, write: Callable[[sqlite3.Connection], T]) -> T:
        pause = _FIRST_PAUSE
        while True:
            try:
                return self._shard.write(write).result()
            except Problem as problem:
                if problem.code not in STORAGE or self._stopping.wait(pause):
                    raise
                log.warning("inbound.waiting_for_disk", code=problem.code, pause=pause)
                pause = min(pause * 2, _LONGEST_PAUSE)

    def _keep(self, connection: sqlite3.Connection, message: IncomingMessage) -> int | None:
        parsed = E2E.Message.FromString(message.content)
        chat, sender = _learn(connection, message)
        read = content.interpret(parsed)
        if read is None:
            timer = content.timer_of(parsed)
            if timer is not None:
                messages.set_timer(connection, chat, timer)
            return None
        row = MessageRow(
            id=message.id,
            chat=chat,
            sender=sender,
            sender_lid=message.sender_lid,
            from_me=message.is_from_me,
            push_name=message.push_name,
            timestamp=message.timestamp,
            kind=read.kind,
            content=read.text,
            media_type=read.media_type,
            quoted_id=read.quoted_id,
            raw=message.content,
        )
        named = not message.is_from_me and not is_group(chat) and chat == sender
        if not messages.add_message(connection, row, message.push_name if named else ""):
            return None
        if read.timer is not None:
            messages.set_timer(connection, chat, read.timer)
        payload = _payload(row, message, read, messages.name_of(connection, sender))
        return self._append(connection, MESSAGE, chat, payload)

    def _keep_unreadable(self, connection: sqlite3.Connection, message: IncomingMessage) -> int:
        payload = UnreadPayload(
            raw=base64.b64encode(message.content).decode(),
            id=message.id,
            chat_id=message.chat,
            sender=message.sender,
            timestamp=rfc3339(message.timestamp),
            is_from_me=message.is_from_me,
        )
        return self._append(connection, UNREAD, message.chat, payload)

    def _append(
        self, connection: sqlite3.Connection, kind: str, chat: str, payload: MessagePayload | UnreadPayload
    ) -> int:
        def make(numbered: Numbered) -> Event[MessagePayload | UnreadPayload]:
            return Event(
                event=kind,
                device_id=self._own.jid,
                session_id=self._own.id,
                seq=numbered.seq,
                event_id=numbered.event_id,
                timestamp=numbered.timestamp,
                payload=payload,
            )

        return event_log.append(connection, kind, chat, make)


def _learn(connection: sqlite3.Connection, message: IncomingMessage) -> tuple[str, str]:
    """Remember the names and LIDs a message tells; its chat and sender as phone JIDs where known."""
    pairs = {(message.chat_lid, message.chat), (message.sender_lid, message.sender)}
    for lid, phone in pairs:
        if lid and phone and not phone.endswith("@lid"):
            messages.learn_lid(connection, lid, phone)
    chat = messages.phone_of(connection, message.chat)
    sender = messages.phone_of(connection, message.sender)
    if message.push_name:
        messages.learn_name(connection, sender, message.push_name)
    return chat, sender


def _payload(row: MessageRow, message: IncomingMessage, read: Content, name: str) -> MessagePayload:
    return MessagePayload(
        id=row.id,
        chat_id=row.chat,
        sender=row.sender,
        sender_display_name=name or row.sender.partition("@")[0],
        timestamp=rfc3339(row.timestamp),
        is_from_me=row.from_me,
        chat_lid=message.chat_lid if message.chat_lid != row.chat else "",
        from_lid=message.sender_lid if message.sender_lid != row.sender else "",
        from_name=message.push_name,
        body=read.text,
        replied_to_id=read.quoted_id,
        quoted_body=read.quoted_text,
        forwarded=read.forwarded,
        message_id=row.id,
        chat_jid=row.chat,
        sender_jid=row.sender,
        content=read.text,
    )
