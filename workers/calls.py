"""What an incoming call changes in the shard: its row and its event, in one transaction."""

import sqlite3

import msgspec

from wagateway.events.catalogue import CALL
from workers import arrivals, payloads
from workers.engine import IncomingCall
from workers.identities import Own, identities, learn_lids
from workers.payloads import Facts
from workers.shard import log as event_log
from workers.shard import messages
from workers.shard.messages import MessageRow


def keep_call(connection: sqlite3.Connection, own: Own, call: IncomingCall, *, reject: bool) -> arrivals.Kept:
    """Store the call as a message and log its event; a repeat changes nothing, but is rejected again.

    `reject` is whether calls are rejected by themselves. A call of the own account is nothing to tell.
    """
    learn_lids(connection, {(call.caller_lid, call.caller)})
    caller, lid = identities(connection, own, call.caller)
    if caller == own.jid:
        return arrivals.Kept()
    facts = Facts(
        id=f"call:{call.id}",
        chat=call.group or caller,
        chat_lid="" if call.group else call.caller_lid or lid,
        sender=caller,
        sender_lid=call.caller_lid or lid,
        name=messages.name_of(connection, caller),
        timestamp=call.timestamp,
        is_from_me=False,
    )
    called = arrivals.Called(call.id, caller) if reject else None
    if not messages.add_message(connection, _row_of(call, facts, rejected=reject)):
        return arrivals.Kept(called=called)
    payload = payloads.offer_of(call, facts, rejected=reject)
    return arrivals.Kept(event_log.append(connection, own, CALL, facts.chat, payload), called=called)


def _row_of(call: IncomingCall, facts: Facts, *, rejected: bool) -> MessageRow:
    metadata = {
        "call_id": call.id,
        "caller": facts.sender,
        "caller_lid": facts.sender_lid,
        "group": call.group,
        "platform": call.platform,
        "version": call.version,
        "auto_rejected": rejected,
    }
    return MessageRow(
        id=facts.id,
        chat=facts.chat,
        sender=facts.sender,
        sender_lid=facts.sender_lid,
        from_me=False,
        timestamp=facts.timestamp,
        kind="call",
        content="Incoming call",
        metadata=msgspec.json.encode(metadata).decode(),
        raw=b"",
    )
