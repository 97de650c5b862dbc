"""The identities of people, each a phone JID and a LID: what of them is known, and learning more."""

import sqlite3
from typing import Protocol

from wagateway.phone import is_lid
from workers.engine import ChatPresence, IncomingMessage, IncomingReceipt, Undecryptable
from workers.payloads import Facts
from workers.shard import log as event_log
from workers.shard import messages

Told = IncomingMessage | IncomingReceipt | ChatPresence | Undecryptable


class Own(event_log.Own, Protocol):
    """The device that something arrived at; `lid` is "" where not known."""

    lid: str


def learn(connection: sqlite3.Connection, own: Own, message: IncomingMessage | Undecryptable) -> Facts:
    """Remember the names and LIDs a message tells; the message as its event will tell it."""
    chat, chat_lid, sender, sender_lid = parties(connection, own, message)
    if message.push_name:
        messages.learn_name(connection, sender, message.push_name)
    return Facts(
        id=message.id,
        chat=chat,
        chat_lid=message.chat_lid or chat_lid,
        sender=sender,
        sender_lid=message.sender_lid or sender_lid,
        name=messages.name_of(connection, sender),
        push_name=message.push_name,
        timestamp=message.timestamp,
        is_from_me=message.is_from_me,
    )


def parties(connection: sqlite3.Connection, own: Own, told: Told) -> tuple[str, str, str, str]:
    """Remember the LIDs that something tells; both identities of its chat, then both of its sender."""
    learn_lids(connection, {(told.chat_lid, told.chat), (told.sender_lid, told.sender)})
    return *identities(connection, own, told.chat), *identities(connection, own, told.sender)


def learn_lids(connection: sqlite3.Connection, pairs: set[tuple[str, str]]) -> None:
    """Remember pairs of LID and phone JID, as far as they are that."""
    for lid, phone in pairs:
        if lid and phone and not is_lid(phone):
            messages.learn_lid(connection, lid, phone)


def identities(connection: sqlite3.Connection, own: Own, jid: str) -> tuple[str, str]:
    """The phone JID (the JID itself where that is not known) and the LID, "" where not known."""
    if jid == own.jid or (is_lid(jid) and jid == own.lid):
        return own.jid, own.lid
    phone = messages.phone_of(connection, jid)
    return phone, jid if is_lid(jid) else messages.lid_of(connection, phone)
